// The busiest flows as the console asks for them each second: merged over workers, with rates, without garbage.
using System.Text.Json;
using Tapline.Capture;
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Tapline.Store;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class LiveFlowsWriterTests
{
    private static readonly LivePoint[] s_points =
    [
        new(new ObservationPoint { Id = 1, Name = "vnet0", Kind = PointKind.VmPort, Vm = "web01" }, PointState.Up),
    ];

    private static readonly VmDirectory s_directory = new(
        s_points, [new Vm("db01", "", "libvirt") { Macs = [0x525400000002] }], VmInventory.Empty);

    [Fact]
    public void BusiestFirstWithNamesAndRates()
    {
        var writer = new LiveFlowsWriter();
        using var json = JsonDocument.Parse(Write(writer, new JsonLine(), [Flow(1, 1000), Flow(2, 3000)], [Flow(3, 2000)], top: 2));
        var flows = json.RootElement.GetProperty("flows");
        Assert.Equal(["2", "3"], flows.EnumerateArray().Select(f => f.GetProperty("flow_id").GetString()!));
        Assert.Equal("vnet0", flows[0].GetProperty("point").GetString());
        Assert.Equal("web01", flows[0].GetProperty("initiator_vm").GetString());
        Assert.Equal(24_000, flows[0].GetProperty("bits_per_second").GetInt64());
    }

    [Fact]
    public void TheSteadyStateAllocatesNothing()
    {
        var writer = new LiveFlowsWriter();
        var line = new JsonLine();
        var json = new Utf8JsonWriter(line, new JsonWriterOptions { SkipValidation = true });
        var records = Enumerable.Range(1, 200).Select(i => Flow((ulong)i, i * 1000)).ToArray();
        for (var i = 0; i < 100; i++)
        {
            Answer(writer, line, json, records);
        }

        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Answer(writer, line, json, records);
            }
        }));
    }

    private static void Answer(LiveFlowsWriter writer, JsonLine line, Utf8JsonWriter json, FlowRecord[] records)
    {
        line.Clear();
        json.Reset();
        writer.Begin();
        writer.Add(records);
        writer.Write(json, 20, s_points, s_directory);
        json.Flush();
    }

    private static byte[] Write(LiveFlowsWriter writer, JsonLine line, FlowRecord[] first, FlowRecord[] second, int top)
    {
        using var json = new Utf8JsonWriter(line);
        json.WriteStartObject();
        writer.Begin();
        writer.Add(first);
        writer.Add(second);
        writer.Write(json, top, s_points, s_directory);
        json.WriteEndObject();
        json.Flush();
        return line.Written.ToArray();
    }

    private static FlowRecord Flow(ulong id, long bytes) => new()
    {
        FlowId = id,
        Protocol = id % 3 == 0 ? FlowProtocol.Udp : FlowProtocol.Tcp,
        InitiatorIp = IpAddress16.FromIpv4((uint)id),
        ResponderIp = id % 5 == 0 ? new IpAddress16(0x2001_0db8_0000_0000, id) : IpAddress16.FromIpv4(7),
        InitiatorPort = 1000,
        ResponderPort = 80,
        InitiatorMac = 0x0200_0000_0001,
        InitiatorPoint = 1,
        ResponderPoint = 0xffff,
        State = FlowState.Established,
        AppId = 1,
        AppConfidence = 1,
        StartNs = long.MaxValue,
        EndNs = long.MaxValue,
        Initiator = new DirectionCounts { Bytes = bytes, Frames = 10, Ttl = 64 },
    };
}

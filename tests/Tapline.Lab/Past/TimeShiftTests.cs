// A tap that begins in the past, on a real switch under load: numbered frames of many flows and a TCP bulk enter, the node records, a
// session is added with --since. The tool's side gets every number exactly once and in order within its flow, across the change
// to live, a tool port that is down meanwhile, and a restart of the node; and the sums of kernel, ledger and tool are the same.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Lab.Proofs;
using Xunit;

namespace Tapline.Lab.Past;

public sealed class TimeShiftTests : IDisposable
{
    private const int Rate = 20_000;

    // Two pairs of addresses, beside those of the TCP transfers.
    private const int Flows = 1 << 15;
    private const int NumberAt = 42;
    private const int ClientPort = 5001;
    private readonly string _folder = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    private string Recording => Path.Combine(_folder, "recording");

    private string Captured => Path.Combine(_folder, "tool.pcap");

    [Fact]
    public void The_tool_gets_every_frame_once_across_a_restart_a_dead_port_and_the_change_to_live()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "tcpdump");
        using var network = new LabSwitch(vms: 3);
        using var tool = NetNamespace.Create("u");
        using var port = VethPair.Create(network.Host, tool);
        network.Host.Run("ethtool", "-K", network.Ports[0].Near, "gro", "on");
        var before = network.Entered();
        using (var first = Start(network))
        {
            Send(network, 0.5);
            first.WaitForAnalysed(network.Entered() - before);
            first.Stop();
        }

        before = network.Entered();
        var firstRun = FramesOfRecording();
        using var engine = Start(network);
        using var stop = new CancellationTokenSource();
        var load = new Thread(() => Send(network, 60, stop.Token));
        load.Start();
        Transfer(network, 3_000_000);
        using var witness = tool.Start(
            "tcpdump", "-i", port.Far, "-w", Captured, "-B", "131072", "-s", "96", "-U", "--time-stamp-precision=nano");
        LabWait.Until(() => witness.Error.Contains("listening", StringComparison.Ordinal), "tcpdump to listen");

        network.Host.Ip("link", "set", port.Near, "down");
        LabCommand.Run(TaplineProgram.Path(), "mirror", "add", $"nic:{port.Near};session=late", "--since", "1h", "--data", engine.Data);
        LabWait.Until(() => Past(engine).GetProperty("state").GetString() == "past", "the session to begin");
        network.Host.Ip("link", "set", port.Near, "up");
        LabWait.Until(() => Past(engine).GetProperty("state").GetString() == "live", () => $"the session to be live: {Past(engine)}");
        Transfer(network, 3_000_000);
        stop.Cancel();
        load.Join();

        var entered = network.Rest() - before;
        engine.WaitForAnalysed(entered);
        var ledger = engine.Stop();
        var mirror = ledger.GetProperty("mirrors")[0];
        Assert.Equal(entered, Number(ledger, "recorded"));
        Assert.Equal(firstRun + entered, Number(mirror, "offered"));
        Assert.Equal(Number(mirror, "offered"), Number(mirror, "sent"));
        Assert.All(mirror.GetProperty("past").GetProperty("lacking").EnumerateObject(), r => Assert.Equal(0, r.Value.GetInt64()));
        Assert.True(Number(mirror, "sent_wire_frames") > Number(mirror, "sent"), "no super-frames, and the test proves little");
        Assert.Equal(Number(mirror, "sent_wire_frames"), tool.Statistic(port.Far, "rx_packets"));
        Check(Number(mirror, "sent_wire_frames"), witness);
    }

    [Fact]
    public void A_speed_of_one_is_a_delay_line()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "tcpdump");
        using var network = new LabSwitch(vms: 2);
        using var tool = NetNamespace.Create("u");
        using var port = VethPair.Create(network.Host, tool);
        network.Host.Run("ethtool", "-K", network.Ports[0].Near, "gro", "on");
        using var engine = Start(network);
        LabCommand.Run(
            TaplineProgram.Path(), "mirror", "add", $"nic:{port.Near};session=late", "--since", "2s", "--speed", "1",
            "--data", engine.Data);
        var watch = Stopwatch.StartNew();
        Send(network, 0.2);
        LabWait.Until(() => tool.Statistic(port.Far, "rx_packets") > 0, "the first frame to come late");

        // Two seconds of the present have passed before anything came; an absolute limit above would be the machine's, not the session's.
        Assert.True(watch.Elapsed > TimeSpan.FromSeconds(1.9), $"the first frame came after {watch.Elapsed}");
        LabWait.Until(() => tool.Statistic(port.Far, "rx_packets") == Rate / 5, "all frames to come late");
        Assert.Equal("delayed", Past(engine).GetProperty("state").GetString());

        // The same past for one command's life, into a file.
        var file = Path.Combine(_folder, "past.pcapng");
        var (exit, output, error) = LabCommand.TryRun(
            TaplineProgram.Path(), "mirror", "--from", $"bridge:{network.Bridge.Name}", "--to", $"file:{file}", "--since", "1h",
            "--data", engine.Data, "--seconds", "1.5", "--json");
        Assert.True(exit == 0, error);
        Assert.Equal(Rate / 5, JsonDocument.Parse(output).RootElement.GetProperty("sent").GetInt64());
        Assert.Equal("live", JsonDocument.Parse(output).RootElement.GetProperty("past").GetProperty("state").GetString());
        Assert.Equal(1, engine.Snapshot()!.Value.GetProperty("mirrors").GetArrayLength());
        var lines = LabCommand.Run("tcpdump", "-n", "-r", file).Split('\n');
        Assert.Equal(Rate / 5, lines.Count(l => l.Contains(" IP ", StringComparison.Ordinal)));
        var mirror = engine.Stop().GetProperty("mirrors")[0];
        Assert.Equal((Rate / 5, Rate / 5), ((int)Number(mirror, "offered"), (int)Number(mirror, "sent")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private LabEngine Start(LabSwitch network) => LabEngine.Start(
        network.Host, network.Ports.Count, "--point", $"bridge:{network.Bridge.Name}", "--record", $"{Recording};budget=2G",
        "--workers", "2");

    private static void Send(LabSwitch network, double seconds, CancellationToken stop = default) => network.Vms[0].Enter(() =>
    {
        using var source = new FrameSource(LinkIndex.Of("eth0"), frameBytes: 80, Flows);
        source.SendPaced(Rate, seconds, tickMicroseconds: 1000, stop);
    });

    private static void Transfer(LabSwitch network, long bytes) =>
        Assert.Equal(bytes, TcpTransfer.Run(network.Vms[1], network.Vms[2], LabSwitch.Address(2), ClientPort, bytes));

    private static JsonElement Past(LabEngine engine) =>
        engine.Snapshot() is { } snapshot && snapshot.GetProperty("mirrors") is var mirrors && mirrors.GetArrayLength() > 0
            ? mirrors[0].GetProperty("past")
            : JsonDocument.Parse("{\"state\":\"none\"}").RootElement;

    private long FramesOfRecording() => long.Parse(
        LabCommand.Run(TaplineProgram.Path(), "query", "", "--data", _folder, "--what", "count").Trim(),
        System.Globalization.CultureInfo.InvariantCulture);

    private static long Number(JsonElement element, string field) => element.GetProperty(field).GetInt64();

    // Both runs number their frames from 0; a flow is the low bits of the number, so its numbers rise by their count.
    private void Check(long wireFrames, LabProcess witness)
    {
        LabWait.Until(() => CountFrames() >= wireFrames, () => $"{wireFrames} frames to be written down, so far {CountFrames()}");
        witness.Signal(2);
        witness.WaitForExit();
        var next = new Dictionary<long, long>();
        long numbered = 0;
        var restarts = 0;
        foreach (var frame in Frames())
        {
            if (frame.Length < NumberAt + 8 || frame[23] != 17)
            {
                continue;
            }

            var number = BinaryPrimitives.ReadInt64LittleEndian(frame.AsSpan(NumberAt));
            var flow = number % Flows;
            if (number == flow && next.GetValueOrDefault(flow, flow) != flow)
            {
                restarts++;
                next[flow] = flow;
            }

            Assert.Equal(next.GetValueOrDefault(flow, flow), number);
            next[flow] = number + Flows;
            numbered++;
        }

        Assert.True(numbered > Rate / 2 && restarts > 0, $"{numbered} numbered frames, {restarts} flows of both runs");
    }

    private int CountFrames() => File.Exists(Captured) ? Frames().Count : 0;

    // Cut at 96 bytes, so the witness's own reader of whole frames does not fit.
    private List<byte[]> Frames()
    {
        using var stream = new FileStream(Captured, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var file = new byte[stream.Length];
        stream.ReadExactly(file);
        var frames = new List<byte[]>();
        for (var at = 24; at + 16 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 8));
            if (at + 16 + length > file.Length)
            {
                break;
            }

            frames.Add(file[(at + 16)..(at + 16 + length)]);
            at += 16 + length;
        }

        return frames;
    }
}

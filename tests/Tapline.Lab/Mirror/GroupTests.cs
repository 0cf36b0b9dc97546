// Two real tool ports that share a session's flows: one dies and comes back under load. Nothing else is lost than what was
// on its way to the dead port, flows that moved stay where they went, and the kernel's counters agree with the ledger.
using System.Text.Json;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class GroupTests
{
    private const int FramesPerSecond = 20_000;

    [Fact]
    public void Flows_move_when_their_tool_dies_and_stay_where_they_went()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        using var network = new LabSwitch(vms: 1);
        using var second = NetNamespace.Create("u");
        using var other = VethPair.Create(network.Host, second);
        network.Host.Run("ethtool", "-K", network.Ports[0].Near, "gro", "on");
        using var engine = LabEngine.Start(
            network.Host, points: 1, "--point", $"bridge:{network.Bridge.Name}",
            "--mirror", $"nic:{network.ToolPort}|nic:{other.Near}");
        var before = network.Entered();
        long OtherReceived() => second.Statistic(other.Far, "rx_packets");

        Load(network, flows: 1024, () =>
        {
            LabWait.Until(() => network.ToolReceived > 2000 && OtherReceived() > 2000, "copies at both tools");
            second.Ip("link", "set", other.Far, "down");
            LabWait.Until(() => State(engine, 1) == "down", "the dead tool to be noticed");
            var alone = network.ToolReceived;
            LabWait.Until(() => network.ToolReceived > alone + 20_000, "the other tool to have all flows");
            second.Ip("link", "set", other.Far, "up");
            LabWait.Until(() => State(engine, 1) == "up", "the tool to be back");

            // All flows live and are with the tool that took them over: the one that is back gets none of them.
            var (here, there) = (network.ToolReceived, OtherReceived());
            LabWait.Until(() => network.ToolReceived > here + 20_000, "more frames of the same flows");
            Assert.Equal(there, OtherReceived());
        });

        // The same thousand flows and as many new ones: those are for both tools.
        var back = OtherReceived();
        Load(network, flows: 2048, () => LabWait.Until(() => OtherReceived() > back + 1000, "new flows at the tool that is back"));

        var entered = network.Rest() - before;
        engine.WaitForAnalysed(entered);
        var ledger = engine.Stop();
        var mirror = ledger.GetProperty("mirrors")[0];
        var members = mirror.GetProperty("members").EnumerateArray().ToList();
        var dropped = mirror.GetProperty("dropped").EnumerateObject().Sum(d => d.Value.GetInt64());
        Assert.Equal(entered, Number(mirror, "offered"));
        Assert.Equal(entered, Number(mirror, "sent") + dropped);
        Assert.Equal((Number(mirror, "sent"), dropped), (members.Sum(m => Number(m, "sent")), members.Sum(m => Number(m, "dropped"))));
        Assert.Equal(0, Number(members[0], "dropped"));
        Assert.Equal(network.ToolReceived, Number(members[0], "sent_wire_frames"));
        Assert.Equal(OtherReceived(), Number(members[1], "sent_wire_frames"));

        // What was given up is what the dead port refused until it was noticed: a fraction of a second's frames.
        Assert.InRange(dropped, 0, FramesPerSecond);
    }

    private static void Load(LabSwitch network, int flows, Action meanwhile)
    {
        using var stop = new CancellationTokenSource();
        var load = new Thread(() => network.Vms[0].Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of("eth0"), frameBytes: 128, flows);
            source.SendPaced(FramesPerSecond, seconds: 60, tickMicroseconds: 1000, stop.Token);
        }));
        load.Start();
        try
        {
            meanwhile();
        }
        finally
        {
            stop.Cancel();
            load.Join();
        }
    }

    private static string State(LabEngine engine, int member) =>
        LabEngine.Ask(Path.Combine(engine.Data, "engine.sock"), "{\"verb\":\"mirrors\"}")!.Value
            .GetProperty("mirrors")[0].GetProperty("members")[member].GetProperty("state").GetString()!;

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();
}

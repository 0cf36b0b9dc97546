// Canaries through whole engines: they come out where they must, whatever the filter says, and a target that takes nothing
// is told of. The tapped machines see none of it.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Mirror;

[Trait("pace", "patient")]
public sealed class CanaryTests
{
    [Theory]
    [InlineData("user", "")]
    [InlineData("user", ";filter=tcp port 9")]
    [InlineData("user", ";shape-slice")]
    [InlineData("kernel", "")]
    public void A_canary_comes_out_at_the_tool(string mode, string more)
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 2);
        more = more == ";shape-slice" ? ";slice=20;sample=1/1000" : more;
        _ = network.Rest();
        var (atVms, tool, kernel) = (Received(network), network.ToolReceived, network.Entered());
        using var engine = LabEngine.Start(
            network.Host, points: 2, "--point", $"bridge:{network.Bridge.Name}",
            "--mirror", $"nic:{network.ToolPort};mode={mode}{more}", "--canary", "1s");
        LabWait.Until(() => Canary(engine) is { } c && Number(c, "delivered") >= 4, "canaries");
        var canary = Canary(engine)!.Value;
        Assert.Equal("ok", canary.GetProperty("state").GetString());
        Assert.Equal("sender", canary.GetProperty("witness").GetString());
        Assert.InRange(Number(canary, "delay_ns"), 1, 2_000_000_000);
        var ledger = engine.Stop();
        var mirror = ledger.GetProperty("mirrors")[0];
        var sent = Number(mirror.GetProperty("canary"), "sent");

        // Counted like every frame, at the tool as well; kernel and machines know nothing of them.
        Assert.Equal((sent, sent), (Number(mirror, "offered"), Number(mirror, "sent")));
        Assert.Equal(sent, network.ToolReceived - tool);
        Assert.Equal((atVms, kernel), (Received(network), network.Entered()));
    }

    [Fact]
    public void A_target_that_takes_nothing_is_told_of_and_so_is_its_recovery()
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 1);
        using var engine = LabEngine.Start(
            network.Host, points: 1, "--point", $"bridge:{network.Bridge.Name}", "--mirror", $"nic:{network.ToolPort}",
            "--canary", "1s");
        LabWait.Until(() => State(engine) == "ok", "the first canary");
        network.Host.Ip("link", "set", network.ToolPort, "down");
        LabWait.Until(() => State(engine) == "failed", "the loss to be noticed");
        Assert.Contains("target is down", Canary(engine)!.Value.GetProperty("problem").GetString(), StringComparison.Ordinal);
        network.Host.Ip("link", "set", network.ToolPort, "up");
        LabWait.Until(() => State(engine) == "ok", "the recovery to be noticed");
        var mirror = engine.Stop().GetProperty("mirrors")[0];
        Assert.True(Number(mirror.GetProperty("canary"), "sent") > Number(mirror.GetProperty("canary"), "delivered"));
        Assert.Contains("did not come out at", engine.Error, StringComparison.Ordinal);
        Assert.Contains("comes out at", engine.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_far_side_is_here_the_canary_is_watched_there()
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 1);
        using var tool = VethPair.Create(network.Host, network.Host);
        using var engine = LabEngine.Start(
            network.Host, points: 1, "--point", $"bridge:{network.Bridge.Name}", "--mirror", $"nic:{tool.Near};mode=user",
            "--canary", "1s");
        LabWait.Until(() => State(engine) == "ok", "the first canary");
        Assert.Equal("far_side", Canary(engine)!.Value.GetProperty("witness").GetString());
        engine.Stop();
    }

    [Fact]
    public void Every_target_of_a_group_must_take_the_canary()
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 1);
        using var second = NetNamespace.Create("u");
        using var other = VethPair.Create(network.Host, second);
        using var engine = LabEngine.Start(
            network.Host, points: 1, "--point", $"bridge:{network.Bridge.Name}",
            "--mirror", $"nic:{network.ToolPort}|nic:{other.Near}", "--canary", "1s");
        LabWait.Until(() => State(engine) == "ok", "the first canary");
        second.Ip("link", "set", other.Far, "down");
        LabWait.Until(() => State(engine) == "failed", "the dead member to be noticed");
        engine.Stop();
    }

    private static JsonElement? Canary(LabEngine engine) =>
        engine.Snapshot() is { } snapshot && snapshot.GetProperty("mirrors")[0].TryGetProperty("canary", out var canary) ? canary : null;

    private static string? State(LabEngine engine) => Canary(engine)?.GetProperty("state").GetString();

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();

    private static long Received(LabSwitch network) => network.Vms.Sum(v => v.Statistic("eth0", "rx_packets"));
}

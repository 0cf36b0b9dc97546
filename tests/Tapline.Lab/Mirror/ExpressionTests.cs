// Expressions at work: judged in the kernel where it can, by names of machines where only user space knows them.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Mirror;

[Trait("pace", "patient")]
public sealed class ExpressionTests
{
    [Theory]
    [InlineData("kernel")]
    [InlineData("user")]
    public void An_expression_selects_the_same_on_both_paths(string mode)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping", "ethtool");
        using var network = new LabSwitch(vms: 2);
        network.Host.Run("ethtool", "-K", network.ToolPort, "tx", "off");
        using var engine = LabEngine.Start(
            network.Host, points: 2, "--point", $"bridge:{network.Bridge.Name}",
            "--mirror", $"nic:{network.ToolPort};mode={mode};filter=icmp[icmptype] = icmp-echo and len > 100");
        var before = network.ToolReceived;
        network.Vms[0].Run("ping", "-c", "7", "-i", "0.05", "-s", "200", LabSwitch.Address(1));
        network.Vms[0].Run("ping", "-c", "5", "-i", "0.05", "-s", "20", LabSwitch.Address(1));
        var entered = network.Rest();
        engine.WaitForAnalysed(entered);
        var mirror = engine.Stop().GetProperty("mirrors")[0];
        Assert.Equal(mode, mirror.GetProperty("mode").GetString());
        Assert.Equal((7, 7), (Number(mirror, "sent"), network.ToolReceived - before));
        Assert.True(Number(mirror, "filtered") >= 7 + 10);
        Assert.Equal(Number(mirror, "offered"), Number(mirror, "sent") + Number(mirror, "filtered"));
    }

    [Fact]
    public void A_machine_is_named_in_an_expression_and_followed()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var network = new LabSwitch(vms: 3);
        var name = network.Vms[0].Name;
        using var engine = LabEngine.Start(
            network.Host, points: 3, "--point", $"bridge:{network.Bridge.Name}",
            "--mirror", $"nic:{network.ToolPort};filter=icmp and src vm {name}");
        LabWait.Until(
            () => engine.Snapshot()!.Value.GetProperty("points").EnumerateArray().Any(
                p => p.TryGetProperty("vm", out var vm) && vm.GetString() == name),
            "the machine to be known");
        network.Vms[0].Run("ping", "-c", "4", "-i", "0.05", LabSwitch.Address(1));
        network.Vms[2].Run("ping", "-c", "6", "-i", "0.05", LabSwitch.Address(1));
        engine.WaitForAnalysed(network.Rest());
        var mirror = engine.Stop().GetProperty("mirrors")[0];

        // Four requests are the machine's own; the answers to them, and what the others say to each other, are not.
        Assert.Equal(4, Number(mirror, "sent"));
        Assert.Equal("user", mirror.GetProperty("mode").GetString());
    }

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();
}

// What Wireshark is told of this host, and what is written into its folder: hostile names do no harm, and files of others
// stay as they are.
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Server.Commands.Extcap;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Commands;

public class ExtcapTests
{
    [Fact]
    public void SwitchesPortsAndTheHostAreListed()
    {
        var list = ExtcapInterface.Of(
        [
            Point("br0", 3, PointKind.Host, "bridge", "br0"), Point("vnet0", 4, PointKind.VmPort, "tap", "br0", "web01"),
            Point("p0", 5, PointKind.Port, "openvswitch", "ovs0"), Point("dpdk0", 0, PointKind.Port, "dpdk", "ovs0"),
        ]);
        Assert.Equal(
            [
                ("tapline-switch-br0", "bridge:br0"), ("tapline-switch-ovs0", "ovs:ovs0"), ("tapline-host-br0", "host:br0"),
                ("tapline-port-vnet0", "vnet0"), ("tapline-port-p0", "p0"),
            ],
            list.Select(i => (i.Value, i.From)));
        Assert.Equal("Tapline: web01 (vnet0 on br0)", list[3].Display);
    }

    [Fact]
    public void HostileNamesCannotSpeakWiresharksGrammar()
    {
        var list = ExtcapInterface.Of([Point("a}{b\n", 7, PointKind.VmPort, "tap", "s}{w", "}{display=\u001b[31mroot}")]);
        var only = Assert.Single(list);
        Assert.Equal(("tapline-port-index-7", "a}{b\n"), (only.Value, only.From));
        Assert.DoesNotContain(only.Display, c => c is '{' or '}' || char.IsControl(c));
    }

    [Fact]
    public void TheScriptIsWrittenAndRemovedAndOthersStay()
    {
        using var folder = new TemporaryFolder();
        var place = folder["new"];
        Assert.Null(ExtcapScript.Install([place], "/opt/it's/tapline"));
        var script = Path.Combine(place, "tapline");
        Assert.Contains("exec '/opt/it'\\''s/tapline' extcap \"$@\"", File.ReadAllText(script), StringComparison.Ordinal);
        Assert.True(File.GetUnixFileMode(script).HasFlag(UnixFileMode.OtherExecute));
        Assert.Null(ExtcapScript.Install([place], "/opt/tapline"));
        Assert.Null(ExtcapScript.Remove([place]));
        Assert.False(File.Exists(script));
        Assert.Contains("no script", ExtcapScript.Remove([place]), StringComparison.Ordinal);
        File.WriteAllText(script, "#!/bin/sh\nexec something\n");
        Assert.Contains("not from Tapline", ExtcapScript.Install([place], "/opt/tapline"), StringComparison.Ordinal);
        Assert.Contains("not from Tapline", ExtcapScript.Remove([place]), StringComparison.Ordinal);
        Assert.True(File.Exists(script));
    }

    private static FoundPoint Point(string name, int index, PointKind kind, string device, string? onSwitch, string? vm = null) => new()
    {
        Name = name, InterfaceIndex = index, Kind = kind, Device = device, Switch = onSwitch, Vm = vm, State = PointState.Up,
    };
}

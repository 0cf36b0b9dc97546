// Hosts that a laboratory kernel cannot offer: Open vSwitch on the kernel's datapath, Proxmox and OpenStack in front of it.
using Tapline.Capture;
using Tapline.Capture.Identity;
using Tapline.Capture.Ovs;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Points;

public class SwitchLayoutTests
{
    private static readonly OvsView s_kernel = new(
        [new OvsBridge("1", "vmbr1", false), new OvsBridge("2", "br-ex", false)],
        [
            Port("vmbr1", "vmbr1", "internal"), Port("vmbr1", "tap101i0"), Port("vmbr1", "fwln100o0", "internal"),
            Port("vmbr1", "qvo7"), Port("vmbr1", "vx0", "vxlan"), Port("br-ex", "br-ex", "internal"), Port("br-ex", "eth0"),
        ],
        []);

    // Kernel datapath: all ports hang on ovs-system, internal ports are of kind openvswitch.
    private static readonly Dictionary<int, LinkInfo> s_host = new LinkInfo[]
    {
        new() { Index = 1, Name = "ovs-system", Kind = "openvswitch" },
        new() { Index = 2, Name = "vmbr1", Kind = "openvswitch" },
        new() { Index = 3, Name = "br-ex", Kind = "openvswitch" },
        new() { Index = 4, Name = "eth0", HasBusDevice = true, HardwareType = 1, Master = 1, SlaveKind = "openvswitch" },
        new() { Index = 5, Name = "tap101i0", Kind = "tun", IsTapDevice = true, Master = 1, SlaveKind = "openvswitch" },
        new() { Index = 6, Name = "vxlan_sys_4789", Kind = "vxlan", Master = 1, SlaveKind = "openvswitch" },
        new() { Index = 7, Name = "fwbr100i0", Kind = "bridge" },
        new() { Index = 8, Name = "fwln100o0", Kind = "openvswitch", Master = 7, SlaveKind = "bridge" },
        new() { Index = 9, Name = "tap100i0", Kind = "tun", IsTapDevice = true, Master = 7, SlaveKind = "bridge" },
        new() { Index = 10, Name = "qbr7", Kind = "bridge" },
        new() { Index = 11, Name = "qvb7", Kind = "veth", Link = 12, Master = 10, SlaveKind = "bridge" },
        new() { Index = 12, Name = "qvo7", Kind = "veth", Link = 11, Master = 1, SlaveKind = "openvswitch" },
        new() { Index = 13, Name = "tap7", Kind = "tun", IsTapDevice = true, Master = 10, SlaveKind = "bridge" },
    }.ToDictionary(l => l.Index);

    [Theory]
    [InlineData("all", "eth0 tap101i0 vxlan_sys_4789 tap100i0 tap7 host:vmbr1 host:br-ex")]
    [InlineData("ovs:vmbr1", "tap101i0 vxlan_sys_4789 tap100i0 tap7 host:vmbr1")]
    [InlineData("vmbr1", "tap101i0 vxlan_sys_4789 tap100i0 tap7 host:vmbr1")]
    [InlineData("ovs:*", "eth0 tap101i0 vxlan_sys_4789 tap100i0 tap7 host:vmbr1 host:br-ex")]
    [InlineData("bridge:*", "")]
    [InlineData("bridge:qbr7", "qvb7 tap7 host:qbr7")]
    [InlineData("host:br-ex", "host:br-ex")]
    [InlineData("uplink", "eth0 vxlan_sys_4789")]
    [InlineData("qvo7", "qvo7")]
    public void EachFrameHasOneWayIn(string pattern, string expected)
    {
        var selected = PointSelector.Parse([pattern], out _)!.Select(s_host, new Dictionary<int, VmIdentity>(),
            new HashSet<int>(), s_kernel);
        Assert.Equal(expected, string.Join(' ', selected.Select(s => s.IsHost ? $"host:{s.Link.Name}" : s.Link.Name)));
    }

    [Fact]
    public void TheSwitchOfAPortIsTheOneBehindItsFirewall()
    {
        var layout = new SwitchLayout(s_host, s_kernel);
        Assert.Equal("vmbr1", layout.SwitchOf(s_host[9]));
        Assert.Equal("vmbr1", layout.SwitchOf(s_host[13]));
        Assert.Equal("br-ex", layout.SwitchOf(s_host[4]));
        Assert.Equal("vmbr1", layout.SwitchOf(s_host[6]));
        Assert.Equal("vmbr1", layout.PatchedTo(s_host[8]));
        Assert.Equal((PointKind.Host, PointKind.VmPort, PointKind.Uplink), (layout.KindOf(s_host[2]),
            layout.KindOf(s_host[5]), layout.KindOf(s_host[4])));
    }

    [Fact]
    public void WhatOpenVSwitchKnowsCompletesWhatTheHostTells()
    {
        var view = new OvsView(
            [new OvsBridge("1", "br0", true)],
            [Port("br0", "vnet0") with { VmId = "uuid-1", IfaceId = "port-1", Mac = 0x525400000001 }, Port("br0",
                "br0", "internal")], []);
        LinkInfo tap = new() { Index = 5, Name = "vnet0", Kind = "tun", IsTapDevice = true };
        LinkInfo local = new() { Index = 6, Name = "br0", Kind = "tun", IsTapDevice = true };
        var layout = new SwitchLayout(new[] { tap, local }.ToDictionary(l => l.Index), view);
        var unknown = new VmIdentity("uuid-1", "uuid-1", 0x525400000001)
        {
            Source = "ovs", Aliases = NameSet.Of(["port-1", "52:54:00:00:00:01"]),
        };
        Assert.Equal(unknown, layout.Complete(tap, null));
        var known = new VmIdentity("web", "q", 0x525400000001) { Aliases = NameSet.Of(["other", .. unknown.Aliases, "uuid-1"]) };
        Assert.Equal(known, layout.Complete(tap, new VmIdentity("web", "q", 0) { Aliases = NameSet.Of(["other"]) }));
        Assert.All((string[])["web", "q", "port-1", "uuid-1", "52:54:00:00:00:01"], n => Assert.True(known.IsNamed(n)));
        Assert.Null(layout.Complete(local, new VmIdentity("ovs-vswitchd", "pid:1", 0)));
    }

    private static OvsPort Port(string bridge, string name, string type = "") =>
        new() { PortId = name, Bridge = bridge, Name = name, Type = type };
}

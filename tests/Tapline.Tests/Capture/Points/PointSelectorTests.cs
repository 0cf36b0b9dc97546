// Which interfaces the patterns choose, on an invented host with all the usual sorts.
using Tapline.Base.Kernel;
using Tapline.Capture;
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Points;

public class PointSelectorTests
{
    private static readonly Dictionary<int, LinkInfo> s_host = new LinkInfo[]
    {
        new() { Index = 1, Name = "lo", Flags = Netlink.IFF_UP | Netlink.IFF_LOOPBACK, HardwareType = Socket.ARPHRD_LOOPBACK },
        new() { Index = 2, Name = "eth0", HasBusDevice = true, HardwareType = 1, Master = 4, SlaveKind = "bridge" },
        new() { Index = 3, Name = "eth1", HasBusDevice = true, HardwareType = 1 },
        new() { Index = 4, Name = "br0", Kind = "bridge", HardwareType = 1 },
        new() { Index = 5, Name = "vnet0", Kind = "tun", IsTapDevice = true, HardwareType = 1, Master = 4, SlaveKind = "bridge" },
        new()
        {
            Index = 6, Name = "veth6", Kind = "veth", PeerNamespaceId = 0, Link = 2, HardwareType = 1, Master = 4,
            SlaveKind = "bridge",
        },
        new() { Index = 7, Name = "fwpr7", Kind = "veth", Link = 8, HardwareType = 1, Master = 4, SlaveKind = "bridge" },
        new() { Index = 8, Name = "fwln8", Kind = "veth", Link = 7, HardwareType = 1, Master = 9, SlaveKind = "bridge" },
        new() { Index = 9, Name = "fwbr9", Kind = "bridge", HardwareType = 1 },
        new() { Index = 10, Name = "tap10", Kind = "tun", IsTapDevice = true, HardwareType = 1, Master = 9, SlaveKind = "bridge" },
        new() { Index = 11, Name = "vxlan0", Kind = "vxlan", HardwareType = 1, Master = 4, SlaveKind = "bridge" },
        new() { Index = 12, Name = "tun0", Kind = "tun", HardwareType = Socket.ARPHRD_NONE },
    }.ToDictionary(l => l.Index);

    private static readonly Dictionary<int, VmIdentity> s_names = new()
    {
        [5] = new VmIdentity("web01", "uuid-1", 0)
        {
            Aliases = NameSet.Of(["instance-0007", "shop front"]), Tags = NameSet.Of(["prod", "Tier:Web"]),
        },
        [6] = new VmIdentity("db 01*", "netns:db", 0),
    };

    [Theory]
    [InlineData("", "eth0 vnet0 veth6 tap10 vxlan0 host:br0")]
    [InlineData("all", "eth0 vnet0 veth6 tap10 vxlan0 host:br0")]
    [InlineData("bridge:br0", "eth0 vnet0 veth6 tap10 vxlan0 host:br0")]
    [InlineData("br0", "eth0 vnet0 veth6 tap10 vxlan0 host:br0")]
    [InlineData("bridge:*", "eth0 vnet0 veth6 tap10 vxlan0 host:br0")]
    [InlineData("bridge:fwbr9", "fwln8 tap10 host:fwbr9")]
    [InlineData("fwpr7,bridge:br0", "eth0 vnet0 veth6 fwpr7 tap10 vxlan0 host:br0")]
    [InlineData("vxlan://:4789", "")]
    [InlineData("host:br0", "host:br0")]
    [InlineData("uplink", "eth0 vxlan0")]
    [InlineData("vm:web01", "vnet0")]
    [InlineData("vm:uuid-1", "vnet0")]
    [InlineData("vm:web*", "vnet0")]
    [InlineData("vm:*", "vnet0 veth6")]
    [InlineData("vm:shop front", "vnet0")]
    [InlineData("vm:instance-*", "vnet0")]
    [InlineData("tag:prod", "vnet0")]
    [InlineData("tag:Tier:*", "vnet0")]
    [InlineData("tag:test", "")]
    [InlineData("eth*", "eth0 eth1")]
    [InlineData("eth?", "eth0 eth1")]
    [InlineData("*", "eth0 eth1 vnet0 veth6 fwpr7 fwln8 tap10 vxlan0 tun0")]
    [InlineData("lo", "lo")]
    [InlineData("vnet0,vnet0,uplink", "eth0 vnet0 vxlan0")]
    [InlineData("nothing*", "")]
    public void PatternsChoose(string patterns, string expected)
    {
        var selector = PointSelector.Parse(patterns.Split(',', StringSplitOptions.RemoveEmptyEntries), out _);
        Assert.NotNull(selector);
        var selected = selector.Select(s_host, s_names, new HashSet<int>());
        Assert.Equal(expected, string.Join(' ', selected.Select(s => s.IsHost ? $"host:{s.Link.Name}" : s.Link.Name)));
    }

    [Fact]
    public void ExcludedInterfacesAreNeverChosenHoweverTheyAreNamed()
    {
        var selector = PointSelector.Parse(["eth1", "*", "br0"], out _)!;
        var selected = selector.Select(s_host, s_names, new HashSet<int> { 3, 4, 5 });
        Assert.DoesNotContain(selected, s => s.Link.Index is 3 or 4 or 5);
    }

    [Theory]
    [InlineData("vnet0", PointKind.VmPort, false)]
    [InlineData("veth6", PointKind.VmPort, false)]
    [InlineData("eth0", PointKind.Uplink, false)]
    [InlineData("vxlan0", PointKind.Uplink, false)]
    [InlineData("fwpr7", PointKind.Port, false)]
    [InlineData("eth1", PointKind.Monitor, true)]
    [InlineData("lo", PointKind.Monitor, false)]
    public void KindAndPromiscuousModeFollowFromTheKernelsFacts(string name, PointKind kind, bool promiscuous)
    {
        var selected = Assert.Single(PointSelector.Parse([name], out _)!.Select(s_host, s_names, new HashSet<int>()));
        Assert.Equal((kind, promiscuous), (selected.Kind, selected.NeedsPromiscuousMode));
    }

    [Theory]
    [InlineData("vxlan://:0")]
    [InlineData("vxlan:4789")]
    [InlineData("erspan://?id=1024")]
    [InlineData("file:/x.pcap")]
    [InlineData("vm:")]
    [InlineData("")]
    public void WhatCannotBeMeantIsOneSentence(string pattern)
    {
        Assert.Null(PointSelector.Parse([pattern], out var error));
        Assert.EndsWith(".", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error);
    }

    [Theory]
    [InlineData("vnet9", true)]
    [InlineData("bridge:eth0", true)]
    [InlineData("host:br1", true)]
    [InlineData("vnet*", false)]
    [InlineData("vm:later", false)]
    [InlineData("br0", false)]
    public void AnExactNameThatIsNotThereIsTold(string pattern, bool unknown) =>
        Assert.Equal(unknown, PointSelector.Parse([pattern], out _)!.FindUnknown(s_host) is not null);

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "axxbyyc", true)]
    [InlineData("a*b*c", "axxbyy", false)]
    [InlineData("?", "", false)]
    [InlineData("**x", "x", true)]
    [InlineData("a", "A", false)]
    public void GlobsMatchAsInAShell(string pattern, string text, bool matches) => Assert.Equal(matches, Glob.Matches(pattern, text));
}

// Where else a host switches: firewall bridges in front of VMs, patches between bridges, macvtap and macvlan on a NIC, VLAN
// devices, plain veth, a promiscuous NIC inside a monitoring VM. On real kernel devices; each frame once, each VM named.
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Vantage;

[Trait("pace", "patient")]
public sealed class SwitchKindsTests
{
    private static readonly LiveCaptureOptions s_options = new() { RingBudgetBytes = 64 << 20 };

    [Theory]
    [InlineData("all")]
    [InlineData("bridge:vmbr0")]
    [InlineData("vmbr0")]
    public void Behind_a_firewall_bridge_the_machines_own_port_is_taken_and_no_patch_counts_again(string pattern)
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var plain = NetNamespace.Create("p");
        using var guarded = NetNamespace.Create("g");
        using var vmbr = Bridge.Create(host, "vmbr0");
        using var fwbr = Bridge.Create(host, "fwbr100i0");
        using var patch = VethPair.Create(host, host, "fwln100i0", "fwpr100p0");
        host.Ip("link", "set", "fwln100i0", "master", "fwbr100i0");
        host.Ip("link", "set", "fwpr100p0", "master", "vmbr0");
        var a = vmbr.AddPort(plain, "10.9.0.1/24");
        var b = fwbr.AddPort(guarded, "10.9.0.2/24");
        plain.Run("ping", "-c", "1", "-W", "5", "10.9.0.2");

        using var run = CaptureRun.Start(host, s_options with { Points = [pattern] });
        plain.Run("ping", "-c", "20", "-i", "0.01", "-W", "5", "10.9.0.2");
        var frames = run.Finish();

        Assert.Equal([b.Near, a.Near, "vmbr0"], run.Capture.Points.Select(p => p.Point.Name).OrderBy(n =>
            n == "vmbr0").ThenBy(n => n != b.Near));
        var point = run.Point(b.Near).Point;
        Assert.Equal((PointKind.VmPort, "vmbr0", guarded.Name), (point.Kind, point.Switch, point.Vm));
        Assert.Equal(20, Echoes(frames, run.Point(a.Near).Point.Id, request: true));
        Assert.Equal(20, Echoes(frames, point.Id, request: false));
        Assert.Equal(40, frames.Count(IsEcho));
        Balance(run);
    }

    [Fact]
    public void A_patch_between_two_full_bridges_is_a_port_of_the_one_and_left_out_when_both_are_observed()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var left = NetNamespace.Create("l");
        using var right = NetNamespace.Create("r");
        using var third = NetNamespace.Create("t");
        using var one = Bridge.Create(host, "br-one");
        using var two = Bridge.Create(host, "br-two");
        using var patch = VethPair.Create(host, host, "one-two", "two-one");
        host.Ip("link", "set", "one-two", "master", "br-one");
        host.Ip("link", "set", "two-one", "master", "br-two");
        one.AddPort(left, "10.9.0.1/24");
        two.AddPort(right, "10.9.0.2/24");
        two.AddPort(third);
        left.Run("ping", "-c", "1", "-W", "5", "10.9.0.2");
        foreach (string[] points in (string[][])[["bridge:br-one"], ["bridge:br-one", "bridge:br-two"], ["all"]])
        {
            using var run = CaptureRun.Start(host, s_options with { Points = points });
            left.Run("ping", "-c", "10", "-i", "0.01", "-W", "5", "10.9.0.2");
            Assert.Equal(20, run.Finish().Count(IsEcho));
            Assert.Equal(points[0] == "bridge:br-one" && points.Length == 1, run.Capture.Points.Any(p =>
                p.Point.Name == "one-two"));
        }
    }

    [Fact]
    public void A_macvlan_device_gives_what_its_machine_sends_and_the_nic_below_what_comes_from_outside()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var outside = NetNamespace.Create("o");
        using var wire = VethPair.Create(host, outside, "eth0", "eth0");
        NeedsKind(host, "macvlan");
        // Two macvlan devices of the host stand for two machines; the switch between them is the driver.
        host.Ip("link", "add", "link", "eth0", "name", "vm1", "type", "macvlan", "mode", "bridge");
        host.Ip("link", "add", "link", "eth0", "name", "vm2", "type", "macvlan", "mode", "bridge");
        host.Ip("link", "set", "vm1", "up");
        host.Ip("link", "set", "vm2", "up");
        using var run = CaptureRun.Start(host, s_options with { Points = ["all"] });
        Assert.Equal(["eth0", "vm1", "vm2"], run.Capture.Points.Select(p => p.Point.Name).Order());
        Assert.Equal((PointKind.Uplink, "eth0"), (run.Point("eth0").Point.Kind, run.Point("eth0").Point.Switch));
        Assert.Equal("eth0", run.Point("vm1").Point.Switch);
        var (mac1, mac2) = (MacOf(host, "vm1"), MacOf(host, "vm2"));
        var outsideMac = MacOf(outside, "eth0");
        using var from1 = host.Enter(() => new RawSender(LinkIndex.Of("vm1"), throughQueue: true));
        using var fromOutside = outside.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        for (uint i = 0; i < 50; i++)
        {
            Assert.True(from1.Send(Frame(mac2, mac1, 1, i)), "from one machine to the other");
            Assert.True(from1.Send(Frame(outsideMac, mac1, 2, i)), "from a machine to the outside");
            Assert.True(fromOutside.Send(Frame(mac1, outsideMac, 3, i)), "from outside to a machine");
        }

        var frames = run.Finish().Where(IsOurs).ToList();
        Assert.Equal(150, frames.Count);
        Assert.Equal(150, frames.Select(f => Convert.ToHexString(f.Bytes.AsSpan(26, 8))).Distinct().Count());
        Assert.Equal(100, frames.Count(f => f.Meta.PointId == run.Point("vm1").Point.Id));
        Assert.Equal(50, frames.Count(f => f.Meta.PointId == run.Point("eth0").Point.Id));
        Balance(run);

        // The NIC alone: what comes from outside, and what goes between its machines, which the driver shows there.
        using var below = CaptureRun.Start(host, s_options with { Points = ["uplink"] });
        Assert.True(from1.Send(Frame(mac2, mac1, 1, 7)));
        Assert.True(fromOutside.Send(Frame(mac1, outsideMac, 3, 7)));
        Assert.Equal(2, below.Finish().Count(IsOurs));
    }

    [Fact]
    public void A_macvtap_device_is_named_by_the_process_that_holds_it()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var outside = NetNamespace.Create("o");
        using var wire = VethPair.Create(host, outside, "eth0", "eth0");
        NeedsKind(host, "macvtap");
        host.Ip("link", "add", "link", "eth0", "name", "macvtap7", "type", "macvtap", "mode", "bridge");
        host.Ip("link", "set", "macvtap7", "up");
        // The device node that udev would make: /dev/tapINDEX with the numbers that the kernel gives it.
        var index = host.Enter(() => LinkIndex.Of("macvtap7"));
        var numbers = host.Run("sh", "-c",
            "mount -t sysfs none /mnt 2>/dev/null; cat /mnt/class/net/macvtap7/tap*/dev").Trim().Split(':');
        var node = $"/dev/tap{index}";
        var isMine = !File.Exists(node);
        if (isMine)
        {
            LabCommand.Run("mknod", node, "c", numbers[0], numbers[1]);
        }

        var (major, minor) = (int.Parse(numbers[0], null), int.Parse(numbers[1], null));
        Assert.SkipUnless(LabCommand.Run("stat", "-c", "%t:%T", node).Trim() == $"{major:x}:{minor:x}",
            $"{node} is another device");
        try
        {
            using var holder = File.OpenHandle(node, FileMode.Open, FileAccess.ReadWrite);
            using var run = CaptureRun.Start(host, s_options with { Points = ["macvtap7"] });
            LabWait.Until(() => run.Point("macvtap7").Point.VmId == $"pid:{Environment.ProcessId}", "the holder's name");
            Assert.Equal(PointKind.VmPort, run.Point("macvtap7").Point.Kind);
        }
        finally
        {
            if (isMine)
            {
                File.Delete(node);
            }
        }
    }

    [Fact]
    public void A_frame_of_a_vlan_device_counts_there_and_not_also_on_the_nic_below()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var outside = NetNamespace.Create("o");
        using var wire = VethPair.Create(host, outside, "eth0", "eth0");
        using var trunk = Bridge.Create(host, "vmbr0");
        using var tagged = Bridge.Create(host, "vmbr10");
        host.Ip("link", "set", "eth0", "master", "vmbr0");
        var (exit, _, error) = host.TryRun("ip", "link", "add", "link", "eth0", "name", "eth0.10", "type", "vlan",
            "id", "10");
        Assert.SkipUnless(exit == 0, $"needs VLAN devices (8021q): {error.Trim()}");
        VethPair.Quiet(host, "eth0.10");
        host.Ip("link", "set", "eth0.10", "master", "vmbr10", "up");
        using var sender = outside.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using (var run = CaptureRun.Start(host, s_options))
        {
            SendTagged(sender);
            var frames = run.Finish().Where(IsOurs).ToList();
            Assert.Equal(90, frames.Count);
            // VLAN 10 enters by the device above, without its tag; the others by the NIC, VLAN 20 with its tag.
            Assert.Equal(30, frames.Count(f => f.Meta.PointId == run.Point("eth0.10").Point.Id && f.Bytes[12] == 8));
            Assert.Equal(60, frames.Count(f => f.Meta.PointId == run.Point("eth0").Point.Id));
            Assert.Equal(30, frames.Count(f => f.Bytes[12] == 0x81 && f.Bytes[15] == 20));
            Assert.Equal("vmbr10", run.Point("eth0.10").Point.Switch);
            Balance(run);
        }

        // The NIC alone: everything, with tags.
        using (var run = CaptureRun.Start(host, s_options with { Points = ["bridge:vmbr0"] }))
        {
            SendTagged(sender);
            Assert.Equal(90, run.Finish().Count(IsOurs));
        }
    }

    [Fact]
    public void The_kernels_filter_leaves_a_tagged_frame_to_the_vlan_device_that_will_bring_it()
    {
        // The same on a kernel without VLAN devices: the point above is told to the rings, and only its frames are left out.
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var outside = NetNamespace.Create("o");
        using var wire = VethPair.Create(host, outside, "eth0", "eth0");
        using var sender = outside.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        var index = host.Enter(() => LinkIndex.Of("eth0"));
        using var rings = host.Enter(() =>
            RingSet.Open(s_options with { BlockBytes = 1 << 18 }, s_options.RingBudgetBytes, wantsHosts: false,
                out var error) ?? throw new InvalidOperationException(error));
        var lower = new LinkInfo { Index = index, Name = "eth0", Flags = 1 };
        var upper = new LinkInfo { Index = index + 1000, Name = "eth0.10", Kind = "vlan", VlanId = 10, Link = index,
            Flags = 1 };
        (ushort, SelectedPoint)[] both = [(1, Point(lower)), (2, Point(upper))];
        rings.Apply(both);
        SendTagged(sender);
        Assert.Equal(60, Arrived());
        rings.Apply(both[..1]);
        SendTagged(sender);
        Assert.Equal(150, Arrived());
        rings.Apply([both[0], (2, Point(upper with { Flags = 0 }))]);
        SendTagged(sender);
        Assert.Equal(240, Arrived());

        long Arrived() => rings.TryReadArrived(1, out var arrived) ? arrived.Frames : -1;

        static SelectedPoint Point(LinkInfo link) => new(link, PointKind.Uplink, null, null, NeedsPromiscuousMode: false);
    }

    [Fact]
    public void A_plain_veth_gives_what_its_container_sends_though_no_switch_is_there()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var container = NetNamespace.Create("c");
        using var pair = VethPair.Create(host, container);
        using var sender = container.Enter(() => new RawSender(LinkIndex.Of(pair.Far)));
        using var run = CaptureRun.Start(host, s_options with { Points = [$"vm:{container.Name}"] });
        LabWait.Until(() => run.Capture.Points.Count == 1, "the container's port");
        Assert.Equal((PointKind.VmPort, container.Name), (run.Point(pair.Near).Point.Kind, run.Point(pair.Near).Point.Vm));
        for (uint i = 0; i < 50; i++)
        {
            Assert.True(sender.Send(TestFrames.Udp(0xC0000001, i)));
        }

        Assert.Equal(50, run.Finish().Count(IsOurs));
        Balance(run);
    }

    [Fact]
    public void A_monitoring_nic_gives_both_directions_of_others_conversations_once()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var switchSpan = NetNamespace.Create("s");
        using var pair = VethPair.Create(host, switchSpan, "eth1", "span0");
        using var span = switchSpan.Enter(() => new RawSender(LinkIndex.Of("span0")));
        using var run = CaptureRun.Start(host, s_options with { Points = ["eth1"], Workers = 2 });
        Assert.Contains("promiscuity 1", host.Ip("-d", "link", "show", "dev", "eth1"), StringComparison.Ordinal);
        // Neither address is the NIC's own: the kernel marks such frames PACKET_OTHERHOST.
        for (uint i = 0; i < 50; i++)
        {
            Assert.True(span.Send(TestFrames.Udp(0xC0000001, 0xC0001000)));
            Assert.True(span.Send(TestFrames.Udp(0xC0001000, 0xC0000001)));
        }

        var frames = run.Finish().Where(IsOurs).ToList();
        Assert.Equal(100, frames.Count);
        Assert.Single(frames.Select(f => f.Worker).Distinct());
        Balance(run);
    }

    private static void SendTagged(RawSender sender)
    {
        for (uint i = 0; i < 30; i++)
        {
            Assert.True(sender.Send(TestFrames.Udp(0xC0000001, i)));
            Assert.True(sender.Send(TestFrames.Udp(0xC0000002, i, 64, [0x81, 0, 0, 10])));
            Assert.True(sender.Send(TestFrames.Udp(0xC0000003, i, 64, [0x81, 0, 0, 20])));
        }
    }

    private static void NeedsKind(NetNamespace host, string kind)
    {
        var (exit, _, error) = host.TryRun("ip", "link", "add", "link", "eth0", "name", "probe0", "type", kind,
            "mode", "bridge");
        if (exit != 0)
        {
            Assert.Skip($"needs {kind} devices: {error.Trim()}");
        }

        host.Ip("link", "del", "probe0");
    }

    private static byte[] Frame(byte[] to, byte[] from, byte kind, uint number)
    {
        var frame = TestFrames.Udp(0xC0000000u + kind, number);
        to.CopyTo(frame, 0);
        from.CopyTo(frame, 6);
        return frame;
    }

    private static byte[] MacOf(NetNamespace space, string device) => Convert.FromHexString(
        space.Run("cat", $"/sys/class/net/{device}/address").Trim().Replace(":", "", StringComparison.Ordinal));

    // Source addresses from 192.0.0.0 on are the tests' own.
    private static bool IsOurs(SeenFrame frame)
    {
        var at = frame.Bytes[12] == 0x81 ? 30 : 26;
        return frame.Bytes.Length > at + 4 && frame.Bytes[at - 14] == 0x08 && frame.Bytes[at] == 0xC0;
    }

    private static bool IsEcho(SeenFrame frame) =>
        frame.Bytes.Length > 34 && frame.Bytes[12] == 8 && frame.Bytes[13] == 0 && frame.Bytes[23] == 1
            && frame.Bytes[34] is 0 or 8;

    private static int Echoes(IEnumerable<SeenFrame> frames, ushort point, bool request) =>
        frames.Count(f => f.Meta.PointId == point && IsEcho(f) && f.Bytes[34] == (request ? 8 : 0));

    private static void Balance(CaptureRun run) =>
        Assert.All(run.Capture.Points, p => Assert.Equal(run.Arrived(p.Point.Id).Frames, run.Captured(p.Point.Id)));
}

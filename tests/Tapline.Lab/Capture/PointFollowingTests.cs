// Points that come, go, go down; names of what is behind them; interfaces that must never be captured; privileges given back.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Capture;

public sealed class PointFollowingTests
{
    private const long SmallBudgetBytes = 64 << 20;
    private static readonly LiveCaptureOptions s_options = new() { RingBudgetBytes = SmallBudgetBytes };

    [Fact]
    public void A_port_that_appears_is_captured_from_its_first_frame_and_one_that_returns_keeps_its_identifier()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var first = NetNamespace.Create("a");
        using var second = NetNamespace.Create("b");
        using var bridge = Bridge.Create(host);
        bridge.AddPort(first, "10.9.0.1/24");
        using var run = CaptureRun.Start(host, s_options);
        var generation = run.Capture.PointsGeneration;

        var name = LabNames.Next("p");
        var late = bridge.AddPort(second, "10.9.0.2/24", name);
        LabWait.Until(() => State(run, name) == PointState.Up, "the new port to be up");
        LabWait.Until(() => run.Point(name).Point.Vm == second.Name, "the new port to be named");
        Assert.True(run.Capture.PointsGeneration > generation);
        var id = run.Point(name).Point.Id;
        second.Run("ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.1");
        LabWait.Until(() => run.Captured(id) >= 4, "its frames");

        host.Ip("link", "set", name, "down");
        LabWait.Until(() => State(run, name) == PointState.Down, "the port to be down");
        host.Ip("link", "set", name, "up");
        LabWait.Until(() => State(run, name) == PointState.Up, "the port to be up again");
        late.Dispose();
        LabWait.Until(() => State(run, name) == PointState.Gone, "the port to be gone");
        using var again = NetNamespace.Create("c");
        bridge.AddPort(again, "10.9.0.3/24", name);
        LabWait.Until(() => State(run, name) == PointState.Up, "the port to be back");
        Assert.Equal(id, run.Point(name).Point.Id);
        var captured = run.Captured(id);
        again.Run("ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.1");
        LabWait.Until(() => run.Captured(id) >= captured + 4, "frames of the port that returned");
        run.Finish();
        Assert.Equal(run.Captured(id), run.Arrived(id).Frames);
    }

    [Fact]
    public void The_kernels_link_events_wake_the_watcher()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var events = host.Enter(() => Tapline.Base.Native.NetlinkSocket.Open(1, out _));
        Assert.NotNull(events);
        using var pair = VethPair.Create(host, vm);
        Assert.True(events.WaitForEvents(10_000), "an event long before the watcher's own look");
    }

    [Fact]
    public void A_whole_bridge_may_come_and_go_with_the_hosts_side()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var run = CaptureRun.Start(host, s_options with { Workers = 2 });
        Assert.Empty(run.Capture.Points);
        var bytes = run.Capture.RingBytes(0);
        for (var round = 0; round < 3; round++)
        {
            using (var bridge = Bridge.Create(host, "tlbr"))
            {
                bridge.AddPort(vm, "10.9.0.2/24", "tlport");
                host.Ip("address", "add", "10.9.0.1/24", "dev", "tlbr");
                LabWait.Until(() => run.Capture.Points.Count == 2 && run.Capture.Points.All(p => p.State == PointState.Up), "both points");
                Assert.True(run.Capture.RingBytes(0) > bytes, "the host's ring");
                host.Run("ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.2");
                LabWait.Until(() => run.Captured(run.Point("tlbr").Point.Id) >= 3 * (round + 1), "the host's frames");
            }

            LabWait.Until(() => run.Capture.Points.All(p => p.State == PointState.Gone), "both points to be gone");
            Assert.Equal(bytes, run.Capture.RingBytes(0));
        }

        run.Finish();
        foreach (var point in run.Capture.Points)
        {
            Assert.Equal(run.Captured(point.Point.Id), run.Arrived(point.Point.Id).Frames);
        }

        Assert.Empty(run.Capture.Notices);
    }

    [Fact]
    public void A_tap_device_is_named_by_the_process_that_holds_it_and_a_routed_one_gives_packets()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host);
        using var tap = host.Enter(() => new TunDevice("vnet7", isTap: true));
        using var tun = host.Enter(() => new TunDevice("tun7", isTap: false));
        host.Ip("link", "set", "vnet7", "master", bridge.Name, "up");
        host.Ip("link", "set", "tun7", "up");
        using var run = CaptureRun.Start(host, s_options with { Points = ["vnet7", "tun7"] });
        var port = run.Point("vnet7").Point;
        Assert.Equal((PointKind.VmPort, bridge.Name), (port.Kind, port.Switch));
        Assert.Equal($"pid:{Environment.ProcessId}", port.VmId);
        var frame = TestFrames.Udp(0x0A090001, 0x0A090002, 90);
        tap.Write(frame);
        tun.Write(frame.AsSpan(14));
        var frames = run.Finish();
        var fromTap = Assert.Single(frames, f => f.Meta.PointId == port.Id && f.Bytes[12] == 8);
        Assert.Equal((LinkType.Ethernet, 90), (fromTap.Meta.LinkType, fromTap.Bytes.Length));
        var tunPoint = run.Point("tun7").Point.Id;
        var fromTun = Assert.Single(frames, f => f.Meta.PointId == tunPoint && f.Bytes[0] == 0x45);
        Assert.Equal(LinkType.Raw, fromTun.Meta.LinkType);
        Assert.Equal(frame.AsSpan(14).ToArray(), fromTun.Bytes);
    }

    [Fact]
    public void A_tool_port_and_the_loopback_are_never_captured()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var tool = NetNamespace.Create("t");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm);
        using var toolPair = VethPair.Create(host, tool);
        var toolIndex = host.Enter(() => LinkIndex.Of(toolPair.Near));
        using var intoPort = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using var intoTool = tool.Enter(() => new RawSender(LinkIndex.Of(toolPair.Far)));
        using var run = CaptureRun.Start(host, s_options with { Points = ["*"], ExcludeInterfaces = [toolIndex] });
        Assert.Equal([port.Near], run.Capture.Points.Select(p => p.Point.Name));
        host.Run("ping", "-c", "2", "-i", "0.01", "127.0.0.1");
        for (uint i = 0; i < 100; i++)
        {
            Assert.True(intoPort.Send(TestFrames.Udp(1, i)));
            Assert.True(intoTool.Send(TestFrames.Udp(2, i)));
        }

        Assert.Equal(100, run.Finish().Count);
    }

    [Fact]
    public void An_interface_excluded_later_is_given_up()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var pair = VethPair.Create(host, vm);
        using var run = CaptureRun.Start(host, s_options with { Points = [pair.Near] });
        using var sender = vm.Enter(() => new RawSender(LinkIndex.Of(pair.Far)));
        Assert.True(sender.Send(TestFrames.Udp(1, 2)));
        run.Capture.Exclude(run.Point(pair.Near).Point.InterfaceIndex);
        Assert.Equal(PointState.Gone, run.Point(pair.Near).State);
        Assert.True(sender.Send(TestFrames.Udp(1, 3)));
        Assert.Single(run.Finish());
    }

    [Fact]
    public void Promiscuous_mode_is_asked_for_monitor_interfaces_only_and_given_back()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        bridge.AddPort(vm);
        using var wire = NetNamespace.Create("w");
        using var monitor = VethPair.Create(host, wire);
        LabWait.Until(() => host.Ip("-o", "link").Split("state UP").Length == 4, "three links up");
        var before = HostSnapshot.Take(host, _ => false);
        using (var run = CaptureRun.Start(host, s_options with { Points = ["all", monitor.Near] }))
        {
            Assert.Contains("promiscuity 1", host.Ip("-d", "link", "show", "dev", monitor.Near), StringComparison.Ordinal);
            Assert.Contains("promiscuity 0", host.Ip("-d", "link", "show", "dev", bridge.Name), StringComparison.Ordinal);
        }

        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
    }

    [Theory]
    [InlineData("nosuchport", "There is no interface `nosuchport` here; `tapline points` lists those that exist.")]
    [InlineData("bridge:nosuch", "There is no switch `nosuch` here; `tapline points` lists those that exist.")]
    [InlineData("vm:", "`vm:` names no observation point; `tapline points` lists those that exist.")]
    public void What_does_not_exist_is_told_in_one_sentence(string pattern, string sentence)
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        var error = host.Enter(() =>
        {
            using var capture = LiveCapture.Open(s_options with { Points = [pattern] }, out var problem);
            Assert.Null(capture);
            return problem;
        });
        Assert.Equal(sentence, error);
    }

    [Fact]
    public void Points_are_followed_within_a_second_even_when_they_are_many()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        host.Run("sysctl", "-q", "-w", "net.ipv6.conf.default.disable_ipv6=1");
        using var bridge = Bridge.Create(host);
        using var run = CaptureRun.Start(host, s_options with { Workers = 2, RingBudgetBytes = 1L << 30 });
        const int Ports = 200;
        var commands = string.Concat(Enumerable.Range(0, Ports).Select(i =>
            $"link add tlp{i} type veth peer name tlq{i}\nlink set tlp{i} master {bridge.Name} up\nlink set tlq{i} up\n"));
        var batch = host.Start("ip", "-batch", "-");
        batch.Input.Write(commands);
        batch.Input.Close();
        Assert.Equal(0, batch.WaitForExit());
        var watch = Stopwatch.StartNew();
        LabWait.Until(() => run.Capture.Points.Count(p => p.State == PointState.Up) == Ports + 1, "200 ports and the host");
        var followedMs = watch.ElapsedMilliseconds;
        watch.Restart();
        run.Capture.Exclude(int.MaxValue);
        var lookMs = watch.ElapsedMilliseconds;
        host.Ip("link", "add", "tlone", "type", "veth", "peer", "name", "tltwo");
        host.Ip("link", "set", "tlone", "master", bridge.Name, "up");
        watch.Restart();
        LabWait.Until(() => State(run, "tlone") == PointState.Up, "one more");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"all followed {followedMs} ms after the last was made; one look takes {lookMs} ms; "
            + $"one more port {watch.ElapsedMilliseconds} ms");

        Assert.True(run.Capture.RingBytes(0) + run.Capture.RingBytes(1) <= 1L << 30, "the budget holds for any number of ports");
        using var sender = host.Enter(() => new RawSender(LinkIndex.Of("tlq137")));
        for (uint i = 0; i < 5000; i++)
        {
            Assert.True(sender.Send(TestFrames.Udp(0x0A000000 + i, 0x0B000000, 1000)));
        }

        run.Finish();
        var id = run.Point("tlp137").Point.Id;
        Assert.Equal(5000, run.Captured(id));
        Assert.Equal(5000, ArrivedOf(run, id));
        Assert.Equal(0, run.Drops());
    }

    private static long ArrivedOf(CaptureRun run, ushort id)
    {
        var all = new PointArrived[512];
        return all.AsSpan(0, run.Capture.ReadArrived(all)).ToArray().Single(a => a.PointId == id).Frames;
    }

    private static PointState? State(CaptureRun run, string name) =>
        run.Capture.Points.SingleOrDefault(p => p.Point.Name == name)?.State;
}

// Open vSwitch as a place to stand: real ovsdb-server and ovs-vswitchd on the userspace datapath. Each frame once where it
// enters, ports followed, names from the database, the LOCAL port as the host's traffic; mirrors made and taken away.
using System.Diagnostics;
using System.Text.RegularExpressions;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Vantage;

[Trait("pace", "patient")]
public sealed class OvsTests
{
    private static readonly LiveCaptureOptions s_options = new() { Points = ["ovs:br-int"], RingBudgetBytes = 64 << 20 };

    [Fact]
    public void Each_frame_is_seen_once_where_it_enters_the_userspace_datapath_and_the_hosts_own_traffic_by_its_local_port()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var left = NetNamespace.Create("l");
        using var right = NetNamespace.Create("r");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        var a = ovs.AddPort("br-int", left, "10.9.0.1/24", "external_ids:iface-id=port-a", "external_ids:vm-uuid=uuid-a",
            "external_ids:attached-mac=52:54:00:00:00:0a");
        var b = ovs.AddPort("br-int", right, "10.9.0.2/24");
        host.Ip("address", "add", "10.9.0.254/24", "dev", "br-int");
        host.Ip("link", "set", "br-int", "up");
        left.Run("ping", "-c", "3", "-i", "0.05", "-W", "5", "10.9.0.2");

        using var run = CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database, Workers = 2 });
        var before = new[] { a, b }.Select(p => host.Statistic(p.Near, "rx_packets")).ToArray();
        left.Run("ping", "-c", "20", "-i", "0.01", "-W", "5", "10.9.0.2");
        host.Run("ping", "-c", "10", "-i", "0.01", "-W", "5", "10.9.0.1");
        var (pointA, pointB, local) = (run.Point(a.Near).Point, run.Point(b.Near).Point, run.Point("br-int").Point);
        LabWait.Until(() => run.Captured(local.Id) >= 10, "the host's requests");
        var frames = run.Finish();

        Assert.Equal((PointKind.VmPort, "br-int"), (pointA.Kind, pointA.Switch));
        Assert.Equal((PointKind.Host, "br-int"), (local.Kind, local.Switch));
        Assert.Null(local.Vm);
        Assert.Equal(3, run.Capture.Points.Count);
        Assert.Equal(20, Echoes(frames, pointA.Id, 8));
        Assert.Equal(10, Echoes(frames, pointA.Id, 0));
        Assert.Equal(20, Echoes(frames, pointB.Id, 0));
        Assert.Equal(10, Echoes(frames, local.Id, 8));
        Assert.Equal(60, frames.Count(f => f.Bytes[12] == 8 && f.Bytes[13] == 0 && f.Bytes[23] == 1));
        Assert.Equal(host.Statistic(a.Near, "rx_packets") - before[0], run.Captured(pointA.Id));
        Assert.Equal(host.Statistic(b.Near, "rx_packets") - before[1], run.Captured(pointB.Id));
        Assert.All(run.Capture.Points, p => Assert.Equal(run.Arrived(p.Point.Id).Frames, run.Captured(p.Point.Id)));
        Assert.Empty(run.Capture.Notices);
    }

    [Fact]
    public void The_database_names_what_stands_behind_a_port_and_vm_patterns_choose_by_it()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        // A tap device that no process holds, as between two starts of a machine: only the database knows whose it is.
        host.Ip("tuntap", "add", "vnet3", "mode", "tap");
        host.Ip("link", "set", "vnet3", "up");
        ovs.Vsctl("add-port", "br-int", "vnet3", "--", "set", "interface", "vnet3", "external_ids:iface-id=port-7",
            "external_ids:vm-uuid=7c7c", "external_ids:attached-mac=\"52:54:00:12:34:56\"");
        foreach (var word in (string[])["vm:7c7c", "vm:port-7"])
        {
            using var run = CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database, Points = [word] });
            LabWait.Until(() => run.Capture.Points.Count == 1, () => $"the port of {word}");
            var point = run.Point("vnet3").Point;
            Assert.Equal(("7c7c", "7c7c", 0x525400123456UL, "br-int"), (point.Vm, point.VmId, point.VmMac, point.Switch));
        }
    }

    [Fact]
    public void Ports_and_bridges_that_come_and_go_are_followed_and_the_database_may_restart()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var first = NetNamespace.Create("a");
        using var second = NetNamespace.Create("b");
        using var third = NetNamespace.Create("c");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        using var run = CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database, Points = ["ovs:*"] });
        var a = ovs.AddPort("br-int", first, "10.9.0.1/24");
        var watch = Stopwatch.StartNew();
        LabWait.Until(() => State(run, a.Near) == PointState.Up, "the first port");
        TestContext.Current.TestOutputHelper?.WriteLine($"a new port was followed {watch.ElapsedMilliseconds} ms after ovs-vsctl returned");
        var b = ovs.AddPort("br-int", second, "10.9.0.2/24");
        LabWait.Until(() => State(run, b.Near) == PointState.Up, "the second port");
        first.Run("ping", "-c", "3", "-i", "0.05", "-W", "5", "10.9.0.2");
        var id = run.Point(b.Near).Point.Id;
        LabWait.Until(() => run.Captured(id) >= 3, "its frames");

        ovs.Vsctl("del-port", "br-int", b.Near);
        LabWait.Until(() => State(run, b.Near) == PointState.Gone, "the port to be given up though its interface stays");
        ovs.RestartDatabase();
        ovs.Vsctl("add-port", "br-int", b.Near);
        LabWait.Until(() => State(run, b.Near) == PointState.Up, "the port after the restart of the database");
        Assert.Equal(id, run.Point(b.Near).Point.Id);

        ovs.AddBridge("br-late");
        var c = ovs.AddPort("br-late", third);
        LabWait.Until(() => State(run, c.Near) == PointState.Up && run.Point(c.Near).Point.Switch == "br-late",
            "a port of a new bridge");
        ovs.Vsctl("del-br", "br-late");
        LabWait.Until(() => State(run, c.Near) == PointState.Gone && State(run, "br-late") == PointState.Gone,
            "the bridge to be gone");

        ovs.StopDatabase();
        LabWait.Until(() => run.Capture.Notices.Count == 1, "a word about the silent database");
        var captured = run.Captured(id);
        // The userspace datapath stands still without its database; what the machine sends enters all the same.
        second.TryRun("ping", "-c", "2", "-i", "0.05", "-W", "1", "10.9.0.1");
        LabWait.Until(() => run.Captured(id) >= captured + 2, "frames while the database is away");
        run.Finish();
    }

    [Fact]
    public void What_is_not_there_is_one_sentence_with_the_mend()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var ovs = OvsSwitch.Create(host);
        Assert.Contains("has no bridge `br-int`, and no other", Refusal(ovs.Database, "ovs:br-int"),
            StringComparison.Ordinal);
        ovs.AddBridge("br-ex");
        Assert.Contains("it has br-ex.", Refusal(ovs.Database, "ovs:br-int"), StringComparison.Ordinal);
        Assert.Equal("`br-ex` is a bridge of Open vSwitch; write ovs:br-ex.", Refusal(ovs.Database, "bridge:br-ex"));
        Assert.Contains("--ovs-database", Refusal($"/tmp/{LabNames.Next("none")}", "ovs:br-ex"), StringComparison.Ordinal);
        ovs.StopDatabase();
        Assert.Contains("start ovsdb-server", Refusal(ovs.Database, "ovs:br-ex"), StringComparison.Ordinal);

        string Refusal(string database, string pattern) => host.Enter(() =>
        {
            using var capture = LiveCapture.Open(s_options with { Points = [pattern], OvsDatabase = database },
                out var error);
            Assert.Null(capture);
            Assert.DoesNotContain('\n', error);
            return error;
        });
    }

    [Fact]
    public void Points_lists_ports_without_a_kernel_interface_with_reason_and_mend()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        ovs.AddBridge("br-ex");
        ovs.Vsctl(
            "add-port", "br-int", "to-ex", "--", "set", "interface", "to-ex", "type=patch", "options:peer=to-int", "--",
            "add-port", "br-ex", "to-int", "--", "set", "interface", "to-int", "type=patch", "options:peer=to-ex", "--",
            "add-port", "br-int", "vx0", "--", "set", "interface", "vx0", "type=vxlan", "options:remote_ip=10.1.1.1", "--",
            "add-port", "br-int", "guest", "--", "set", "interface", "guest", "type=dummy",
                "external_ids:vm-uuid=abc\\u001b[31m");
        var points = host.Enter(() => PointInventory.Read(["ovs:br-int"], ovs.Database, out var error)?.Points
            ?? throw new InvalidOperationException(error));
        Assert.Contains(points, p => p is { Name: "br-int", Kind: PointKind.Host, IsCaptured: true });
        Assert.Contains(points, p => p is { Name: "br-ex", IsCaptured: false });
        Assert.Contains("where they enter br-ex", Remark("to-ex"), StringComparison.Ordinal);
        Assert.Contains("--ovs-mirror", Remark("vx0"), StringComparison.Ordinal);
        Assert.Contains("--ovs-mirror", Remark("guest"), StringComparison.Ordinal);
        Assert.All(points, p => Assert.DoesNotContain('\u001b', $"{p.Name}{p.Vm}{p.VmId}{p.Remark}"));

        using var run = CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database });
        Assert.Contains(run.Capture.Notices, n => n.Contains("vx0", StringComparison.Ordinal)
            && n.Contains("--ovs-mirror", StringComparison.Ordinal));
        Assert.Contains(run.Capture.Notices, n => n.Contains("observe ovs:br-ex too", StringComparison.Ordinal));

        string Remark(string name) => points.Single(p => p.Name == name).Remark ?? "";
    }

    [Fact]
    public void A_mirror_of_ours_brings_the_frames_of_ports_that_no_socket_sees_and_goes_with_the_capture()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        var seen = ovs.AddPort("br-int", vm);
        ovs.Vsctl("add-port", "br-int", "guest1", "--", "set", "interface", "guest1", "type=dummy");
        var portsBefore = ovs.Vsctl("list-ports", "br-int");
        using (var run = CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database, OvsMirror = true, Node =
            "node <1>" }))
        {
            var mirror = WaitForMirrorPoint(run);
            Assert.Equal((PointKind.Monitor, "br-int"), (mirror.Point.Kind, mirror.Point.Switch));
            SendBy(ovs, "guest1", 1);
            LabWait.Until(() => run.Captured(mirror.Point.Id) == 1, "the frame of the unseen port");

            ovs.Vsctl("add-port", "br-int", "guest2", "--", "set", "interface", "guest2", "type=dummy");
            LabWait.Until(() => Sources(ovs) == 2, "the mirror to follow the new port");
            SendBy(ovs, "guest2", 2);
            LabWait.Until(() => run.Captured(mirror.Point.Id) == 2, "the frame of the new port");

            // What enters by a port with a kernel interface is seen there and not a second time by the mirror.
            using var sender = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
            for (uint i = 0; i < 50; i++)
            {
                Assert.True(sender.Send(TestFrames.Udp(1, i)));
            }

            LabWait.Until(() => run.Captured(run.Point(seen.Near).Point.Id) >= 50, "the frames of the seen port");
            SendBy(ovs, "guest1", 3);
            LabWait.Until(() => run.Captured(mirror.Point.Id) == 3, "one more of the unseen");
            run.Finish();
            Assert.Equal(3, run.Captured(mirror.Point.Id));
        }

        Assert.Equal(0, Mirrors(ovs));
        LabWait.Until(() => ovs.Vsctl("list-ports", "br-int").Replace("guest2\n", "",
            StringComparison.Ordinal) == portsBefore, "our port to be gone");
        // Our ports are named by process and number (tlm4711-0); the lab's own devices may begin with the same letters.
        LabWait.Until(() => !Regex.IsMatch(host.Ip("-o", "link"), @"\btlm\d+-\d"), "our device to be gone");
    }

    [Fact]
    public void Rows_of_a_dead_run_are_removed_and_those_of_a_living_one_left_alone()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        ovs.Vsctl("add-port", "br-int", "guest1", "--", "set", "interface", "guest1", "type=dummy");
        using var other = LabProcess.Start("sleep", "600");
        var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        var start = File.ReadAllText($"/proc/{other.Id}/stat").Split(')')[^1].Split(' ',
            StringSplitOptions.RemoveEmptyEntries)[19];
        AddRows("tlliving", $"tapline-pid={other.Id}", $"tapline-start={start}", $"tapline-boot={boot}");
        AddRows("tlreused", $"tapline-pid={other.Id}", "tapline-start=1", $"tapline-boot={boot}");
        AddRows("tlolder", $"tapline-pid={other.Id}", $"tapline-start={start}", "tapline-boot=another-boot");
        AddRows("foreign", "owner=somebody");
        Assert.Equal(4, Mirrors(ovs));

        // A capture that wants no mirror of its own cleans up as well.
        using (var run = CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database }))
        {
            LabWait.Until(() => Mirrors(ovs) == 2, "the dead runs' mirrors to be removed");
            Assert.Equal(["foreign", "guest1", "tlliving"], Ports());
            Assert.DoesNotContain(run.Capture.Points, p => p.Point.Name == "tlliving");
        }

        Assert.Equal(["foreign", "guest1", "tlliving"], Ports());
        other.Dispose();
        using (CaptureRun.Start(host, s_options with { OvsDatabase = ovs.Database }))
        {
            LabWait.Until(() => Mirrors(ovs) == 1, "the mirror of the run that died meanwhile to be removed");
        }

        Assert.Equal(["foreign", "guest1"], Ports());

        string[] Ports() => ovs.Vsctl("list-ports", "br-int").Split('\n', StringSplitOptions.RemoveEmptyEntries);

        void AddRows(string name, params string[] mark)
        {
            string[] ids = [.. mark.Select(m => $"external_ids:{m}")];
            ovs.Vsctl(
                ["add-port", "br-int", name, "--", "set", "interface", name, "type=internal", .. ids, "--", "--id=@p",
                    "get", "port", name,
                "--", "--id=@s", "get", "port", "guest1", "--", "--id=@m", "create", "mirror", $"name={name}",
                    "select_src_port=@s",
                "output_port=@p", .. mark.Select(m => $"external_ids:{m}"), "--", "add", "bridge", "br-int",
                    "mirrors", "@m"]);
        }
    }

    [Fact]
    public void A_run_that_was_killed_leaves_rows_that_the_next_one_removes()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var ovs = OvsSwitch.Create(host);
        ovs.AddBridge("br-int");
        ovs.Vsctl("add-port", "br-int", "guest1", "--", "set", "interface", "guest1", "type=dummy");
        string[] order = [Nodes.TaplineProgram.Path(), "engine", "--point", "ovs:br-int", "--ovs-database",
            ovs.Database, "--ovs-mirror", "--workers", "1"];
        var killed = host.Start(order);
        LabWait.Until(() => Mirrors(ovs) == 1, () => $"the mirror of the first run: {killed.Error}");
        killed.Signal(9);
        killed.WaitForExit();
        Assert.Equal(1, Mirrors(ovs));
        var port = ovs.Vsctl("list-ports", "br-int");
        var next = host.Start(order);
        LabWait.Until(
            () => Mirrors(ovs) == 1 && ovs.Vsctl("list-ports", "br-int") != port, () =>
                $"the mirror of the next run: {next.Error}");
        Assert.Equal(0, next.Stop());
        Assert.Equal(0, Mirrors(ovs));
        Assert.Equal("guest1\n", ovs.Vsctl("list-ports", "br-int"));
    }

    private static LivePoint WaitForMirrorPoint(CaptureRun run)
    {
        LabWait.Until(
            () => run.Capture.Points.Any(p => p.Point.Kind == PointKind.Monitor && p.State == PointState.Up),
            () => $"the mirror's output port; {string.Join(' ', run.Capture.Notices)}");
        return run.Capture.Points.Single(p => p.Point.Kind == PointKind.Monitor);
    }

    private static void SendBy(OvsSwitch ovs, string port, byte number)
    {
        var frame = TestFrames.Udp(0x0A090001, number);
        frame[11] = number;
        ovs.Appctl("netdev-dummy/receive", port, Convert.ToHexString(frame));
    }

    private static int Mirrors(OvsSwitch ovs) =>
        ovs.Vsctl("--bare", "--columns=_uuid", "list", "mirror").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private static int Sources(OvsSwitch ovs) =>
        ovs.Vsctl("--bare", "--columns=select_src_port", "list", "mirror").Split((char[])[' ', '\n'],
            StringSplitOptions.RemoveEmptyEntries).Length;

    private static int Echoes(IEnumerable<SeenFrame> frames, ushort point, byte type) => frames.Count(f =>
        f.Meta.PointId == point && f.Bytes.Length > 34 && f.Bytes[12] == 8 && f.Bytes[13] == 0 && f.Bytes[23] == 1
            && f.Bytes[34] == type);

    private static PointState? State(CaptureRun run, string name) =>
        run.Capture.Points.SingleOrDefault(p => p.Point.Name == name)?.State;
}

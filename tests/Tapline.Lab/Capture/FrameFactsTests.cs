// What travels beside a frame: VLAN tags, offload state, direction, and on which worker it lands.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Ring;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Capture;

[Trait("pace", "patient")]
public sealed class FrameFactsTests
{
    private const long SmallBudgetBytes = 64 << 20;
    private static readonly LiveCaptureOptions s_options = new() { RingBudgetBytes = SmallBudgetBytes };

    public static TheoryData<byte[]> Tags => new()
    {
        Array.Empty<byte>(),
        new byte[] { 0x81, 0x00, 0x60, 0x64 },
        new byte[] { 0x88, 0xA8, 0x00, 0x0A },
        new byte[] { 0x88, 0xA8, 0x00, 0x0A, 0x81, 0x00, 0xE0, 0x14 },
        new byte[] { 0x81, 0x00, 0x00, 0x01, 0x81, 0x00, 0x00, 0x02 },
    };

    [Theory]
    [MemberData(nameof(Tags))]
    public void A_tagged_frame_is_captured_byte_for_byte_as_it_was_sent(byte[] tags)
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm);
        using var sender = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using var run = CaptureRun.Start(host, s_options with { Points = [port.Near] });
        var frame = TestFrames.Udp(0x0A090001, 0x0A090002, 200, tags);
        Assert.True(sender.Send(frame));
        var seen = Assert.Single(run.Finish());

        Assert.Equal(frame, seen.Bytes);
        Assert.Equal(frame.Length, seen.Meta.OriginalLength);
        Assert.Equal(frame.Length, seen.Meta.CapturedLength);
        Assert.Equal(tags.Length > 0, seen.Meta.Flags.HasFlag(FrameFlags.VlanRestored));
        Assert.Equal(LinkType.Ethernet, seen.Meta.LinkType);
        Assert.Equal(1, seen.Meta.FrameNumber);
        Assert.Equal(-1, seen.Meta.SourceOffset);
        var arrived = run.Arrived(seen.Meta.PointId);
        Assert.Equal((1L, (long)frame.Length), (arrived.Frames, arrived.Bytes));
    }

    [Fact]
    public void A_snap_length_slices_and_does_not_count_as_cut()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm);
        using var sender = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using var run = CaptureRun.Start(host, s_options with { Points = [port.Near], SnapLength = 96 });
        var frame = TestFrames.Udp(0x0A090001, 0x0A090002, 1000, [0x81, 0x00, 0x00, 0x05]);
        Assert.True(sender.Send(frame));
        var seen = Assert.Single(run.Finish());
        Assert.Equal(frame.AsSpan(0, 96).ToArray(), seen.Bytes);
        Assert.Equal(frame.Length, seen.Meta.OriginalLength);
        Assert.Equal(FrameFlags.VlanRestored, seen.Meta.Flags);
    }

    [Fact]
    public void Super_frames_of_a_real_transfer_tell_their_segments_and_unfinished_checksums()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("iperf3", "ss");
        using var host = NetNamespace.Create("h");
        using var left = NetNamespace.Create("l");
        using var right = NetNamespace.Create("r");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(left, "10.9.0.1/24");
        bridge.AddPort(right, "10.9.0.2/24");
        using var run = CaptureRun.Start(host, s_options with { Workers = 2 });
        using var server = right.Start("iperf3", "-s", "-1");
        LabWait.Until(() => right.TryRun("ss", "-ltnH", "sport", "=", ":5201").Output.Length > 0, "the server to listen");
        left.Run("iperf3", "-c", "10.9.0.2", "-n", "20M", "-b", "400M");
        var frames = run.Finish();

        var supers = frames.Where(f => f.Meta.GsoSize > 0).ToList();
        Assert.True(supers.Count > 50, $"{supers.Count} of {frames.Count} frames are super-frames");
        Assert.All(supers, f =>
        {
            Assert.Equal(GsoType.Tcpv4, f.Meta.GsoType & ~GsoType.Ecn);
            Assert.Equal(FrameFlags.ChecksumPartial, f.Meta.Flags & FrameFlags.ChecksumPartial);
            Assert.Equal(34, f.Meta.ChecksumStart);
            Assert.Equal(16, f.Meta.ChecksumOffset);
            Assert.Equal(f.Meta.OriginalLength, f.Meta.CapturedLength);
            Assert.True(f.Meta.OriginalLength > 1514, "longer than a wire frame");
            Assert.True(f.Meta.GsoSize is > 1000 and <= 1460);
        });

        // The transfer's bytes, from the segments that the super-frames stand for.
        var id = run.Point(port.Near).Point.Id;
        Assert.True(frames.Where(f => f.Meta.PointId == id).Sum(f => (long)f.Meta.OriginalLength) > 20_000_000);
        Assert.Equal(0, run.Drops());
    }

    [Fact]
    public void A_tagged_super_frame_has_its_tag_and_a_checksum_start_behind_it()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm);
        using var sender = vm.Enter(() => new RawSender(LinkIndex.Of("eth0"), withOffload: true));
        using var run = CaptureRun.Start(host, s_options with { Points = [port.Near] });
        byte[] tag = [0x81, 0x00, 0x00, 0x64];
        var frame = TestFrames.Tcp(0x0A090001, 0x0A090002, payloadBytes: 60_000, tag);
        // flags NEEDS_CSUM, gso TCPV4, header length 58, segment 1448, checksum from 38 at offset 16
        byte[] offload = [1, 1, 58, 0, 0xA8, 0x05, 38, 0, 16, 0];
        Assert.True(sender.Send([.. offload, .. frame]));
        var seen = Assert.Single(run.Finish());

        Assert.Equal(frame, seen.Bytes);
        Assert.Equal(FrameFlags.VlanRestored | FrameFlags.ChecksumPartial, seen.Meta.Flags);
        Assert.Equal((GsoType.Tcpv4, 1448), (seen.Meta.GsoType, (int)seen.Meta.GsoSize));
        Assert.Equal((38, 16), (seen.Meta.ChecksumStart, (int)seen.Meta.ChecksumOffset));
        Assert.Equal(frame.Length, seen.Meta.OriginalLength);
    }

    [Fact]
    public void A_frame_that_no_block_can_hold_is_cut_and_says_so()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm);
        using var sender = vm.Enter(() => new RawSender(LinkIndex.Of("eth0"), withOffload: true));
        using var run = CaptureRun.Start(host, s_options with { Points = [port.Near], BlockBytes = 65536 });
        var frame = TestFrames.Tcp(0x0A090001, 0x0A090002, payloadBytes: 65_400);
        byte[] offload = [1, 1, 54, 0, 0xA8, 0x05, 34, 0, 16, 0];
        Assert.True(sender.Send([.. offload, .. frame]));
        var seen = Assert.Single(run.Finish());
        Assert.Equal(FrameFlags.Cut | FrameFlags.ChecksumPartial, seen.Meta.Flags);
        Assert.Equal(frame.Length, seen.Meta.OriginalLength);
        Assert.True(seen.Meta.CapturedLength is > 65_000 and < 65_454);
        Assert.Equal(frame.AsSpan(0, seen.Bytes.Length).ToArray(), seen.Bytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_hosts_own_traffic_into_a_bridge_is_a_point_of_its_own_and_in_time_order(bool bridgeWasDown)
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm, "10.9.0.2/24");
        host.Ip("address", "add", "10.9.0.1/24", "dev", bridge.Name);
        using var run = CaptureRun.Start(host, s_options with { Workers = 2 });
        if (bridgeWasDown)
        {
            // The kernel takes the sockets out of their group and puts them back: the order of the workers must survive.
            host.Ip("link", "set", bridge.Name, "down");
            LabWait.Until(() => run.Point(bridge.Name).State == Tapline.Capture.Points.PointState.Down, "the bridge to be down");
            host.Ip("link", "set", bridge.Name, "up");
            LabWait.Until(() => run.Point(bridge.Name).State == Tapline.Capture.Points.PointState.Up, "the bridge to be up");
        }

        host.Run("ping", "-c", "30", "-i", "0.01", "-W", "2", "10.9.0.2");
        var frames = run.Finish();

        var hostPoint = run.Point(bridge.Name).Point;
        var vmPoint = run.Point(port.Near).Point;
        Assert.Equal(PointKind.Host, hostPoint.Kind);
        var echoes = frames.Where(f => f.Bytes[12] == 0x08 && f.Bytes[13] == 0 && f.Bytes[23] == 1).ToList();
        Assert.True(
            echoes.Count == 60,
            string.Join('\n', echoes.Select(f => $"{f.Meta.PointId} {f.Meta.TimestampNs} {f.Bytes[34]} {f.Bytes[41]}")));
        Assert.Single(echoes.Select(f => f.Worker).Distinct());
        for (var i = 0; i < echoes.Count; i++)
        {
            // Requests (8) by the host and replies (0) by the VM take turns, although they come through two rings.
            Assert.Equal(i % 2 == 0 ? hostPoint.Id : vmPoint.Id, echoes[i].Meta.PointId);
            Assert.Equal(i % 2 == 0, echoes[i].Meta.Flags.HasFlag(FrameFlags.FromHost));
            Assert.Equal(i % 2 == 0 ? 8 : 0, echoes[i].Bytes[34]);
        }

        Assert.Equal(0, Promiscuity(host, bridge.Name));
        foreach (var id in (ushort[])[hostPoint.Id, vmPoint.Id])
        {
            Assert.Equal(run.Captured(id), run.Arrived(id).Frames);
        }
    }

    [Fact]
    public void Both_directions_fragments_and_tunnelled_frames_of_a_pair_reach_one_worker()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var left = NetNamespace.Create("l");
        using var right = NetNamespace.Create("r");
        using var bridge = Bridge.Create(host);
        var leftPort = bridge.AddPort(left);
        var rightPort = bridge.AddPort(right);
        using var fromLeft = left.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using var fromRight = right.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using var run = CaptureRun.Start(host, s_options with { Workers = 4, Points = [leftPort.Near, rightPort.Near] });
        const int Pairs = 64;
        for (byte i = 0; i < Pairs; i++)
        {
            uint a = 0x0A000000u + i, b = 0x0B000000u + (i * 7u);
            SendMarked(fromLeft, TestFrames.Udp(a, b), i);
            SendMarked(fromRight, TestFrames.Udp(b, a), i);
            SendMarked(fromLeft, TestFrames.Udp(a, b, 64, [0x81, 0x00, 0x00, 0x07]), i);
            SendMarked(fromLeft, TestFrames.Udp(b, a, 64, [0x88, 0xA8, 0x00, 0x07, 0x81, 0x00, 0x00, 0x08]), i);
            var fragment = TestFrames.Udp(a, b);
            fragment[21] = 0x80;
            SendMarked(fromLeft, fragment, i);
            SendMarked(fromRight, TestFrames.Vxlan(0xC0A80001, 0xC0A80002, TestFrames.Udp(b, a)), i);
        }

        var frames = run.Finish();
        Assert.Equal(Pairs * 6, frames.Count);
        Assert.True(frames.Select(f => f.Worker).Distinct().Count() == 4, "64 pairs use all four workers");
        foreach (var pair in frames.GroupBy(f => f.Bytes[^1]))
        {
            Assert.Equal(6, pair.Count());
            Assert.Single(pair.Select(f => f.Worker).Distinct());
        }
    }

    // The last byte of the payload tells which pair a frame belongs to.
    private static void SendMarked(RawSender sender, byte[] frame, byte pair)
    {
        frame[^1] = pair;
        Assert.True(sender.Send(frame));
    }

    private static int Promiscuity(NetNamespace space, string device)
    {
        using var document = System.Text.Json.JsonDocument.Parse(space.Ip("-d", "-j", "link", "show", "dev", device));
        return document.RootElement[0].GetProperty("promiscuity").GetInt32();
    }
}

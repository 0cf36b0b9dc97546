// The kernel path into VXLAN: what entered is what the tool finds in the tunnel, frame for frame and byte for byte, over IPv4 and
// IPv6, and the tapped frame goes on untouched. Every packet that reaches the tool is taken apart or read by tshark.
using System.Globalization;
using Tapline.Base.Native;
using Tapline.Lab.Frames;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Mirror.Send;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Kernel;

[Trait("pace", "patient")]
public sealed class KernelTunnelTests
{
    private const int Load = 20_000;

    [Theory]
    [InlineData(KernelHookKind.Tcx, 64, false)]
    [InlineData(KernelHookKind.Tcx, 1514, false)]
    [InlineData(KernelHookKind.Tcx, 1514, true)]
    [InlineData(KernelHookKind.Clsact, 64, false)]
    public void What_entered_is_in_the_tunnel_once_and_the_original_goes_on_untouched(KernelHookKind hook, int frameBytes, bool v6)
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort, v6);
        using var witness = hook == KernelHookKind.Tcx ? MarkWitness.Attach(lab.Host.Name, "p1", frameBytes) : null;
        using var reader = ToolReader.Open(lab.Tool, TunnelWay.Far);
        using var engine = lab.Start(hook, TunnelWay.Plan(v6));
        var entered = lab.Send(Load, frameBytes);
        var report = engine.Finish();
        var row = KernelPathTests.Balanced(report);
        Assert.Equal("kernel", report.Mirrors[0].Mode);
        Assert.Equal((entered, entered), (row.Offered, row.Sent));
        Assert.Equal(entered * frameBytes, row.SentBytes);
        Assert.Equal(0, report.Mirrors[0].TargetTxDropped);
        LabWait.Until(() => TunnelWay.Copies(reader, v6) >= entered, () => $"{entered} copies; {TunnelWay.Copies(reader, v6)} came");
        var inner = TunnelWay.Inner(reader, v6);
        Assert.Equal(entered, inner.Count);
        Assert.All(inner, f => Assert.Equal(frameBytes, f.Length));

        // Each frame has a number of its own in its first eight bytes of payload.
        Assert.Equal(entered, inner.Select(f => BitConverter.ToInt64(f, 42)).Distinct().Count());
        if (witness is not null)
        {
            Assert.Equal((entered, 0), (witness.Seen, witness.Changed));
        }

        Assert.DoesNotContain("tapline", lab.Host.Ip("link", "show"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(1, false, false)]
    [InlineData(0, true, false)]
    [InlineData(1, false, true)]
    public void Super_frames_arrive_as_wire_frames_and_are_the_stream_byte_for_byte(int tags, bool isIpv6, bool v6)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        var data = MirrorEndToEndTests.Noise(8 << 20);
        using var lab = new MirrorLab(isIpv6, tags);
        TunnelWay.Open(lab.Host, lab.Tool, MirrorLab.ToolPort, v6);
        using var engine = lab.Start(TunnelWay.Plan(v6));
        lab.Transfer(data);
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal(row.Offered, row.Sent);
        Assert.True(row.Sent < row.SentWireFrames / 2, "super-frames were seen, else the test proves little");
        LabWait.Until(
            () => TunnelWay.Copies(lab.Reader, v6) >= row.SentWireFrames,
            () => $"{row.SentWireFrames} copies; {TunnelWay.Copies(lab.Reader, v6)} came");
        var inner = TunnelWay.Inner(lab.Reader, v6);
        Assert.Equal(row.SentWireFrames, inner.Count);
        Assert.All(inner, f => Assert.InRange(f.Length, 14, 1518));

        // Checks the inner checksums of every segment.
        var wire = MirrorEndToEndTests.Tcp(inner, tags);
        Assert.True(data.AsSpan().SequenceEqual(MirrorEndToEndTests.Reassemble(wire, data.Length, out var again)));
        Assert.InRange(again, 0, lab.ClientRetransmissions());
    }

    [Fact]
    public void Tshark_reads_the_tunnel()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tshark", "tcpdump");
        using var folder = new LabFolder();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        var capture = Path.Combine(folder.Path, "tool.pcap");
        var tcpdump = lab.Tool.Start("tcpdump", "-i", TunnelWay.Far, "-U", "-w", capture, "udp");
        LabWait.Until(() => tcpdump.Error.Contains("listening", StringComparison.Ordinal), "tcpdump to listen");
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        var entered = lab.Send(500, 200);
        KernelPathTests.Balanced(engine.Finish());
        string[] lines = [];
        LabWait.Until(
            () =>
            {
                // A capture under way may end in half a record, which tshark says and reads up to.
                var (_, output, _) = LabCommand.TryRun(
                    "tshark", "-n", "-r", capture, "-d", "udp.port==4789,vxlan", "-o", "ip.check_checksum:TRUE", "-T", "fields",
                    "-E", "occurrence=a", "-e", "vxlan.vni", "-e", "frame.len", "-e", "ip.flags.df", "-e", "ip.checksum.status");
                lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
                return lines.Length >= entered;
            },
            () => $"{entered} packets; tshark has {lines.Length}");
        Assert.Equal(entered, lines.Length);
        Assert.All(lines, l => Assert.StartsWith($"{TunnelWay.Vni}\t250\t1,", l, StringComparison.Ordinal));
        Assert.All(lines, l => Assert.EndsWith("\t1,1", l, StringComparison.Ordinal));
    }

    [Fact]
    public void Filter_and_sample_choose_and_two_sessions_into_one_tunnel_both_arrive()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        using var engine = lab.Start(
            KernelHookKind.Tcx,
            TunnelWay.Plan() with { Filter = "udp[1] & 1 = 1" },
            TunnelWay.Plan(session: "m2") with { Shape = "sample=10" },
            TunnelWay.Plan(session: "m3") with { Filter = "tcp" });
        var entered = lab.Send(Load);
        var report = engine.Finish();
        var odd = KernelPathTests.Balanced(report, 0);
        var tenth = KernelPathTests.Balanced(report, 1);
        Assert.Equal((entered / 2, entered / 2), (odd.Sent, odd.Filtered));
        Assert.InRange(tenth.Sent, (entered / 10) - Environment.ProcessorCount, entered / 10);
        Assert.Equal((0, entered), (KernelPathTests.Balanced(report, 2).Sent, KernelPathTests.Balanced(report, 2).Filtered));
        LabWait.Until(() => lab.ToolReceived >= odd.Sent + tenth.Sent, "the copies");
        Assert.Equal(odd.Sent + tenth.Sent, lab.ToolReceived);
    }

    [Fact]
    public void Frames_that_do_not_fit_are_dropped_and_counted_and_nothing_leaves_in_fragments()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort, mtuBytes: 1500);
        using var reader = ToolReader.Open(lab.Tool, TunnelWay.Far);
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        Assert.Equal(3000, lab.Send(1000, 1464) + lab.Send(1000, 1465) + lab.Send(1000, 1514));
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal((1000, 2000), (row.Sent, row.DroppedTooLong));
        LabWait.Until(() => TunnelWay.Copies(reader) >= 1000, "the copies");
        Assert.All(TunnelWay.Inner(reader), f => Assert.Equal(1464, f.Length));
        Assert.Equal(1000, reader.Count);
    }

    [Fact]
    public void A_way_that_becomes_narrow_and_wide_again_is_followed_for_super_frames_too()
    {
        LabNeeds.Namespaces();
        var data = MirrorEndToEndTests.Noise(2 << 20);
        using var lab = new MirrorLab();
        TunnelWay.Open(lab.Host, lab.Tool, MirrorLab.ToolPort, mtuBytes: 1500);
        using var engine = lab.Start(TunnelWay.Plan());
        lab.Transfer(data);
        lab.Host.Enter(() => Assert.Contains("mtu 1450", lab.Host.Ip("link", "show", "type", "vxlan"), StringComparison.Ordinal));
        TunnelWay.SetMtu(lab.Host, lab.Tool, MirrorLab.ToolPort, 1600);
        LabWait.Until(
            () => lab.Host.Ip("link", "show", "type", "vxlan").Contains("mtu 1550", StringComparison.Ordinal), "the way to be known");
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.True(row.DroppedTooLong > 0 && row.Sent > 0, $"{row.DroppedTooLong} too long, {row.Sent} sent");
        Assert.Equal(0, row.DroppedError);
        Assert.All(TunnelWay.Inner(lab.Reader), f => Assert.InRange(f.Length, 14, 1464));
    }

    [Fact]
    public void What_the_way_loses_after_it_took_a_copy_is_counted_as_lost()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        var entered = lab.Send(1000);

        // A queueing discipline that lets some kilobytes a second through and keeps little.
        lab.Host.Tc("qdisc", "add", "dev", KernelLab.ToolPort, "root", "tbf", "rate", "80kbit", "burst", "3000", "limit", "6000");
        entered += lab.Send(Load);
        lab.Host.Tc("qdisc", "del", "dev", KernelLab.ToolPort, "root");
        entered += lab.Send(1000);
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal(entered, row.Offered);
        Assert.True(row.DroppedError > Load / 2, $"{row.DroppedError} were lost in the queue");

        // What still waited in the queue went with it.
        Assert.InRange(lab.ToolReceived, row.Sent - 60, row.Sent);
    }

    [Fact]
    public void Reading_and_following_allocate_nothing()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        var target = TargetParser.Parse(TunnelWay.Plan().To, out _)!;
        var allocated = lab.Host.Enter(() =>
        {
            using var hooks = KernelHooks.Open(KernelHookKind.Auto, out _);
            using var mirror = KernelMirror.Open(hooks!, target, "m1", null, 1, 0, out var error);
            Assert.True(mirror is not null, error);
            Assert.True(mirror.Attach("p1", LinkIndex.Of("p1"), false, 1, out error), error);
            return Allocations.LeastOf(() =>
            {
                mirror.FollowTarget();
                _ = mirror.Read();
                _ = mirror.ReadTargetTxDropped();
            });
        });
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_tool_behind_the_tapped_switch_gets_each_frame_once()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        const int Pings = 20;
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var tool = NetNamespace.Create("t");
        using var bridge = Bridge.Create(host, "br0");
        bridge.AddPort(vm, "10.9.0.1/24", "p1");
        bridge.AddPort(tool, "10.9.0.2/24", "p2");
        host.Ip("address", "add", "10.9.0.254/24", "dev", "br0");
        using var reader = ToolReader.Open(tool, "eth0");
        var options = new EngineOptions
        {
            Points = ["bridge:br0"],
            Mirrors = [TunnelWay.Plan() with { To = $"vxlan://10.9.0.2?vni={TunnelWay.Vni}&refusal=ignore" }],
            Workers = 1,
        };
        var (engine, fault) = host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
        Assert.True(engine is not null, fault?.Fault);
        using (engine)
        {
            // The answers are the host's own: without the mark, each copy of one would be copied again as it leaves.
            vm.Run("ping", "-c", Pings.ToString(CultureInfo.InvariantCulture), "-i", "0.05", "-W", "2", "10.9.0.254");
            LabWait.Until(() => TunnelWay.Copies(reader) >= 2 * Pings, "copies at the tool");
            var report = engine.Finish();
            var row = KernelPathTests.Balanced(report);
            Assert.Equal("kernel", report.Mirrors[0].Mode);
            Assert.Equal(row.Offered, row.Sent);
            Assert.InRange(row.Offered, 2 * Pings, (2 * Pings) + 60);
            LabWait.Until(() => TunnelWay.Copies(reader) >= row.Sent, () => $"{row.Sent} copies; {TunnelWay.Copies(reader)} came");
            Assert.Equal(row.Sent, TunnelWay.Inner(reader).Count);
        }
    }
}

// The kernel path counts what it does: what entered by the port's own counter = what the session was offered = what it
// sent + dropped, and what it sent is what the tool received, to the frame, with TCX and with clsact.
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Mirror.Kernel;
using Tapline.Store;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Kernel;

public sealed class KernelPathTests
{
    private const int Load = 150_000;

    [Theory]
    [InlineData(KernelHookKind.Tcx, 64)]
    [InlineData(KernelHookKind.Tcx, 1514)]
    [InlineData(KernelHookKind.Clsact, 64)]
    [InlineData(KernelHookKind.Clsact, 1514)]
    public void What_entered_was_sent_and_reached_the_tool_and_the_original_goes_on_untouched(KernelHookKind hook, int frameBytes)
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using var witness = hook == KernelHookKind.Tcx ? MarkWitness.Attach(lab.Host.Name, "p1", frameBytes) : null;
        using var engine = lab.Start(hook, KernelLab.Plan());
        var entered = lab.Send(Load, frameBytes);
        var report = engine.Finish();
        var row = Balanced(report);
        Assert.Equal("kernel", report.Mirrors[0].Mode);
        Assert.Equal(Load, entered);
        Assert.Equal(entered, row.Offered);
        Assert.Equal(entered, row.Sent);
        Assert.Equal(entered, row.SentWireFrames);
        Assert.Equal(entered * frameBytes, row.SentBytes);
        Assert.Equal(0, report.Mirrors[0].TargetTxDropped);
        Assert.Equal(entered, lab.ToolReceived);
        Assert.Equal(row.SentBytes, lab.ToolReceivedBytes);
        if (witness is not null)
        {
            Assert.Equal(entered, witness.Seen);
            Assert.Equal(0, witness.Changed);
        }

        // Nothing is copied after the end.
        lab.Send(1000, frameBytes);
        Assert.Equal(entered, lab.ToolReceived);
    }

    [Theory]
    [InlineData(KernelHookKind.Tcx)]
    [InlineData(KernelHookKind.Clsact)]
    public void One_in_seven_is_one_in_seven_on_each_processor_and_a_second_session_takes_all(KernelHookKind hook)
    {
        LabNeeds.Namespaces();
        const int OneIn = 7;
        using var lab = new KernelLab();
        using var engine = lab.Start(hook, KernelLab.Plan(sampleOneIn: OneIn), KernelLab.Plan("m2"));
        var entered = lab.Send(Load);
        var report = engine.Finish();
        var sampled = Balanced(report, 0);
        Assert.Equal(entered, sampled.Offered);
        Assert.InRange(sampled.Sent, (entered / OneIn) - Environment.ProcessorCount, entered / OneIn);
        Assert.Equal(entered - sampled.Sent, sampled.SampledOut);
        var whole = Balanced(report, 1);
        Assert.Equal(entered, whole.Sent);
        Assert.Equal(sampled.Sent + whole.Sent, lab.ToolReceived);
    }

    [Fact]
    public void With_kernel_sessions_only_no_frame_is_read_in_user_space_and_with_analysis_both_agree()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using (var engine = lab.Start(KernelHookKind.Tcx, KernelLab.Plan()))
        {
            // /proc/net/packet: a socket with protocol 0003 would get every frame of the host.
            Assert.DoesNotContain(" 0003 ", lab.Host.Run("cat", "/proc/net/packet"), StringComparison.Ordinal);
            engine.Finish();
        }

        using var both = lab.Start(KernelHookKind.Tcx, analyse: true, KernelLab.Plan());
        Assert.Contains(" 0003 ", lab.Host.Run("cat", "/proc/net/packet"), StringComparison.Ordinal);
        var entered = lab.Send(50_000);
        var report = both.Finish();
        Assert.Equal(entered, Balanced(report).Sent);
        Assert.Equal(entered, report.Points.Sum(p => p.Arrived));
    }

    [Fact]
    public void The_hosts_own_frames_into_the_bridge_are_copied_as_they_leave_the_bridge_device()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var lab = new KernelLab();
        lab.Host.Ip("address", "add", "10.9.0.1/24", "dev", "br0");
        lab.Host.Ip("neighbour", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:99", "dev", "br0");
        using var engine = lab.Start(KernelHookKind.Tcx, KernelLab.Plan(from: "host:br0"));
        var before = lab.Host.Statistic("br0", "tx_packets");
        lab.Host.TryRun("ping", "-q", "-c", "20", "-i", "0.02", "-W", "1", "10.9.0.2");
        var left = lab.Host.Statistic("br0", "tx_packets") - before;
        var row = Balanced(engine.Finish());
        Assert.True(left >= 20, $"{left} frames left the bridge device");
        Assert.Equal(left, row.Sent);
        Assert.Equal(left, lab.ToolReceived);
    }

    [Fact]
    public void Super_frames_leave_as_wire_frames_and_are_the_stream_byte_for_byte()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        var data = MirrorEndToEndTests.Noise(16 << 20);
        using var lab = new MirrorLab();
        lab.Host.Run("ethtool", "-K", MirrorLab.ToolPort, "tx", "off");
        using var engine = lab.Start(new MirrorPlan { Session = "m1", To = $"nic:{MirrorLab.ToolPort}", Mode = MirrorMode.Kernel });
        lab.Transfer(data);
        var report = engine.Finish();
        var row = Balanced(report);
        Assert.Equal(row.Offered, row.Sent);
        Assert.True(row.Sent < row.SentWireFrames / 2, "super-frames were seen, else the test proves little");
        lab.Reader.StopAfter(row.SentWireFrames);
        Assert.Equal(row.SentWireFrames, lab.Reader.Frames.Count);
        Assert.All(lab.Reader.Frames, f => Assert.InRange(f.Length, 14, 1514));
        var wire = MirrorEndToEndTests.Tcp(lab.Reader.Frames, tags: 0);
        Assert.True(data.AsSpan().SequenceEqual(MirrorEndToEndTests.Reassemble(wire, data.Length, out var again)));
        Assert.InRange(again, 0, lab.ClientRetransmissions());
    }

    [Fact]
    public void A_tagged_frame_keeps_its_tag_and_the_tag_counts()
    {
        LabNeeds.Namespaces();
        using var lab = new MirrorLab(tags: 1);
        lab.Host.Run("ethtool", "-K", MirrorLab.ToolPort, "tx", "off");
        using var engine = lab.Start(new MirrorPlan { Session = "m1", To = $"nic:{MirrorLab.ToolPort}", Mode = MirrorMode.Kernel });
        lab.Transfer(MirrorEndToEndTests.Noise(2 << 20));
        var row = Balanced(engine.Finish());
        lab.Reader.StopAfter(row.SentWireFrames);
        Assert.Equal(row.SentWireFrames, lab.Reader.Frames.Count);
        Assert.NotEmpty(MirrorEndToEndTests.Tcp(lab.Reader.Frames, tags: 1));
    }

    [Fact]
    public void A_frame_longer_than_the_tool_ports_mtu_is_dropped_and_counted()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using var engine = lab.Start(KernelHookKind.Tcx, KernelLab.Plan());
        lab.Host.Ip("link", "set", KernelLab.ToolPort, "mtu", "1000");
        LabWait.Until(
            () =>
            {
                var before = lab.ToolReceived;
                lab.Send(10, 1514);
                return lab.ToolReceived == before;
            },
            "the program to know the new MTU");
        var entered = lab.Send(1000, 1015) + lab.Send(1000, 1014);
        Assert.Equal(2000, entered);
        var row = Balanced(engine.Finish());
        Assert.True(row.DroppedTooLong >= 1010, $"{row.DroppedTooLong} were too long");
        Assert.Equal(row.Sent, lab.ToolReceived);
        Assert.Equal(0, row.Sent % 10);
    }

    [Fact]
    public void What_the_filter_leaves_out_is_counted_as_filtered_and_does_not_reach_the_tool()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        var counters = lab.Host.Enter(() =>
        {
            using var hooks = KernelHooks.Open(KernelHookKind.Auto, out _);
            using var mirror = Tapline.Mirror.Send.KernelMirror.Open(
                hooks!, KernelLab.Target, "m1", OddPorts, 1, 0, out var error);
            Assert.True(mirror!.Attach("p1", LinkIndex.Of("p1"), false, 1, out error), error);
            lab.Send(20_000);
            mirror.Finish();
            return mirror.Read();
        });
        Assert.Equal(20_000, counters.Offered);
        Assert.Equal(10_000, counters.Filtered);
        Assert.Equal(10_000, counters.Sent);
        Assert.Equal(10_000, lab.ToolReceived);
    }

    [Fact]
    public void A_nic_that_is_no_switch_port_is_promiscuous_as_long_as_the_engine_runs_even_without_a_ring()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using var monitor = VethPair.Create(lab.Host, lab.Host, "m0", "m1");
        using (var engine = lab.Start(KernelHookKind.Tcx, ["m0"], KernelLab.Plan()))
        {
            Assert.Contains("promiscuity 1", lab.Host.Ip("-d", "link", "show", "m0"), StringComparison.Ordinal);
            Balanced(engine.Finish());
        }

        Assert.Contains("promiscuity 0", lab.Host.Ip("-d", "link", "show", "m0"), StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_the_ledger_and_beating_allocate_nothing()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        var allocated = lab.Host.Enter(() =>
        {
            using var hooks = KernelHooks.Open(KernelHookKind.Auto, out _);
            using var mirror = Tapline.Mirror.Send.KernelMirror.Open(
                hooks!, KernelLab.Target, "m1", null, 1, 0, out var error);
            Assert.True(mirror!.Attach("p1", LinkIndex.Of("p1"), false, 1, out error), error);
            return Allocations.LeastOf(() =>
            {
                mirror.FollowTarget();
                _ = mirror.Read();
                _ = mirror.ReadTargetTxDropped();
            });
        });
        Assert.Equal(0, allocated);
    }

    // The low byte of the UDP source port, which the frame source counts up.
    private static void OddPorts(BpfAssembler code, int reject)
    {
        code.StoreImmediate(Bpf.BPF_DW, 10, -16, 0);
        code.Move(1, 6);
        code.MoveImmediate(2, 35);
        code.Move(3, 10);
        code.AluImmediate(Bpf.BPF_ADD, 3, -16);
        code.MoveImmediate(4, 1);
        code.Call(Bpf.BPF_FUNC_skb_load_bytes);
        code.JumpIf(Bpf.BPF_JNE, 0, 0, reject);
        code.Load(Bpf.BPF_B, 1, 10, -16);
        code.AluImmediate(Bpf.BPF_AND, 1, 1);
        code.JumpIf(Bpf.BPF_JEQ, 1, 0, reject);
    }

    internal static MirrorLedgerRecord Balanced(EngineReport report, int session = 0)
    {
        Assert.Null(report.Fault);
        var row = report.Mirrors[session].Ledger;
        var dropped = row.DroppedBusy + row.DroppedTooLong + row.DroppedTargetDown + row.DroppedError;
        Assert.Equal(row.Offered, row.Sent + row.Filtered + row.SampledOut + dropped);
        return row;
    }
}

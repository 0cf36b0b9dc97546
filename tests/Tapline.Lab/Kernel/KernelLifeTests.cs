// What the kernel path leaves behind: nothing, however the engine ends; and what it does while ports and the tool port
// come and go, or a port refuses.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tapline.Base.Native;
using Tapline.Capture.Ring;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Mirror.Kernel;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Kernel;

public sealed partial class KernelLifeTests
{
    private const string KillSession = "nic:" + KernelLab.ToolPort + ";mode=kernel";

    [Fact]
    public void Killed_under_load_it_leaves_no_link_no_program_no_map()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        var before = HostSnapshot.Take(lab.Host, _ => false);
        using var engine = Program(lab, "");
        var held = BpfObjects.HeldBy(engine.ProcessId);
        Assert.Contains(held, h => h.Kind == "link_id");
        Assert.Contains(held, h => h.Kind == "map_id");
        KillUnderLoad(lab, engine);
        LabWait.Until(() => !held.Any(BpfObjects.Exists), () => "the kernel to free " + string.Join(", ", held.Where(BpfObjects.Exists)));
        LabWait.Until(
            () => HostSnapshot.Take(lab.Host, _ => false) == before,
            () => $"the host to be as before:\n{before}\n--- now:\n{HostSnapshot.Take(lab.Host, _ => false)}");
        AssertQuiet(lab);
    }

    [Fact]
    public void On_a_kernel_without_tcx_a_killed_engines_filters_fall_silent_and_the_next_start_removes_them()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        // Somebody else's qdisc and filter on the same port, which must survive.
        lab.AddPort("p2");
        using var other = MarkWitness.Attach(lab.Host.Name, "p2", 64);
        var before = HostSnapshot.Take(lab.Host, _ => false);
        using (var engine = Program(lab, "clsact"))
        {
            Assert.Contains("tapline:", lab.Host.Tc("filter", "show", "dev", "p1", "ingress"), StringComparison.Ordinal);
            Assert.Contains("tapline:", lab.Host.Tc("filter", "show", "dev", "p2", "ingress"), StringComparison.Ordinal);
            KillUnderLoad(lab, engine);
        }

        Assert.NotEqual(before, HostSnapshot.Take(lab.Host, _ => false));
        LabWait.Until(
            () =>
            {
                var received = lab.ToolReceived;
                lab.Send(10);
                return lab.ToolReceived == received;
            },
            "the orphaned filter to fall silent");
        using (var next = Program(lab, "", points: 3))
        {
            next.Stop();
        }

        LabWait.Until(
            () => HostSnapshot.Take(lab.Host, _ => false) == before,
            () => $"the host to be as before:\n{before}\n--- now:\n{HostSnapshot.Take(lab.Host, _ => false)}");
    }

    [Fact]
    public void With_clsact_an_orderly_end_leaves_the_host_as_before()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        lab.AddPort("p2");
        using var other = MarkWitness.Attach(lab.Host.Name, "p2", 64);
        var before = HostSnapshot.Take(lab.Host, _ => false);
        using (var engine = lab.Start(KernelHookKind.Clsact, KernelLab.Plan(), KernelLab.Plan("m2")))
        {
            Assert.NotEqual(before, HostSnapshot.Take(lab.Host, _ => false));
            engine.Finish();
        }

        Assert.Equal(before, HostSnapshot.Take(lab.Host, _ => false));
    }

    [Theory]
    [InlineData(KernelHookKind.Tcx)]
    [InlineData(KernelHookKind.Clsact)]
    public void A_port_that_flaps_a_hundred_times_is_followed_and_the_ledger_balances(KernelHookKind hook)
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using var engine = lab.Start(hook, KernelLab.Plan());
        var steady = 0L;
        for (var flap = 0; flap < 100; flap++)
        {
            lab.Host.Ip("link", "set", "p1", "down");
            lab.Host.Ip("link", "set", "p1", "up");
            steady += flap % 10 == 0 ? lab.Send(500) : 0;
        }

        // The port itself goes and comes: a new interface under the same name.
        for (var flap = 0; flap < 10; flap++)
        {
            lab.Host.Ip("link", "del", "p1");
            lab.AddPort("p1");
            var received = lab.ToolReceived;
            LabWait.Until(
                () =>
                {
                    lab.Send(5);
                    return lab.ToolReceived > received;
                },
                "copies of the new port's frames");
        }

        steady += lab.Send(20_000);
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal(row.Sent, lab.ToolReceived);
        Assert.Equal(row.Offered, row.Sent);
        Assert.True(row.Sent >= steady, $"{row.Sent} sent, {steady} entered while the port was known");
    }

    [Fact]
    public void A_new_port_is_copied_within_a_second()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using var engine = lab.Start(KernelHookKind.Tcx, KernelLab.Plan());
        lab.AddPort("p2");
        var watch = System.Diagnostics.Stopwatch.StartNew();
        LabWait.Until(
            () =>
            {
                lab.Send(1, port: "p2");
                return lab.ToolReceived > 0;
            },
            "copies of the new port's frames");
        TestContext.Current.SendDiagnosticMessage($"a new port was copied after {watch.ElapsedMilliseconds} ms");
        KernelPathTests.Balanced(engine.Finish());
    }

    [Theory]
    [InlineData(KernelHookKind.Tcx)]
    [InlineData(KernelHookKind.Clsact)]
    public void A_tool_port_that_goes_down_or_away_costs_counted_copies_and_comes_back(KernelHookKind hook)
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        using var engine = lab.Start(hook, KernelLab.Plan());
        var entered = lab.Send(1000);
        lab.Host.Ip("link", "set", KernelLab.ToolPort, "down");
        entered += lab.Send(1000);
        lab.Host.Ip("link", "set", KernelLab.ToolPort, "up");
        LabWait.Until(() => Comes(lab, ref entered), "copies after the port was up again");
        var received = lab.ToolReceived;
        lab.Host.Ip("link", "del", KernelLab.ToolPort);
        entered += lab.Send(1000);
        lab.MakeToolPort();
        LabWait.Until(() => Comes(lab, ref entered), "copies through the new tool port");
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal(entered, row.Offered);
        Assert.Equal(received + lab.ToolReceived, row.Sent);
        Assert.True(row.DroppedTargetDown >= 2000, $"{row.DroppedTargetDown} copies met no tool port");
        Assert.Equal(0, row.DroppedError);
    }

    [Theory]
    [InlineData(KernelHookKind.Tcx)]
    [InlineData(KernelHookKind.Clsact)]
    public void When_the_last_port_refuses_nothing_is_left_on_the_others(KernelHookKind hook)
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        lab.AddPort("p2");
        lab.AddPort("p3");
            // TCX: the kernel takes 64 programs (BPF_MPROG_MAX). clsact: an ingress qdisc in its place has no outgoing side.
        using var full = new HookFiller(lab.Host, hook == KernelHookKind.Tcx ? "p3" : "br0", hook);
        var before = HostSnapshot.Take(lab.Host, _ => false);
        var (engine, fault) = lab.TryStart(hook, analyse: false, KernelLab.Plan());
        Assert.Null(engine);
        Assert.Contains("takes no mirror program on " + full.Device, fault!.Fault, StringComparison.Ordinal);
        Assert.Equal(1, fault.ExitCode);
        Assert.Equal(before, HostSnapshot.Take(lab.Host, _ => false));
        AssertQuiet(lab);
    }

    [Fact]
    public void A_new_port_that_refuses_is_tried_again_until_it_takes_the_program()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        lab.AddPort("p2");
        lab.Host.Ip("link", "set", "p2", "nomaster");
        using var engine = lab.Start(KernelHookKind.Tcx, KernelLab.Plan());
        using (var full = new HookFiller(lab.Host, "p2", KernelHookKind.Tcx))
        {
            lab.Host.Ip("link", "set", "p2", "master", "br0");
            lab.Send(1000); // the other port is served all the same
            Assert.Equal(1000, lab.ToolReceived);
        }

        LabWait.Until(
            () =>
            {
                lab.Send(1, port: "p2");
                return lab.ToolReceived > 1000;
            },
            "copies of the port that refused at first");
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal(row.Sent, lab.ToolReceived);
    }

    [Fact]
    public void Sessions_come_and_go_while_frames_flow_and_the_others_go_on()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        lab.Host.Enter(() =>
        {
            using var capture = LiveCapture.Open(
                new LiveCaptureOptions { Points = ["bridge:br0"], Workers = 0, ExcludeNames = [KernelLab.ToolPort] }, out var error);
            using var kernel = KernelMirrors.Open(KernelHookKind.Auto, Assert.Fail, out error);
            Assert.True(kernel!.Attach(capture!, out error), error);
            Assert.True(kernel.Add(0, KernelLab.Plan(), out error), error);
            lab.Send(1000);
            Assert.True(kernel.Add(1, KernelLab.Plan("m2"), out error), error);
            lab.Send(1000);
            kernel.Remove(0);
            Assert.Equal(2000, kernel.Read(0).Sent);
            lab.Send(1000);
            Assert.Equal(2000, kernel.Read(0).Sent);
            kernel.Finish();
            Assert.Equal(2000, kernel.Read(1).Sent);
            Assert.Equal(4000, lab.ToolReceived);
        });
    }

    [Fact]
    public void What_the_kernel_cannot_do_is_said_and_refused_before_anything_changes()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        var before = HostSnapshot.Take(lab.Host, _ => false);
        var sliced = lab.TryStart(KernelHookKind.Auto, false, KernelLab.Plan() with { Shape = "slice=96" });
        Assert.Contains("its shape changes or chooses copies in user space", sliced.Fault!.Fault, StringComparison.Ordinal);
        Assert.Equal(2, sliced.Fault.ExitCode);
        Assert.Equal(before, HostSnapshot.Take(lab.Host, _ => false));

        var auto = KernelLab.Plan() with { Mode = MirrorMode.Auto };
        Assert.Contains("kernel path", Explain(lab, auto), StringComparison.Ordinal);
        Assert.Contains("it was asked for", Explain(lab, auto with { Mode = MirrorMode.User }), StringComparison.Ordinal);
        lab.Host.Run("ethtool", "-K", KernelLab.ToolPort, "tx", "on");
        Assert.Contains($"ethtool -K {KernelLab.ToolPort} tx off", Explain(lab, auto), StringComparison.Ordinal);
        Assert.Contains("user path", Explain(lab, auto), StringComparison.Ordinal);
        Assert.Contains("as asked for", Explain(lab, KernelLab.Plan()), StringComparison.Ordinal);
    }

    private static string Explain(KernelLab lab, MirrorPlan plan) => lab.Host.Enter(() =>
        KernelPlanning.Decide(new EngineOptions { Points = ["bridge:br0"], Mirrors = [plan] }, out _)![0].Why);

    private static bool Comes(KernelLab lab, ref long entered)
    {
        var received = lab.ToolReceived;
        entered += lab.Send(10);
        return lab.ToolReceived > received;
    }

    private static void AssertQuiet(KernelLab lab)
    {
        var received = lab.ToolReceived;
        lab.Send(1000);
        Assert.Equal(received, lab.ToolReceived);
    }

    private static LabEngine Program(KernelLab lab, string hook, int points = 2)
    {
        // Inherited by the engine; engines of other tests must not see it.
        Environment.SetEnvironmentVariable("TAPLINE_KERNEL_HOOK", hook);
        try
        {
            return LabEngine.Start(lab.Host, points, "--point", "bridge:br0", "--mirror", KillSession);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TAPLINE_KERNEL_HOOK", null);
        }
    }

    private static void KillUnderLoad(KernelLab lab, LabEngine engine)
    {
        var received = lab.ToolReceived;
        var load = new Thread(() => lab.Send(600_000));
        load.Start();
        LabWait.Until(() => lab.ToolReceived > received + 10_000, "copies under load");
        engine.Kill();
        load.Join();
    }

    /// <summary>Makes a device refuse a further program.</summary>
    private sealed partial class HookFiller : IDisposable
    {
        private const int ProgramsMax = 64;
        private readonly List<IDisposable> _held = [];

        public HookFiller(NetNamespace space, string device, KernelHookKind hook)
        {
            Device = device;
            if (hook == KernelHookKind.Clsact)
            {
                space.Tc("qdisc", "add", "dev", device, "ingress");
                return;
            }

            var code = new Frames.BpfAssembler();
            code.MoveImmediate(0, -1);
            code.Exit();
            space.Enter(() =>
            {
                for (var i = 0; i < ProgramsMax; i++)
                {
                    // The kernel refuses the same program twice on one hook, so each is loaded anew.
                    using var again = Frames.Bpf.Load(Frames.Bpf.ProgTypeSchedCls, code.Build(), "lab_filler");
                    using var own = new FileDescriptor(Duplicate(again));
                    if (TcxLink.Attach(own, LinkIndex.Of(device), false, out _) is not { } link)
                    {
                        break;
                    }

                    _held.Add(link);
                }
            });
            Assert.NotEmpty(_held);
        }

        public string Device { get; }

        public void Dispose() => _held.ForEach(h => h.Dispose());

        private static int Duplicate(SafeFileHandle handle) => dup((int)handle.DangerousGetHandle());

        [LibraryImport("libc")]
        private static partial int dup(int descriptor);
    }
}

// A real libvirtd with real guests: ports are named, tagged and selected by what libvirt says, through start, stop, rename,
// hot-plug and a change of tags, and while the daemon itself is away.
using System.Diagnostics;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Machines;

[Trait("pace", "patient")]
public sealed class LibvirtTests
{
    private const string FirstUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000001";
    private const string SecondUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000002";

    [Fact]
    public void Domains_are_followed_by_name_title_and_tag_through_their_lives()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host);
        using var libvirt = LibvirtDaemon.Start(host);
        using var run = CaptureRun.Start(host, new LiveCaptureOptions
        {
            RingBudgetBytes = 64 << 20, Points = ["vm:shop front", "tag:prod"], Libvirt = [libvirt.ReadOnlyUri],
        });
        libvirt.Define("web01", FirstUuid, "52:54:00:00:00:01", bridge, title: "shop front");
        libvirt.Define("db01", SecondUuid, "52:54:00:00:00:02", bridge);
        libvirt.Virsh("start", "web01");
        libvirt.Virsh("start", "db01");
        var first = WaitNamed(run, "web01", FirstUuid, 0x525400000001);
        Assert.Equal(["shop front"], first.Point.VmAliases);
        Assert.DoesNotContain(run.Capture.Points, p => p.Point.Vm == "db01");
        // The directory knows the machine that is not captured, too.
        LabWait.Until(() => run.Capture.Directory.OfMac(0x525400000002)?.Name == "db01", "db01 to be known by its NIC");

        libvirt.Plug("web01", "52:54:00:00:00:11", bridge);
        var plugged = WaitNamed(run, "web01", FirstUuid, 0x525400000011);
        // The guest must have booted to let go of it; it is asked until it does.
        LabWait.Until(
            () =>
            {
                LabCommand.TryRun("sleep", "0.2");
                return Try(() => libvirt.Unplug("web01", "52:54:00:00:00:11", bridge)) && IsGone(run, plugged);
            },
            "the guest to let go of its NIC", TimeSpan.FromSeconds(120));

        // A tag that is given while the machine runs selects it.
        libvirt.Virsh("metadata", "db01", "urn:example:lab", "--key", "l", "--live", "--set", "<info><tags>x, prod</tags></info>");
        var db = WaitNamed(run, "db01", SecondUuid, 0x525400000002);
        Assert.Equal(["prod", "x"], db.Point.VmTags);

        // The daemon goes: the machines run on under their names. It comes back: they are followed again.
        libvirt.Kill();
        LabWait.Until(() => run.Capture.Notices.Any(n => n.Contains("has gone away", StringComparison.Ordinal)), "the notice");
        Assert.Equal(PointState.Up, run.Point(first.Point.Name).State);
        Assert.Equal("web01", run.Point(first.Point.Name).Point.Vm);
        libvirt.StartAgain();
        LabWait.Until(() => run.Capture.Notices.All(n => !n.Contains("libvirt", StringComparison.Ordinal)), "libvirt to be back");

        libvirt.Virsh("destroy", "web01");
        LabWait.Until(() => IsGone(run, first), "the stopped guest's port to go");
        libvirt.Virsh("domrename", "web01", "web02");
        libvirt.Virsh("start", "web02");
        WaitNamed(run, "web02", FirstUuid, 0x525400000001);
        libvirt.Virsh("metadata", "db01", "urn:example:lab", "--live", "--remove");
        LabWait.Until(() => IsGone(run, db), "the port without its tag to be let go");
        run.Finish();
        Assert.Equal(0, run.Drops());
    }

    private static bool IsGone(CaptureRun run, LivePoint point) => run.Point(point.Point.Name).State == PointState.Gone;

    private static bool Try(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (InvalidOperationException problem) when (problem.Message.Contains("in the process of unplug", StringComparison.Ordinal)
            || problem.Message.Contains("no device", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }
    }

    private static LivePoint WaitNamed(CaptureRun run, string name, string uuid, ulong mac)
    {
        var watch = Stopwatch.StartNew();
        LivePoint? found = null;
        LabWait.Until(
            () => (found = run.Capture.Points.LastOrDefault(p => p.Point.Vm == name && p.Point.VmId == uuid
                && p.Point.VmMac == mac && p.State == PointState.Up)) is not null,
            () => $"{name} at {mac:x12}; there are {string.Join(", ", run.Capture.Points.Select(p => p.Point))}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: waited {watch.ElapsedMilliseconds} ms");
        return found!;
    }
}

// Real guests on a bridge: the lab's machines work, and the capture names them by what QEMU itself knows, through start,
// stop, clone and hot-plug, while the other guests' traffic is captured without loss.
using System.Diagnostics;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Machines;

[Trait("pace", "patient")]
public sealed class LabMachineTests
{
    private const string FirstUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000001";
    private const string SecondUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000002";
    private static readonly LiveCaptureOptions s_options = new() { RingBudgetBytes = 64 << 20, Points = ["vm:web*"] };

    [Fact]
    public void Guests_are_followed_by_name_through_start_stop_clone_and_hot_plug()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host);
        using var run = CaptureRun.Start(host, s_options);
        using var web = LabMachine.Start(
            host, bridge, "web01", FirstUuid,
            new LabNic("52:54:00:00:00:01", "10.9.0.1/24"), new LabNic("52:54:00:00:00:02", "10.9.1.1/24"));
        // Two NICs of one guest: each port has the address of its own.
        WaitNamed(run, web.Nics[0], "web01", FirstUuid, 0x525400000001);
        WaitNamed(run, web.Nics[1], "web01", FirstUuid, 0x525400000002);
        using var other = LabMachine.Start(
            host, bridge, "db01", SecondUuid, new LabNic("52:54:00:00:00:03", "10.9.0.3/24"));
        web.WaitUp();
        other.WaitUp();
        Assert.DoesNotContain(run.Capture.Points, p => p.Point.Name == other.Nics[0].Tap);

        web.Run("ping -c 3 -W 5 10.9.0.3");
        other.Run("wget -q -O /dev/null http://10.9.0.1/mega");

        var plugged = new LabNic("52:54:00:00:00:04");
        web.Plug(plugged);
        LabWait.Until(() => State(run, plugged) == PointState.Up, "the plugged NIC");
        web.CloseQmp();
        // No command line has this address: QEMU itself was asked.
        WaitNamed(run, plugged, "web01", FirstUuid, 0x525400000004);
        web.Unplug(plugged);
        LabWait.Until(() => State(run, plugged) == PointState.Gone, "the plugged NIC to be gone");

        // A clone: the same name, another identity.
        using (var clone = LabMachine.Start(host, bridge, "web01", SecondUuid, new LabNic("52:54:00:00:00:05")))
        {
            WaitNamed(run, clone.Nics[0], "web01", SecondUuid, 0x525400000005);
            clone.Kill();
        }

        Assert.Equal(FirstUuid, run.Point(web.Nics[0].Tap).Point.VmId);
        web.Stop();
        LabWait.Until(() => State(run, web.Nics[0]) is PointState.Down or PointState.Gone, "the stopped guest's port");

        // The same machine on the same tap device again is the same point.
        var first = run.Point(web.Nics[0].Tap).Point.Id;
        web.Dispose();
        using var again = LabMachine.Start(host, bridge, "web01", FirstUuid, [.. web.Nics.Take(2)]);
        LabWait.Until(() => State(run, again.Nics[0]) == PointState.Up, "the guest that was started again");
        WaitNamed(run, again.Nics[0], "web01", FirstUuid, 0x525400000001);
        Assert.Equal(first, run.Point(again.Nics[0].Tap).Point.Id);
        again.WaitUp();
        again.Run("ping -c 3 -W 5 10.9.0.3");
        run.Finish();
        foreach (var nic in again.Nics)
        {
            var id = run.Point(nic.Tap).Point.Id;
            Assert.Equal(run.Arrived(id).Frames, run.Captured(id));
        }

        Assert.True(run.Arrived(first).Bytes > 1 << 20, "a megabyte left the guest");
        Assert.Equal(0, run.Drops());
    }

    [Fact]
    public void A_guest_whose_name_is_an_attack_shows_up_clean()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host);
        using var run = CaptureRun.Start(host, s_options with { Points = ["all"] });
        var name = "../<b>\u001b[31m\u202eevil\n,guest=x" + new string('w', 4096);
        using var guest = LabMachine.Start(host, bridge, name, FirstUuid, new LabNic("52:54:00:00:00:01"));
        LabWait.Until(() => VmOf(run, guest.Nics[0])?.VmId == FirstUuid, "the guest to be named");
        var shown = run.Point(guest.Nics[0].Tap).Point.Vm!;
        Assert.StartsWith("../<b>?[31m?evil?,guest=xwww", shown, StringComparison.Ordinal);
        Assert.InRange(shown.Length, 30, Tapline.Base.Limits.HostileNameCharactersMax);
        run.Finish();
    }

    private static void WaitNamed(CaptureRun run, LabNic nic, string name, string uuid, ulong mac)
    {
        var watch = Stopwatch.StartNew();
        LabWait.Until(
            () => VmOf(run, nic) is { } vm && vm.VmId == uuid && vm.VmMac == mac,
            () => $"{nic.Tap} to be named; it is {VmOf(run, nic)}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{nic.Tap}: waited {watch.ElapsedMilliseconds} ms for its name");
        Assert.Equal(name, VmOf(run, nic)!.Vm);
    }

    private static Tapline.Capture.ObservationPoint? VmOf(CaptureRun run, LabNic nic) =>
        run.Capture.Points.SingleOrDefault(p => p.Point.Name == nic.Tap)?.Point;

    private static PointState? State(CaptureRun run, LabNic nic) =>
        run.Capture.Points.SingleOrDefault(p => p.Point.Name == nic.Tap)?.State;
}

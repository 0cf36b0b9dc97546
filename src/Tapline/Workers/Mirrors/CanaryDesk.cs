// Proves every mirror session again and again: a canary enters by one of its points, each time by the next, and must come
// out at its target. Where the target's far side is an interface of this namespace it is watched there, elsewhere the sender
// must have been rid of it. A canary that is lost is told at once, as is the first one that arrives again. One thread of
// its own; the data plane is not held up.
using System.Buffers.Binary;
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Mirror.Canary;
using Tapline.Mirror.Send;
using Tapline.Mirror.Targets;

namespace Tapline.Workers;

/// <summary>The canaries of an engine. Dispose ends them.</summary>
internal sealed class CanaryDesk : IDisposable
{
    /// <summary>A canary that needs longer is lost: copies of then are of no use to an alarm either.</summary>
    private const int WaitMs = 2000;

    private const int LookMs = 2;
    private readonly LiveCapture _capture;
    private readonly MirrorDesk _mirrors;
    private readonly TimeSpan _interval;
    private readonly Action<string> _tell;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private CanaryInjector? _injector;
    private string? _whyNot;
    private long _number;

    /// <param name="capture">Its points are those by which canaries enter.</param>
    /// <param name="mirrors">The sessions.</param>
    /// <param name="interval">Time from one round to the next.</param>
    /// <param name="tell">Told of failures and recoveries, one sentence each; the desk's thread.</param>
    public CanaryDesk(LiveCapture capture, MirrorDesk mirrors, TimeSpan interval, Action<string> tell)
    {
        _capture = capture;
        _mirrors = mirrors;
        _interval = interval;
        _tell = tell;
        _thread = new Thread(Run) { Name = "tapline-canary", IsBackground = true };
        _thread.Start();
    }

    /// <summary>A secret for an engine's canaries; never 0.</summary>
    public static ulong NewSecret() => BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _injector?.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        while (!_stop.Wait(_interval))
        {
            var running = _mirrors.Book.Current.Running;
            if (running.Count > 0 && _injector is null && _whyNot is null)
            {
                _injector = CanaryInjector.Open(out _whyNot);
            }

            foreach (var mirror in running)
            {
                if (_stop.IsSet)
                {
                    return;
                }

                Prove(mirror);
            }
        }
    }

    private void Prove(RunningMirror mirror)
    {
        if (mirror.Past is { IsLive: false })
        {
            return; // a canary enters in the present
        }

        var before = mirror.Canary ?? new CanaryReport();
        var point = NextPoint(mirror, before.Sent);
        if (_injector is null || point is null)
        {
            mirror.Canary = before with
            {
                HasFailed = false,
                Problem = _injector is null ? _whyNot : "none of the session's points is one by which a canary could enter",
            };
            return;
        }

        var now = Send(mirror, before, point);
        mirror.Canary = now;
        if (now.HasFailed && !before.HasFailed)
        {
            _tell($"The canary of session {mirror.Plan.Session} did not come out at {mirror.Target}: {now.Problem}. It had entered by "
                + $"{HostileText.Clean(point.Name)}; the tool may miss copies.");
        }
        else if (before.HasFailed && !now.HasFailed && now.Problem is null)
        {
            _tell($"The canary of session {mirror.Plan.Session} comes out at {mirror.Target} again.");
        }
    }

    private CanaryReport Send(RunningMirror mirror, CanaryReport before, ObservationPoint point)
    {
        Span<byte> frame = stackalloc byte[CanaryFrame.Bytes];
        var number = ++_number;
        CanaryFrame.Write(frame, mirror.Id, number, _mirrors.CanarySecret);
        using var farSide = FarSide(mirror);
        var sentBefore = mirror.CanariesSentInKernel;
        var entered = Clock.NowNs();
        if (!_injector!.TryInject(point.InterfaceIndex, CanaryFrame.MarkOf(mirror.Id), frame, out var refusal))
        {
            return before with { HasFailed = false, Problem = $"{HostileText.Clean(point.Name)}: {refusal}" };
        }

        var isSent = WaitUntilSent(mirror, number, sentBefore, out var problem);
        var left = Clock.NowNs();
        var isSeen = farSide is null ? isSent : farSide.TryWait(_mirrors.CanarySecret, mirror.Id, number, WaitMs, out left);
        problem = isSeen ? null
            : farSide is not null && isSent ? "the target took it, but it did not reach the far side"
            : problem;
        return before with
        {
            Sent = before.Sent + 1,
            Delivered = before.Delivered + (isSeen ? 1 : 0),
            TimeNs = entered,
            DelayNs = isSeen ? Math.Max(1, left - entered) : 0,
            Point = point.Name,
            IsFarSide = farSide is not null,
            Problem = problem,
            HasFailed = !isSeen,
        };
    }

    private bool WaitUntilSent(RunningMirror mirror, long number, long? sentBefore, out string? problem)
    {
        problem = "it did not reach the session";
        var until = Clock.MonotonicNs() + (WaitMs * 1_000_000L);
        while (Clock.MonotonicNs() < until && !_stop.IsSet)
        {
            if (sentBefore is { } count)
            {
                if (mirror.CanariesSentInKernel > count)
                {
                    return true;
                }

                problem = mirror.IsUp ? "the port's program did not hand it to the target" : "the target is down";
            }
            else if (mirror.CanaryFateOf(number) is { } fate)
            {
                problem = mirror.IsUp ? "the target did not take it" : "the target is down";
                if (fate.IsKnown)
                {
                    return fate.IsSent;
                }
            }

            Thread.Sleep(LookMs);
        }

        return false;
    }

    // The other end of a tool port that is a veth pair, when it lies here: whatever arrives there has left for sure.
    private static CanaryListener? FarSide(RunningMirror mirror)
    {
        if (mirror.Target is not NicTarget nic || ToolPortPlaces.Read()(nic.Name).PeerName is not { } peer
            || InterfaceIndex.Of(peer) is not (> 0 and var index))
        {
            return null;
        }

        var listener = new CanaryListener(index);
        if (listener.IsOpen)
        {
            return listener;
        }

        listener.Dispose();
        return null;
    }

    // Ports of a switch, which forwards no canary, and NICs that belong to no switch. What enters by a device's sending side
    // (a bridge itself, macvtap) cannot be imitated without its machine getting the canary.
    private ObservationPoint? NextPoint(RunningMirror mirror, long turn)
    {
        var fitting = _capture.Points.Where(p => p.State == PointState.Up && p.Point.InterfaceIndex > 0 && !p.Point.IsOutgoing
            && p.Point.Kind is PointKind.VmPort or PointKind.Port or PointKind.Uplink or PointKind.Monitor
            && MirrorSources.Selects(mirror.Plan.From, p.Point)).ToList();
        return fitting.Count == 0 ? null : fitting[(int)(turn % fitting.Count)].Point;
    }
}

// The engine's mirror sessions that run in the kernel: follows points as they come and go, hangs programs on the ports
// of each session and takes them away. In: sessions as they are added and removed, the capture's list of points. Out:
// ledgers like those of other sessions. Any control thread, under one lock; no worker thread and no frame passes here.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Mirror;
using Tapline.Mirror.Canary;
using Tapline.Mirror.Send;
using Tapline.Mirror.Targets;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>All kernel sessions of an engine, by the sessions' numbers.</summary>
internal sealed class KernelMirrors : IDisposable
{
    private readonly Lock _lock = new();
    private readonly KernelHooks _hooks;
    private readonly Action<string> _onNotice;
    private readonly List<Session> _sessions = [];
    private readonly HashSet<string> _notices = new(StringComparer.Ordinal);
    private LiveCapture? _capture;
    private volatile bool _isRefused;

    private KernelMirrors(KernelHooks hooks, Action<string> onNotice)
    {
        _hooks = hooks;
        _onNotice = onNotice;
    }

    private sealed record Session(ushort Id, IReadOnlyList<string> From, KernelMirror Mirror)
    {
        public bool IsEnded { get; set; }
    }

    /// <summary>Finds the kernel's hooks; null and one sentence when this process cannot use them.</summary>
    /// <param name="hook">Which hook; Auto for the best there is.</param>
    /// <param name="onNotice">Told once of each port that refuses later on; any control thread.</param>
    /// <param name="error">Why not.</param>
    public static KernelMirrors? Open(KernelHookKind hook, Action<string> onNotice, out string error) =>
        KernelHooks.Open(hook, out error) is { } hooks ? new KernelMirrors(hooks, onNotice) : null;

    /// <summary>
    /// Adds a session. With a capture to follow its programs hang on all ports when this returns; without one yet they will
    /// when <see cref="Attach"/> returns. False and one sentence when the kernel refuses: nothing of it is left then.
    /// </summary>
    public bool Add(ushort id, MirrorPlan plan, out string error)
    {
        if (TargetParser.Parse(plan.To, out var mistake) is not { } target)
        {
            error = mistake!;
            return false;
        }

        lock (_lock)
        {
            Invariant.Check(_sessions.All(s => s.Id != id));
            var mirror = KernelMirror.Open(
                _hooks, target, plan.Session, KernelPlanning.Emission(plan.Filter), KernelPlanning.SampleOneIn(plan.Shape),
                CanaryFrame.MarkOf(id), out error);
            if (mirror is null)
            {
                return false;
            }

            var session = new Session(id, plan.From, mirror);
            if (_capture is not null && Update(session) is { } refusal)
            {
                mirror.Dispose();
                error = refusal;
                return false;
            }

            _sessions.Add(session);
            return true;
        }
    }

    /// <summary>Ends a session: its programs are gone when this returns, its ledger is final and stays readable.</summary>
    public void Remove(ushort id)
    {
        lock (_lock)
        {
            End(Find(id));
        }
    }

    /// <summary>
    /// Hangs the programs on all points that are there, and follows from then on. False and one sentence when a port refuses:
    /// then no program is left anywhere.
    /// </summary>
    public bool Attach(LiveCapture capture, out string error)
    {
        lock (_lock)
        {
            _capture = capture;
            capture.Looked = Follow;
            error = UpdateAll() ?? "";
            if (error.Length > 0)
            {
                capture.Looked = null;
                _sessions.ForEach(End);
            }

            return error.Length == 0;
        }
    }

    /// <summary>True when the session runs, or has run, in the kernel. Allocation-free, like all readings below.</summary>
    public bool Has(ushort id)
    {
        lock (_lock)
        {
            return TryFind(id) is not null;
        }
    }

    /// <summary>The session's ledger, balanced at any moment and final after its end.</summary>
    public MirrorLedgerRecord Read(ushort id)
    {
        MirrorCounters counters;
        lock (_lock)
        {
            counters = Find(id).Mirror.Read();
        }

        return new MirrorLedgerRecord
        {
            Session = id,
            Offered = counters.Offered,
            Sent = counters.Sent,
            SentWireFrames = counters.SentWireFrames,
            SentBytes = counters.SentBytes,
            Filtered = counters.Filtered,
            SampledOut = counters.SampledOut,
            DroppedBusy = counters.DroppedBusy,
            DroppedTooLong = counters.DroppedTooLong,
            DroppedTargetDown = counters.DroppedTargetDown,
            DroppedError = counters.DroppedError,
        };
    }

    public bool IsTargetUp(ushort id)
    {
        lock (_lock)
        {
            return Find(id).Mirror.IsTargetUp;
        }
    }

    /// <summary>Canaries of the session that were handed to the tool port.</summary>
    public long ReadCanaries(ushort id)
    {
        lock (_lock)
        {
            return Find(id).Mirror.ReadCanaries();
        }
    }

    /// <summary>Frames that the tool port's driver dropped since the session began: a witness beside the ledger.</summary>
    public long ReadTargetTxDropped(ushort id)
    {
        lock (_lock)
        {
            return Find(id).Mirror.ReadTargetTxDropped();
        }
    }

    /// <summary>
    /// Tells the programs that the engine lives and what became of the tool ports, and tries again where a port refused. Once
    /// a second; allocation-free as long as none did.
    /// </summary>
    public void Beat()
    {
        if (_isRefused)
        {
            Follow();
        }

        lock (_lock)
        {
            foreach (var session in _sessions)
            {
                session.Mirror.FollowTarget();
            }
        }
    }

    /// <summary>No frame is copied after this; the ledgers are final.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            _sessions.ForEach(End);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _sessions.ForEach(End);
            _hooks.Dispose();
        }
    }

    private static void End(Session session)
    {
        session.IsEnded = true;
        session.Mirror.Dispose();
    }

    private Session Find(ushort id)
    {
        var session = TryFind(id);
        Invariant.Check(session is not null);
        return session!;
    }

    private Session? TryFind(ushort id)
    {
        foreach (var session in _sessions)
        {
            if (session.Id == id)
            {
                return session;
            }
        }

        return null;
    }

    private void Follow()
    {
        lock (_lock)
        {
            var refusal = UpdateAll();
            _isRefused = refusal is not null;
            if (refusal is not null && _notices.Add(refusal))
            {
                _onNotice(refusal);
            }
        }
    }

    // Returns the first refusal; the other ports are served all the same.
    private string? UpdateAll()
    {
        string? refusal = null;
        foreach (var session in _sessions.Where(s => !s.IsEnded))
        {
            session.Mirror.FollowTarget();
            refusal = Update(session) ?? refusal;
        }

        return refusal;
    }

    private string? Update(Session session)
    {
        string? refusal = null;
        var wanted = new Dictionary<(int Index, bool IsEgress), ObservationPoint>();
        foreach (var live in _capture!.Points)
        {
            if (live.State != PointState.Gone && live.Point.InterfaceIndex > 0 && MirrorSources.Selects(session.From, live.Point))
            {
                wanted[(live.Point.InterfaceIndex, live.Point.IsOutgoing)] = live.Point;
            }
        }

        foreach (var (index, isEgress) in session.Mirror.Attached.Where(a => !wanted.ContainsKey(a)).ToArray())
        {
            session.Mirror.Detach(index, isEgress);
        }

        foreach (var ((index, isEgress), point) in wanted)
        {
            if (!session.Mirror.IsAttached(index, isEgress, point.Id)
                && !session.Mirror.Attach(point.Name, index, isEgress, point.Id, out var error))
            {
                // An interface that went between the look and now is no refusal.
                refusal ??= InterfaceIndex.Of(point.Name) == index ? error : null;
            }
        }

        return refusal;
    }
}

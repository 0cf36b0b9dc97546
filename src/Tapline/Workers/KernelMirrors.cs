// The engine's mirror sessions that run in the kernel: follows points as they come and go, hangs programs on the ports
// of each session and takes them away. In: decisions, the capture's list of points. Out: ledgers like those of other
// sessions. Any control thread, under one lock; no worker thread and no frame ever passes here.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Mirror;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Send;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>All kernel sessions of an engine. Opened before the capture, attached after it.</summary>
internal sealed class KernelMirrors : IDisposable
{
    private readonly Lock _lock = new();
    private readonly EngineOptions _options;
    private readonly KernelHooks _hooks;
    private readonly KernelMirror?[] _sessions;
    private readonly HashSet<string> _notices = new(StringComparer.Ordinal);
    private readonly Action<string> _onNotice;
    private LiveCapture? _capture;
    private bool _isFinished;
    private bool _isRefused;

    private KernelMirrors(EngineOptions options, KernelHooks hooks, Action<string> onNotice)
    {
        _options = options;
        _onNotice = onNotice;
        _hooks = hooks;
        _sessions = new KernelMirror?[options.Mirrors.Count];
    }

    /// <summary>Makes the maps of all kernel sessions; null and one sentence when the kernel refuses one.</summary>
    /// <param name="options">The engine's orders.</param>
    /// <param name="decisions">The path of each session.</param>
    /// <param name="onNotice">Told once of each port that refuses later on; any control thread.</param>
    /// <param name="error">Why not.</param>
    public static KernelMirrors? Open(
        EngineOptions options, IReadOnlyList<KernelDecision> decisions, Action<string> onNotice, out string error)
    {
        if (KernelHooks.Open(options.KernelHook, out error) is not { } hooks)
        {
            return null;
        }

        var mirrors = new KernelMirrors(options, hooks, onNotice);
        for (var i = 0; i < decisions.Count; i++)
        {
            var plan = options.Mirrors[i];
            if (!decisions[i].IsKernel)
            {
                continue;
            }

            var target = TargetParser.Parse(plan.To, out _);
            Invariant.Check(target is not null);
            mirrors._sessions[i] = KernelMirror.Open(
                hooks, target!.Interface, KernelPlanning.Emission(plan.Filter), plan.SampleOneIn, out error);
            if (mirrors._sessions[i] is null)
            {
                mirrors.Dispose();
                return null;
            }
        }

        return mirrors;
    }

    /// <summary>
    /// Hangs the programs on all points that are there, and follows from then on. False and one sentence when a port refuses:
    /// then no program is left anywhere.
    /// </summary>
    public bool Attach(LiveCapture capture, out string? error)
    {
        lock (_lock)
        {
            _capture = capture;
            capture.Looked = Follow;
            error = Update();
            if (error is not null)
            {
                capture.Looked = null;
                FinishAll();
            }

            return error is null;
        }
    }

    /// <summary>True when the session runs in the kernel.</summary>
    public bool Has(int session) => _sessions[session] is not null;

    /// <summary>The session's ledger, balanced; final after <see cref="Finish"/>.</summary>
    public MirrorLedgerRecord Read(int session)
    {
        MirrorCounters counters;
        lock (_lock)
        {
            counters = _sessions[session]!.Read();
        }

        return new MirrorLedgerRecord
        {
            Session = (ushort)session,
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

    public bool IsTargetUp(int session)
    {
        lock (_lock)
        {
            return _sessions[session]!.IsTargetUp;
        }
    }

    /// <summary>Frames that the tool port's driver dropped since the start: a witness beside the ledger.</summary>
    public long ReadTargetTxDropped(int session)
    {
        lock (_lock)
        {
            return _sessions[session]!.ReadTargetTxDropped();
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
                session?.FollowTarget();
            }
        }
    }

    /// <summary>No frame is copied after this; the ledgers are final.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            FinishAll();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isFinished = true;
            Array.ForEach(_sessions, s => s?.Dispose());
            _hooks.Dispose();
        }
    }

    private void FinishAll()
    {
        _isFinished = true;
        Array.ForEach(_sessions, s => s?.Finish());
    }

    private void Follow()
    {
        lock (_lock)
        {
            if (_isFinished)
            {
                return;
            }

            var refusal = Update();
            _isRefused = refusal is not null;
            if (refusal is not null && _notices.Add(refusal))
            {
                _onNotice(refusal);
            }
        }
    }

    // Returns the first refusal; the other ports are served all the same.
    private string? Update()
    {
        string? refusal = null;
        for (var i = 0; i < _sessions.Length; i++)
        {
            if (_sessions[i] is { } session)
            {
                session.FollowTarget();
                refusal ??= Update(session, _options.Mirrors[i].From);
            }
        }

        return refusal;
    }

    private string? Update(KernelMirror session, IReadOnlyList<string> from)
    {
        string? refusal = null;
        var wanted = new Dictionary<(int Index, bool IsEgress), ObservationPoint>();
        foreach (var live in _capture!.Points)
        {
            if (live.State != PointState.Gone && live.Point.InterfaceIndex > 0 && MirrorSources.Selects(from, live.Point))
            {
                wanted[(live.Point.InterfaceIndex, live.Point.Kind == PointKind.Host)] = live.Point;
            }
        }

        foreach (var (index, isEgress) in session.Attached.Where(a => !wanted.ContainsKey(a)).ToArray())
        {
            session.Detach(index, isEgress);
        }

        foreach (var ((index, isEgress), point) in wanted)
        {
            if (!session.IsAttached(index, isEgress, point.Id)
                && !session.Attach(point.Name, index, isEgress, point.Id, out var error))
            {
                // An interface that went between the look and now is no refusal.
                refusal ??= InterfaceIndex.Of(point.Name) == index ? error : null;
            }
        }

        return refusal;
    }
}

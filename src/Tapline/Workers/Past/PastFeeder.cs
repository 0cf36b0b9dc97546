// The past of one mirror session: reads the engine's recording from a moment on and offers its frames to the session's instances, each
// to that of the worker that recorded it, until they have caught up and each worker takes its instance over (PastGate). In: the recording,
// segments under way included, up to the last frame on disk. Out: the session's target, by the same code as live. A target that
// is slow or down is waited for: the recording has what follows. One own thread; nothing is allocated per frame.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Targets;
using Tapline.Record;

namespace Tapline.Workers.Past;

/// <summary>Feeds one session. Made on a control thread; its figures may be read by any.</summary>
internal sealed class PastFeeder : IDisposable
{
    private const int BatchFrames = 64;

    // Copies that are left to the worker when it takes over: a batch's worth, so that it is not held up.
    private const int LeftToWorker = Limits.BatchFramesMax;

    // Below these fillings of the target's buffer any frame finds room, and none is given up for others (FrameValue).
    private const int RoomPercent = 25;
    private const int RoomForSuperFramePercent = 5;
    private const long IdlePauseNs = 1_000_000;
    private const int EndTimeMaxMs = 10_000;
    private const long SliceNs = 5_000_000;
    private const long OrderTimeMaxNs = 60 * Clock.SecondNs;
    private readonly MirrorPlan _plan;
    private readonly MirrorPoints _names;
    private readonly MirrorSession[] _sessions;
    private readonly PastSchedule _schedule;
    private readonly bool _isListener;
    private readonly int _leftToWorker;
    private readonly bool[] _hasLimits;
    private PastSupply? _supply;
    private PastMark[] _marks = [];
    private long _lostOnDisk;
    private List<(PastLane Lane, int Worker)> _lanes = [];
    private Thread? _thread;
    private volatile bool _isStopped;
    private volatile string? _fault;
    private long _frames;
    private long _attempts;
    private long _lastFrameNs;
    private long _allocated;
    private int _unflushed;
    private bool _isAtEnd;

    /// <param name="plan">The orders.</param>
    /// <param name="sessions">The session's instances, by worker.</param>
    /// <param name="names">The engine's points.</param>
    /// <param name="copiesMax">Frames of a worker that are kept while it is joined.</param>
    public PastFeeder(MirrorPlan plan, MirrorSession[] sessions, MirrorPoints names, int copiesMax = Limits.PastRingFrames)
    {
        _plan = plan;
        _sessions = sessions;
        _names = names;
        _schedule = new PastSchedule(plan.Speed);
        _leftToWorker = Math.Min(LeftToWorker, copiesMax / 4);
        _isListener = sessions[0].Options.Target is PcapOverIpTarget;
        _hasLimits = new bool[sessions.Length];
        Gates = Array.ConvertAll(sessions, s => new PastGate(s, copiesMax));
    }

    /// <summary>By worker.</summary>
    public PastGate[] Gates { get; }

    public PastLosses Losses { get; } = new();

    /// <summary>Frames that were read for the session.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Times that a worker's present was tried to be joined.</summary>
    public long Attempts => Volatile.Read(ref _attempts);

    /// <summary>Managed bytes that the reader has allocated: a buffer for each segment, names of files.</summary>
    public long AllocatedBytes => Volatile.Read(ref _allocated);

    /// <summary>What ended the reading early; null = nothing did.</summary>
    public string? Fault => _fault ?? Losses.Fault;

    /// <summary>Frames that recorders had taken and a failing disk lost, until the present was joined.</summary>
    public long LostOnDisk => Volatile.Read(ref _lostOnDisk);

    /// <summary>True when every worker has its instance.</summary>
    public bool IsLive => Array.TrueForAll(Gates, static g => g.IsLive);

    /// <summary>How far behind the present the session is, in ns.</summary>
    public long BehindNs => Volatile.Read(ref _isAtEnd) || IsLive ? 0
        : Math.Max(0, Clock.NowNs() - Math.Max(Volatile.Read(ref _lastFrameNs), _plan.SinceNs ?? 0));

    /// <summary>Frames that were wanted and found no room while the present was being joined.</summary>
    public long Busy => Gates.Sum(static g => g.Busy);

    // A speed of one follows the present at its distance: a delay line. It never gets nearer.
    private bool CanJoin => _plan.Speed is 0 or > 1;

    /// <summary>False when <see cref="Stop"/> could not end the reading: its session and memory are left to it.</summary>
    public bool HasEnded { get; private set; } = true;

    /// <summary>Notes where the recorders stand; once, before a worker counts for the session what the recording will lack.</summary>
    public void Note(PastSupply supply)
    {
        if (_supply is null)
        {
            _marks = Array.ConvertAll(supply.Recorders, PastMark.Of);
            _supply = supply;
        }
    }

    /// <summary>Begins to read what was noted; once.</summary>
    public void Start()
    {
        if (_thread is not null || _supply is not { } supply)
        {
            return;
        }

        _thread = new Thread(() => Run(supply)) { Name = $"tl-past-{_plan.Session}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Ends the reading, and with it the instances that no worker has. No worker may pass its gate any more.</summary>
    public void Stop()
    {
        if (_isStopped)
        {
            return;
        }

        _isStopped = true;
        HasEnded = _thread is null || _thread.Join(EndTimeMaxMs);
        if (!HasEnded)
        {
            _fault = $"Session {_plan.Session}: the disk does not answer, and what it was to read is left.";
            return;
        }

        foreach (var gate in Gates)
        {
            if (!gate.IsLive)
            {
                _ = gate.Turn([]);
                gate.Session.Finish();
            }
        }
    }

    public void Dispose()
    {
        Stop();
        if (HasEnded)
        {
            Array.ForEach(Gates, g => g.Dispose());
        }
    }

    private void Run(PastSupply supply)
    {
        try
        {
            PreciseWait.Sharpen();
            _lanes = Lanes(supply);
            Anchor();
            while (!_isStopped && !IsLive)
            {
                Feed();
                Volatile.Write(ref _allocated, GC.GetAllocatedBytesForCurrentThread());
            }
        }
        catch (Exception e)
        {
            _fault = $"Session {_plan.Session} could not read on in the recording: {e.Message}";
        }
        finally
        {
            _lanes.ForEach(l => l.Lane.Dispose());
        }
    }

    // The first frame is due when the session was ordered, not when its reader had begun.
    private void Anchor()
    {
        var sinceOrderNs = Clock.NowNs() - _plan.OrderedNs;
        if (_plan is { SinceNs: { } sinceNs, OrderedNs: > 0 } && sinceOrderNs is >= 0 and < OrderTimeMaxNs && _plan.OrderedNs > sinceNs)
        {
            _schedule.Begin(sinceNs, Clock.MonotonicNs() - sinceOrderNs);
        }
    }

    // Every worker's recorders, and what workers have left behind that this engine has not.
    private List<(PastLane Lane, int Worker)> Lanes(PastSupply supply)
    {
        var points = new PastPoints(supply.Capture, _names, _plan, _sessions);
        var lanes = new List<(PastLane, int)>();
        for (var f = 0; f < supply.Folders.Count; f++)
        {
            var folder = supply.Folders[f];
            var others = Directory.EnumerateFiles(folder)
                .Select(p => SegmentName.TryParse(Path.GetFileName(p), out var name, out _) ? name.Worker : 0)
                .Where(w => w >= supply.Workers).Distinct().ToList();
            foreach (var worker in Enumerable.Range(0, supply.Workers).Concat(others))
            {
                var place = worker < supply.Workers ? supply.PlaceOf(f, worker) : -1;
                var recorder = place < 0 ? null : supply.Recorders[place];
                var mark = place < 0 ? PastMark.AtEnd : _marks[place];
                lanes.Add((
                    new PastLane(folder, (ushort)worker, recorder, mark, points, Losses, _plan.SinceNs ?? long.MinValue),
                    worker % supply.Workers));
            }
        }

        return lanes;
    }

    private void Feed()
    {
        if (Earliest() is { } next)
        {
            Volatile.Write(ref _isAtEnd, false);
            Play(_lanes[next].Lane, _sessions[_lanes[next].Worker]);
            return;
        }

        Volatile.Write(ref _isAtEnd, true);
        Flush();
        Join();
        PreciseWait.For(IdlePauseNs);
    }

    // The lane whose next frame is the earliest; null = none has one.
    private int? Earliest()
    {
        int? earliest = null;
        for (var i = 0; i < _lanes.Count; i++)
        {
            if (MayRead(_lanes[i].Worker) && _lanes[i].Lane.TryHead()
                && (earliest is not { } e || _lanes[i].Lane.Meta.TimestampNs < _lanes[e].Lane.Meta.TimestampNs))
            {
                earliest = i;
            }
        }

        return earliest;
    }

    // From the moment at which a worker is asked for its place until that is known, nothing of it is read: it would be read beyond.
    private bool MayRead(int worker) =>
        Gates[worker].State is var state && (state == PastGate.Step.Past || (state < PastGate.Step.Playing && _hasLimits[worker]));

    private void Play(PastLane lane, MirrorSession session)
    {
        ref readonly var meta = ref lane.Meta;
        if (!WaitUntilDue(meta.TimestampNs) || !WaitForRoom(session, meta.GsoSize != 0 ? RoomForSuperFramePercent : RoomPercent))
        {
            return;
        }

        var frame = lane.Frame;
        FrameDecoder.Decode(frame, meta, out var layout);
        session.Offer(meta, layout, frame);
        Volatile.Write(ref _frames, _frames + 1);
        Volatile.Write(ref _lastFrameNs, meta.TimestampNs);
        lane.Pop();
        if (++_unflushed >= BatchFrames)
        {
            Flush();
            Join();
        }
    }

    private bool WaitUntilDue(long frameNs)
    {
        var nowNs = Clock.MonotonicNs();
        var dueNs = _schedule.Due(frameNs, nowNs);
        if (dueNs <= nowNs)
        {
            return true;
        }

        Flush();
        for (; nowNs < dueNs; nowNs = Clock.MonotonicNs())
        {
            if (_isStopped)
            {
                return false;
            }

            PreciseWait.Until(Math.Min(dueNs, nowNs + SliceNs));
            Flush();
        }

        return true;
    }

    private bool WaitForRoom(MirrorSession session, int percent)
    {
        while (session.FillPercent >= percent || !IsReady(session))
        {
            if (_isStopped)
            {
                return false;
            }

            Flush();
            if (session.FillPercent >= percent || !IsReady(session))
            {
                PreciseWait.For(IdlePauseNs / 10);
            }
        }

        return true;
    }

    // A listener without a client takes everything and keeps nothing: the past waits for who wants it.
    private bool IsReady(MirrorSession session) => session.IsTargetUp && (!_isListener || session.Clients.Count > 0);

    // Only what is still this thread's.
    private void Flush()
    {
        _unflushed = 0;
        foreach (var gate in Gates)
        {
            if (gate.State < PastGate.Step.Returned)
            {
                gate.Session.EndBatch();
            }
        }
    }

    private void Join()
    {
        for (var w = 0; CanJoin && w < Gates.Length; w++)
        {
            var gate = Gates[w];
            switch (gate.State)
            {
                case PastGate.Step.Past when IsReady(gate.Session) && HasReadAll(w):
                    Volatile.Write(ref _attempts, _attempts + 1);
                    _hasLimits[w] = false;
                    gate.Want();
                    break;
                case PastGate.Step.Keeping:
                    Approach(w, gate);
                    break;
                case PastGate.Step.Overflown:
                    SetLimits(w, gate, isNone: true);
                    _hasLimits[w] = false;
                    gate.Forget();
                    break;
                case PastGate.Step.Live:
                    gate.Release();
                    break;
            }
        }
    }

    private bool HasReadAll(int worker)
    {
        foreach (var (lane, owner) in _lanes)
        {
            if (owner == worker && lane.TryHead())
            {
                return false;
            }
        }

        return true;
    }

    // Reads up to the noted place; there, plays the copies. What the disk lost in between makes the place useless, because then
    // it cannot be told which frames of the recording lie before it.
    private void Approach(int worker, PastGate gate)
    {
        if (!_hasLimits[worker])
        {
            _hasLimits[worker] = true;
            SetLimits(worker, gate, isNone: false);
        }

        var isThere = true;
        var lost = 0L;
        var recorder = 0;
        foreach (var (lane, owner) in _lanes)
        {
            if (owner != worker)
            {
                continue;
            }

            if (lane.Recorder is { } written)
            {
                // In this order: what was lost is counted before it is settled.
                isThere &= written.Settled >= gate.AcceptedAt(recorder);
                if (written.LostAfterwards != gate.LostAt(recorder))
                {
                    gate.GiveUp();
                    return;
                }

                isThere &= lane.RunFrames == lane.Limit;
                lost += gate.LostAt(recorder++) - lane.Mark.Lost;
            }

            isThere &= !lane.TryHead();
        }

        // False when the copies had overflown: then a later place is noted.
        if (isThere && gate.TryReturn(_leftToWorker))
        {
            Volatile.Write(ref _lostOnDisk, _lostOnDisk + lost);
        }
    }

    private void SetLimits(int worker, PastGate gate, bool isNone)
    {
        var recorder = 0;
        foreach (var (lane, owner) in _lanes)
        {
            if (owner == worker && lane.Recorder is not null)
            {
                lane.Limit = isNone ? long.MaxValue : gate.AcceptedAt(recorder) - gate.LostAt(recorder);
                recorder++;
            }
        }
    }
}

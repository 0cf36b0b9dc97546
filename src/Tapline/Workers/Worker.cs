// The loop of one live worker: lease, walk the stages, give back; on its own pinned thread until its source ends.
// It never waits for anything but frames: disk and tunnel I/O complete on memory that their stages own. A defect in a
// stage ends this worker with a sentence, and the engine with it: a wrong table is worse than a restart.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Record;
using Tapline.Store;
using Tapline.Workers.Past;

namespace Tapline.Workers;

/// <summary>One worker. Made on the control thread, then runs on its own; owns its pipeline's stages' endings.</summary>
public sealed class Worker
{
    private const int WaitMs = 50;
    private readonly IFrameSource _source;
    private readonly Pipeline<SpoolSink> _pipeline;
    private readonly SpoolWriter? _spool;
    private readonly IPointBook _book;
    private readonly FrameBatch _batch = new();
    private readonly Thread _thread;
    private MirrorSet? _mirrors;
    private int _pointsGeneration = -1;
    private IReadOnlyList<LivePoint> _points = [];
    private long _lossesToldNs;
    private long _allocatedBefore;
    private volatile bool _isEnding;

    public Worker(int index, IFrameSource source, Pipeline<SpoolSink> pipeline, SpoolWriter? spool, IPointBook book)
    {
        Index = index;
        _source = source;
        _pipeline = pipeline;
        _spool = spool;
        _book = book;
        _thread = new Thread(RunPinned) { Name = $"tapline-w{index}", IsBackground = true };
        Busiest = new BusiestFlows();
    }

    public int Index { get; }

    /// <summary>Counters; any thread may read.</summary>
    public WorkerCounts Counts => _pipeline.Counts;

    /// <summary>Where the control thread asks for the busiest flows.</summary>
    internal BusiestFlows Busiest { get; }

    /// <summary>Why the worker ended before it was told to; null when it did not.</summary>
    public string? Fault { get; private set; }

    /// <summary>The mirror sessions to follow; null = none.</summary>
    internal MirrorBook? Mirrors { get; init; }

    /// <summary>All recorders of this worker, by which sessions find from the past into the present.</summary>
    internal SegmentRecorder[] Recorders { get; init; } = [];

    /// <summary>Called on the worker's thread when it ends early.</summary>
    public Action? OnFault { get; init; }

    /// <summary>Writing its last records and segments: a slow disk may take seconds, which <see cref="Engine"/> bounds.</summary>
    public bool IsEnding => _isEnding;

    /// <summary>The wall clock; a simulation has its own.</summary>
    internal Func<long> Now { get; init; } = Clock.NowNs;

    /// <summary>Ring losses for this worker's recorder to write down; null = another worker's recorder does.</summary>
    internal RingLosses? Losses { get; init; }

    /// <summary>Called on the worker's thread before its recorder closes, so that the losses are up to date.</summary>
    internal Action? OnEnding { get; init; }

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Waits for the end; false when it does not come in time.</summary>
    public bool Join(TimeSpan timeout) => _thread.Join(timeout);

    /// <summary>The whole life of the worker, on the calling thread; tests call it directly.</summary>
    internal void Run()
    {
        try
        {
            for (var i = 0; i < Supervisor.WarmUpTurns; i++)
            {
                TellLosses();
                Busiest.WarmUp(_pipeline.Flows);
            }

            _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            Loop();
        }
        catch (Exception e)
        {
            Fault = $"Worker {Index} failed: {e.Message}";
            OnFault?.Invoke();
        }
        finally
        {
            End();
        }
    }

    private void RunPinned()
    {
        Counts.Totals.Cpu = ThreadPlace.Pin(Index);
        Run();
    }

    private void Loop()
    {
        while (true)
        {
            var result = _source.Lease(_batch, WaitMs);
            FollowPoints();
            FollowMirrors();
            long frameTimeNs;
            switch (result)
            {
                case LeaseResult.Frames:
                    frameTimeNs = _pipeline.Process(_batch);
                    _source.Release(_batch);
                    break;
                case LeaseResult.Idle:
                    frameTimeNs = Now();
                    break;
                case LeaseResult.Faulted:
                    Fault = _source.Fault;
                    OnFault?.Invoke();
                    return;
                default:
                    return;
            }

            EndTurn(frameTimeNs);
        }
    }

    private void EndTurn(long frameTimeNs)
    {
        var nowNs = Now();
        _pipeline.Flows?.Advance(frameTimeNs);
        foreach (var mirror in _pipeline.Mirrors)
        {
            mirror.EndBatch();
        }

        PassGates();
        if (nowNs - _lossesToldNs > Clock.SecondNs)
        {
            _lossesToldNs = nowNs;
            TellLosses();
        }

        _pipeline.Recorder?.EndBatch(nowNs);
        _pipeline.Classes?.EndBatch(nowNs);
        _spool?.EndBatch(nowNs);
        if (Busiest.IsAsked)
        {
            Busiest.Answer(_pipeline.Flows);
        }

        _pipeline.PublishFlowCounters();
        ref var totals = ref Counts.Totals;
        totals.AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore;
        Volatile.Write(ref totals.Beats, totals.Beats + 1);
    }

    /// <summary>Tells the stages of new and changed points: after the lease, so that no frame of theirs is earlier.</summary>
    private void FollowPoints()
    {
        var generation = _book.Generation;
        if (generation == _pointsGeneration)
        {
            return;
        }

        _pointsGeneration = generation;
        _points = _book.Points;
        foreach (var live in _points)
        {
            var info = PointNames.Describe(live.Point);
            _spool?.AddPoint(info);
            _pipeline.Recorder?.AddPoint(info);
            _pipeline.Classes?.AddPoint(info);
            _mirrors?.SelectPoint(Index, live.Point);
        }

        // What a change of points allocates is not what frames allocate.
        _allocatedBefore = GC.GetAllocatedBytesForCurrentThread() - Counts.Totals.AllocatedBytes;
    }

    /// <summary>The rings' losses go into the segments' own ledgers; they are known by point, not by worker, so one worker's
    /// recorder carries them for all.</summary>
    private void TellLosses()
    {
        if (Losses is null || _pipeline.Recorder is null)
        {
            return;
        }

        for (var i = 0; i < _points.Count; i++)
        {
            var id = _points[i].Point.Id;
            _pipeline.Recorder.SetRingDrops(id, Losses.Dropped(id));
            _pipeline.Classes?.SetRingDrops(id, Losses.Dropped(id));
        }
    }

    /// <summary>
    /// Changes over to the newest set of sessions: the next batch is theirs. Those that are not in it any more are finished
    /// here, on the thread that used them; the others go on with what they hold.
    /// </summary>
    private void FollowMirrors()
    {
        if (Mirrors?.Current is not { } next || next == _mirrors)
        {
            return;
        }

        var sessions = next.Of(Index);
        foreach (var session in _pipeline.Mirrors)
        {
            if (Array.IndexOf(sessions, session) < 0)
            {
                session.Finish();
            }
        }

        foreach (var live in _points)
        {
            next.SelectPoint(Index, live.Point);
        }

        SelectMirrors(next);
        _mirrors = next;
        Mirrors.Follow(Index, next);
    }

    /// <summary>Sessions whose past is over become this worker's.</summary>
    private void PassGates()
    {
        var isPassed = false;
        foreach (var gate in _pipeline.Gates)
        {
            isPassed |= gate.Turn(Recorders);
        }

        if (isPassed)
        {
            SelectMirrors(_mirrors!);
        }
    }

    /// <summary>Those in the past are their readers' to use.</summary>
    private void SelectMirrors(MirrorSet set)
    {
        _pipeline.Gates = [.. set.GatesOf(Index).Where(g => !g.IsLive)];
        _pipeline.Mirrors = [.. set.Of(Index).Where(s => !Array.Exists(_pipeline.Gates, g => g.Session == s))];
    }

    /// <summary>Nothing comes any more: every flow's record is written, every buffer handed over.</summary>
    private void End()
    {
        _isEnding = true;
        try
        {
            _pipeline.Flows?.Flush(FlowEndReason.EndOfInput);
            PassGates();
            foreach (var mirror in _pipeline.Mirrors)
            {
                mirror.Finish();
            }

            Mirrors?.Leave(Index);
            OnEnding?.Invoke();
            TellLosses();
            _pipeline.Recorder?.Close(Now());
            _pipeline.Classes?.Close(Now());
            _spool?.Close();
            _pipeline.PublishFlowCounters();
        }
        catch (Exception e)
        {
            Fault ??= $"Worker {Index} could not end cleanly: {e.Message}";
        }
    }
}

// One worker's counters: totals, and one line per observation point. Each batch is counted as a whole under a sequence
// lock, so whoever reads them sees sums that balance, at any moment, without ever making the worker wait.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Decode;

namespace Tapline.Workers;

/// <summary>Counters with one writer (the worker's thread) and any readers. Disposed when all have ended.</summary>
public sealed class WorkerCounts(int pointsMax) : IDisposable
{
    // A batch is counted in microseconds, unless the kernel takes the worker's processor away meanwhile: then the reader
    // must not spin on it. Only a worker that died in between keeps a reader waiting for all attempts.
    private const int SpinsMax = 100;
    private const int AttemptsMax = 1100;
    private const int SpinIterations = 20;
    private readonly NativeArray<WorkerTotals> _totals = new(1);
    private readonly NativeArray<PointCounts> _points = new(pointsMax);

    /// <summary>Point ids run from 0 below this.</summary>
    public int PointsMax => _points.Length;

    /// <summary>For the writer.</summary>
    internal ref WorkerTotals Totals => ref _totals[0];

    /// <summary>For the writer, between <see cref="BeginUpdate"/> and <see cref="EndUpdate"/>.</summary>
    internal ref PointCounts Point(int point) => ref _points[point];

    internal void BeginUpdate()
    {
        _totals[0].Sequence++;
        Volatile.WriteBarrier();
    }

    internal void EndUpdate()
    {
        Volatile.WriteBarrier();
        _totals[0].Sequence++;
    }

    /// <summary>Counts a decoded frame; the verdict decides whether it was analysed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref PointCounts Count(in FrameMeta meta, in FrameLayout layout)
    {
        ref var totals = ref _totals[0];
        totals.Verdicts[(int)layout.Verdict & (VerdictCounts.Length - 1)]++;
        ref var point = ref _points[meta.PointId];
        point.Captured++;
        point.CapturedBytes += meta.OriginalLength;
        point.Segments += meta.GsoSize == 0 ? 1 : WireSegments.Count(meta, layout);
        if (IsUndecodable(layout.Verdict))
        {
            point.Undecodable++;
        }
        else
        {
            point.Analysed++;
        }

        if (meta.CapturedLength < meta.OriginalLength)
        {
            point.Cut++;
        }

        return ref point;
    }

    /// <summary>True when the verdict says that the frame's headers could not be followed to their end.</summary>
    public static bool IsUndecodable(DecodeVerdict verdict) => verdict >= DecodeVerdict.UndecodableLink;

    /// <summary>Adds another worker's counts; both have ended.</summary>
    internal void Add(WorkerCounts other, int pointsEnd)
    {
        for (var p = 0; p < pointsEnd; p++)
        {
            _points[p].Add(other._points[p]);
        }

        for (var v = 0; v < VerdictCounts.Length; v++)
        {
            _totals[0].Verdicts[v] += other._totals[0].Verdicts[v];
        }
    }

    /// <summary>The worker's sign of life. Any thread.</summary>
    public long Beats => Volatile.Read(ref _totals[0].Beats);

    /// <summary>Frames of one verdict. Any thread.</summary>
    public long ReadVerdict(int verdict) => Volatile.Read(ref _totals[0].Verdicts[verdict]);

    /// <summary>A consistent copy of a point's counts. Any thread.</summary>
    public PointCounts ReadPoint(int point)
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var before = Volatile.Read(ref _totals[0].Sequence);
            if ((before & 1) == 0)
            {
                var copy = _points[point];
                Volatile.ReadBarrier();
                if (Volatile.Read(ref _totals[0].Sequence) == before)
                {
                    return copy;
                }
            }

            Pause(attempt);
        }

        return _points[point];
    }

    /// <summary>A consistent copy of the totals. Any thread.</summary>
    public WorkerTotals ReadTotals()
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var before = Volatile.Read(ref _totals[0].Sequence);
            if ((before & 1) == 0)
            {
                var copy = _totals[0];
                Volatile.ReadBarrier();
                if (Volatile.Read(ref _totals[0].Sequence) == before)
                {
                    return copy;
                }
            }

            Pause(attempt);
        }

        return _totals[0];
    }

    public void Dispose()
    {
        _totals.Dispose();
        _points.Dispose();
    }

    private static void Pause(int attempt)
    {
        if (attempt < SpinsMax)
        {
            Thread.SpinWait(SpinIterations);
        }
        else
        {
            Thread.Sleep(1);
        }
    }
}

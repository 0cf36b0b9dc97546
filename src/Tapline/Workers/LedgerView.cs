// The ledger as it stands: all workers' counts summed by point, with the kernel's arrivals and the losses in rings.
// Each reader (supervisor, control thread, final report) has a view of its own; reading allocates nothing.
using Tapline.Base;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>A readable sum over workers. One thread; refreshed by <see cref="Read"/>.</summary>
internal sealed class LedgerView(LiveCapture capture, WorkerCounts[] workers, SegmentRecorder[] recorders)
{
    private readonly PointCounts[] _sums = new PointCounts[Limits.PointsMax];
    private readonly long[] _captured = new long[Limits.PointsMax];
    private readonly long[] _arrived = new long[Limits.PointsMax];
    private readonly PointArrived[] _scratch = new PointArrived[Limits.PointsMax];
    private int _generation = -1;

    /// <summary>All points known, by the same ids.</summary>
    public IReadOnlyList<LivePoint> Points { get; private set; } = [];

    /// <summary>Point ids lie below this.</summary>
    public int IdsEnd { get; private set; }

    /// <summary>Counts of a point over all workers, as of the last <see cref="Read"/>.</summary>
    public ref readonly PointCounts Counts(int point) => ref _sums[point];

    /// <summary>Frames read out of rings, by point id.</summary>
    public ReadOnlySpan<long> Captured => _captured.AsSpan(0, IdsEnd);

    /// <summary>Frames that the kernel offered, by point id; waiting ones included.</summary>
    public ReadOnlySpan<long> Arrived => _arrived.AsSpan(0, IdsEnd);

    /// <summary>Losses of all rings as of the last <see cref="Read"/>.</summary>
    public long SocketDrops { get; private set; }

    /// <summary>Reads everything anew. Losses first and arrivals last: what is outstanding is then never too small.</summary>
    public void Read()
    {
        var generation = capture.PointsGeneration;
        if (generation != _generation)
        {
            _generation = generation;
            Points = capture.Points;
            IdsEnd = 0;
            foreach (var live in Points)
            {
                IdsEnd = Math.Max(IdsEnd, live.Point.Id + 1);
            }
        }

        SocketDrops = 0;
        for (var w = 0; w < workers.Length; w++)
        {
            SocketDrops += capture.ReadSocketDrops(w);
        }

        for (var p = 0; p < IdsEnd; p++)
        {
            _sums[p] = Sum(p);
            _captured[p] = _sums[p].Captured;
        }

        var count = capture.ReadArrived(_scratch);
        foreach (ref readonly var arrived in _scratch.AsSpan(0, count))
        {
            _arrived[arrived.PointId] = arrived.Frames;
        }
    }

    private PointCounts Sum(int point)
    {
        var sum = default(PointCounts);
        foreach (var worker in workers)
        {
            sum.Add(worker.ReadPoint(point));
        }

        foreach (var recorder in recorders)
        {
            // Taken from the worker, then lost by the disk: the ledger moves them.
            var lost = recorder.LostByWriter((ushort)point);
            sum.Recorded -= lost;
            sum.DroppedRecorder += lost;
        }

        return sum;
    }
}

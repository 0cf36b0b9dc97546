// Frames that never became packets of the stream: what sessions could not hand over, counted by each worker, and what was
// lost before any session. By point, so that each interface can state what it lacks.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Mirror.Streams;

/// <summary>Losses before the stream. Each worker writes its own counts; the stream's thread reads all.</summary>
internal sealed class StreamLosses : IDisposable
{
    private readonly IStreamPoints? _points;
    private readonly NativeArray<long>[] _missed;

    public StreamLosses(int workers, IStreamPoints? points)
    {
        _points = points;
        _missed = new NativeArray<long>[workers + 1];
        for (var w = 0; w < _missed.Length; w++)
        {
            _missed[w] = new NativeArray<long>(Limits.PointsMax);
        }
    }

    /// <summary>Worker: one frame of the point was wanted and not handed over.</summary>
    public void Miss(int worker, ushort point)
    {
        ref var count = ref _missed[worker][point];
        Volatile.Write(ref count, count + 1);
    }

    /// <summary>The stream's thread: a packet of the point will not leave.</summary>
    public void MissInStream(ushort point) => Miss(_missed.Length - 1, point);

    /// <summary>Frames that all workers missed of a point so far.</summary>
    public long Missed(int point)
    {
        long sum = 0;
        foreach (var worker in _missed)
        {
            sum += Volatile.Read(ref worker[point]);
        }

        return sum;
    }

    /// <summary>Frames of a point that were lost before the session.</summary>
    public long DroppedBefore(int point) => _points?.DroppedBefore((ushort)point) ?? 0;

    public void Dispose() => Array.ForEach(_missed, m => m.Dispose());
}

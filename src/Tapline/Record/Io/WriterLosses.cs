// What a writer has lost, by point: buffers that never reached the disk, and whole files that were taken from it after they
// had been written (the folder removed, the file unlinked). Counted on the writer's thread, read by any.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Io;

/// <summary>Counts of frames handed over and lost.</summary>
internal sealed class WriterLosses : IDisposable
{
    private readonly NativeArray<long> _lost = new(Limits.PointsMax);
    private readonly NativeArray<long> _inFile = new(Limits.PointsMax);
    private long _total;

    /// <summary>Frames lost. Any thread.</summary>
    public long Total => Volatile.Read(ref _total);

    /// <summary>Of them, a point's. Any thread.</summary>
    public long this[int point] => Volatile.Read(ref _lost[point]);

    /// <summary>Frames in the file under way.</summary>
    public long InFile { get; private set; }

    /// <summary>Another file begins.</summary>
    public void BeginFile()
    {
        InFile = 0;
        _inFile.Span.Clear();
    }

    /// <summary>A buffer is in the file.</summary>
    public void Written(SegmentBuffer buffer)
    {
        InFile += buffer.Frames;
        for (var point = 0; buffer.Frames > 0 && point < Limits.PointsMax; point++)
        {
            _inFile[point] += buffer.FramesOf(point);
        }
    }

    /// <summary>A buffer is not in any file.</summary>
    public void Lost(SegmentBuffer buffer)
    {
        for (var point = 0; buffer.Frames > 0 && point < Limits.PointsMax; point++)
        {
            Add(point, buffer.FramesOf(point));
        }

        Volatile.Write(ref _total, _total + buffer.Frames);
    }

    /// <summary>The file under way is gone, with all that is in it.</summary>
    public void LostFile()
    {
        for (var point = 0; InFile > 0 && point < Limits.PointsMax; point++)
        {
            Add(point, _inFile[point]);
        }

        Volatile.Write(ref _total, _total + InFile);
        BeginFile();
    }

    public void Dispose()
    {
        _lost.Dispose();
        _inFile.Dispose();
    }

    private void Add(int point, long frames)
    {
        if (frames != 0)
        {
            Volatile.Write(ref _lost[point], _lost[point] + frames);
        }
    }
}

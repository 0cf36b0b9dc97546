// A page-aligned buffer between a worker and the disk, with what the writer's thread must know of it. It always holds
// whole blocks; only its last page may be partly filled, and is then written again by the next buffer of the segment.
// Owned by one thread at a time, handed over through rings of indices.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Io;

/// <summary>One buffer of recorded blocks.</summary>
internal sealed class SegmentBuffer : IDisposable
{
    public const int PageBytes = 4096;
    private readonly NativeArray<byte> _memory;
    private readonly NativeArray<int> _framesByPoint = new(Limits.PointsMax);

    public SegmentBuffer(int capacityBytes)
    {
        Invariant.Check(capacityBytes > 0 && capacityBytes % PageBytes == 0);
        _memory = new NativeArray<byte>(capacityBytes);
    }

    /// <summary>A recorder's buffers. The first is in use from the start.</summary>
    public static SegmentBuffer[] Make(int count, int capacityBytes) =>
        [.. Enumerable.Range(0, count).Select(_ => new SegmentBuffer(capacityBytes))];

    public int CapacityBytes => _memory.Length;

    public Span<byte> Memory => _memory.Span;

    /// <summary>What is still free.</summary>
    public Span<byte> Free => Memory[Length..];

    /// <summary>Bytes in it.</summary>
    public int Length { get; set; }

    /// <summary>Where in the file it goes; a multiple of the page.</summary>
    public long FileOffset { get; set; }

    /// <summary>Which segment of this recorder it belongs to; 0 = none yet.</summary>
    public long Segment { get; set; }

    /// <summary>Time of the segment's first frame: the segment's name.</summary>
    public long SegmentStartNs { get; set; }

    /// <summary>The segment ends with this buffer.</summary>
    public bool IsLast { get; set; }

    /// <summary>Memory of the segment's index, which goes with its last buffer; -1 = none.</summary>
    public int Index { get; set; } = -1;

    /// <summary>Frames in it, which are lost when it can't be written.</summary>
    public int Frames { get; private set; }

    /// <summary>The file's length when this buffer is written.</summary>
    public long FileEnd => FileOffset + Length;

    /// <summary>The bytes to write: whole pages, zeros after the end.</summary>
    public ReadOnlySpan<byte> Pages
    {
        get
        {
            var end = (Length + PageBytes - 1) & ~(PageBytes - 1);
            Memory[Length..end].Clear();
            return Memory[..end];
        }
    }

    /// <summary>Bytes at its end that fill no page: the next buffer begins with them.</summary>
    public Span<byte> PartialPage => Memory[(Length & ~(PageBytes - 1))..Length];

    public void CountFrame(ushort point)
    {
        _framesByPoint[point]++;
        Frames++;
    }

    public int FramesOf(int point) => _framesByPoint[point];

    public void Reset()
    {
        Length = 0;
        FileOffset = 0;
        Segment = 0;
        IsLast = false;
        Index = -1;
        Frames = 0;
        _framesByPoint.Span.Clear();
    }

    public void Dispose()
    {
        _memory.Dispose();
        _framesByPoint.Dispose();
    }
}

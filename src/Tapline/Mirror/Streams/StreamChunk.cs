// Packet blocks of all workers, gathered to be given to receivers at once: whole blocks in the order of time, and how many
// of each point. The stream's thread fills and empties it; fixed memory.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Mirror.Streams;

/// <summary>Blocks that leave together.</summary>
internal sealed class StreamChunk : IDisposable
{
    /// <summary>The largest block: the largest frame with everything that is said about it.</summary>
    private const int BlockBytesMax = Limits.FrameBytesMax + 128;

    private readonly NativeArray<byte> _bytes = new(Limits.StreamChunkBytes + BlockBytesMax);
    private readonly int[] _counts = new int[Limits.PointsMax];
    private readonly ushort[] _touched = new ushort[Limits.PointsMax];
    private int _length;
    private int _touchedCount;

    /// <summary>Packets in it.</summary>
    public int Packets { get; private set; }

    /// <summary>The blocks.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.Span[.._length];

    /// <summary>Room is left for a block of any size.</summary>
    public bool HasRoom => _length < Limits.StreamChunkBytes;

    /// <summary>Points that packets are from.</summary>
    public ReadOnlySpan<ushort> Points => _touched.AsSpan(0, _touchedCount);

    /// <summary>Packets of a point.</summary>
    public int Count(ushort point) => _counts[point];

    /// <summary>Appends a packet block under the receiver's interface number.</summary>
    public void Add(ReadOnlySpan<byte> block, ushort point, int interfaceNumber)
    {
        Invariant.Check(HasRoom && block.Length <= BlockBytesMax);
        var target = _bytes.Span.Slice(_length, block.Length);
        block.CopyTo(target);
        PcapngWriter.SetInterface(target, (uint)interfaceNumber);
        _length += block.Length;
        Packets++;
        if (_counts[point]++ == 0)
        {
            _touched[_touchedCount++] = point;
        }
    }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        foreach (var point in Points)
        {
            _counts[point] = 0;
        }

        _length = _touchedCount = Packets = 0;
    }

    public void Dispose() => _bytes.Dispose();
}

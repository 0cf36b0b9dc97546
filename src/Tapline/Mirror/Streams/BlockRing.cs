// Ready packet blocks from one worker to its stream's thread, in order, and back the fate of each: the worker writes a
// block in its final form, the other side copies it on and says what became of it. Nothing waits, nothing is allocated;
// a full ring refuses. Two threads, without locks: positions are published with release and read with acquire. A captured
// frame counts as sent when all its blocks were taken, else under its first reason.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Mirror.Streams;

/// <summary>A bounded ring of blocks. One writing and one reading thread; the owner disposes it when both have ended.</summary>
internal sealed class BlockRing : IDisposable
{
    private readonly NativeArray<byte> _bytes;
    private readonly NativeArray<StreamBlock> _blocks;
    private readonly int _mask;
    private Ends _ends;

    // The worker's own. Numbers and positions only ever grow; the place in the ring is the remainder.
    private long _settled;
    private long _tail;
    private long _bytesHead;
    private long _bytesTail;
    private long _frameStart;
    private int _writeOffset;
    private DropReason _fate;

    /// <param name="blocks">Blocks at most; a power of two.</param>
    /// <param name="bytes">Their bytes.</param>
    public BlockRing(int blocks = Limits.StreamBlocks, int bytes = Limits.StreamBufferBytes)
    {
        Invariant.Check(System.Numerics.BitOperations.IsPow2(blocks));
        _bytes = new NativeArray<byte>(bytes);
        _blocks = new NativeArray<StreamBlock>(blocks);
        _mask = blocks - 1;
    }

    /// <summary>Worker: blocks whose fate is not known yet.</summary>
    public int Waiting => (int)(_tail - _settled);

    /// <summary>Worker: the fuller of the two, places for blocks and bytes, in percent.</summary>
    public int FillPercent => Waiting == 0
        ? 0
        : (int)Math.Max(100L * Waiting / _blocks.Length, 100 * (_bytesTail - _bytesHead) / _bytes.Length);

    /// <summary>Reader: number of the first block that has no fate yet.</summary>
    public long Taken => _ends.Taken;

    /// <summary>Reader: number after the last block that is ready.</summary>
    public long Ready => Volatile.Read(ref _ends.Published);

    /// <summary>Worker: true when an empty ring could hold that much.</summary>
    public bool CanEverHold(int blocks, int bytes) => blocks <= _blocks.Length && bytes <= _bytes.Length;

    /// <summary>Worker: reserves room for one captured frame, in one piece. False when there is none now.</summary>
    public bool TryBegin(int blocks, int bytes)
    {
        if (_settled == _tail)
        {
            _bytesHead = _bytesTail = 0;
        }

        // A piece that does not fit before the end starts again at the beginning; the rest is left unused.
        var offset = (int)(_bytesTail % _bytes.Length);
        var skip = offset + bytes > _bytes.Length ? _bytes.Length - offset : 0;
        if (Waiting + blocks > _blocks.Length || _bytesTail - _bytesHead + skip + bytes > _bytes.Length)
        {
            return false;
        }

        _frameStart = _tail;
        _bytesTail += skip;
        _writeOffset = (offset + skip) % _bytes.Length;
        return true;
    }

    /// <summary>Worker: room for the next block.</summary>
    public Span<byte> Room(int bytes) => _bytes.Span.Slice(_writeOffset, bytes);

    /// <summary>Worker: the room now holds a block. Its place in the ring is filled in here.</summary>
    public void Append(StreamBlock block)
    {
        Invariant.Check(Waiting < _blocks.Length && block.Bytes > 0);
        _bytesTail += block.Bytes;
        block.Offset = _writeOffset;
        block.BytesEnd = _bytesTail;
        _blocks[(int)(_tail++ & _mask)] = block;
        _writeOffset += block.Bytes;
    }

    /// <summary>Worker: the captured frame is complete and may be read.</summary>
    public void EndFrame(ref MirrorCounters counters)
    {
        Invariant.Check(_tail > _frameStart);
        _blocks[(int)((_tail - 1) & _mask)].IsLast = true;
        counters.Waiting++;
        Volatile.Write(ref _ends.Published, _tail);
    }

    /// <summary>Worker: settles the ledger of the blocks whose fate is known by now.</summary>
    public void Settle(ref MirrorCounters counters)
    {
        for (var taken = Volatile.Read(ref _ends.Taken); _settled < taken; _settled++)
        {
            ref readonly var block = ref _blocks[(int)(_settled & _mask)];
            _bytesHead = block.BytesEnd;
            if (block.Fate == DropReason.None)
            {
                counters.SentWireFrames++;
                counters.SentBytes += block.FrameBytes;
                counters.SlicedWireFrames += block.IsSliced ? 1 : 0;
            }

            Leave(block.Fate, block.IsLast, ref counters);
        }
    }

    /// <summary>Worker, at the very end: what still has no fate counts under this reason.</summary>
    public void GiveUp(DropReason reason, ref MirrorCounters counters)
    {
        Settle(ref counters);
        for (; _settled < _tail; _settled++)
        {
            Leave(reason, _blocks[(int)(_settled & _mask)].IsLast, ref counters);
        }
    }

    /// <summary>Reader: a block from <see cref="Taken"/> to before <see cref="Ready"/>.</summary>
    public ref StreamBlock this[long number] => ref _blocks[(int)(number & _mask)];

    /// <summary>Reader: the block's bytes, its own until it is taken.</summary>
    public Span<byte> BytesOf(in StreamBlock block) => _bytes.Span.Slice(block.Offset, block.Bytes);

    /// <summary>Reader: all blocks before this number have their fate now; their memory is the worker's again.</summary>
    public void Take(long number) => Volatile.Write(ref _ends.Taken, number);

    public void Dispose()
    {
        _bytes.Dispose();
        _blocks.Dispose();
    }

    private void Leave(DropReason fate, bool isLast, ref MirrorCounters counters)
    {
        _fate = _fate == DropReason.None ? fate : _fate;
        if (!isLast)
        {
            return;
        }

        counters.Waiting--;
        if (_fate == DropReason.None)
        {
            counters.Offered++;
            counters.Sent++;
        }
        else
        {
            counters.CountDrop(_fate);
            _fate = DropReason.None;
        }
    }

    // Each is written by one thread and polled by the other: cache lines of their own.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Ends
    {
        [FieldOffset(64)] public long Published;
        [FieldOffset(128)] public long Taken;
    }
}

// Frames on their way from one thread to one other, in order, without a lock: what a reader has read ahead, or what a worker
// saw while its past was still being read. In: borrowed bytes, copied once. Out: borrowed from here until they are popped.
// Native memory of a fixed size, touched as used; full means false, never a wait. One putting and one taking thread at a time.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Workers.Past;

/// <summary>A bounded queue of frames. Owned by whoever made it; disposed when both threads have left it.</summary>
internal sealed class FrameRing : IDisposable
{
    private readonly NativeArray<Entry> _entries;
    private readonly NativeArray<byte> _bytes;
    private readonly int _mask;
    private Ends _ends;

    // Where the next bytes go, on the putting thread; numbers and positions only ever grow.
    private long _dataTail;

    /// <param name="frames">Frames at most, a power of two.</param>
    /// <param name="bytes">Their bytes at most.</param>
    public FrameRing(int frames, int bytes)
    {
        Invariant.Check(System.Numerics.BitOperations.IsPow2(frames) && bytes >= Limits.FrameBytesMax);
        _entries = new NativeArray<Entry>(frames);
        _bytes = new NativeArray<byte>(bytes);
        _mask = frames - 1;
    }

    /// <summary>Frames waiting; exact only while the other thread rests.</summary>
    public int Count => (int)(Volatile.Read(ref _ends.Put) - Volatile.Read(ref _ends.Taken));

    /// <summary>Copies a frame in; false when there is no room. Putting thread.</summary>
    /// <param name="meta">Its facts.</param>
    /// <param name="frame">Its bytes, borrowed.</param>
    /// <param name="tag">A small number of the user's.</param>
    public bool TryPut(in FrameMeta meta, ReadOnlySpan<byte> frame, int tag)
    {
        var put = _ends.Put;
        var taken = Volatile.Read(ref _ends.Taken);

        // A frame lies in one piece; what does not fit before the end begins again at the start.
        var place = (int)(_dataTail % _bytes.Length);
        var start = place + frame.Length > _bytes.Length ? _dataTail + _bytes.Length - place : _dataTail;
        var head = put == taken ? start : _entries[(int)(taken & _mask)].Start;
        if (put - taken == _entries.Length || start + frame.Length - head > _bytes.Length)
        {
            return false;
        }

        frame.CopyTo(_bytes.Span[(int)(start % _bytes.Length)..]);
        _dataTail = start + frame.Length;
        _entries[(int)(put & _mask)] = new Entry { Meta = meta, Start = start, Bytes = frame.Length, Tag = tag };
        Volatile.Write(ref _ends.Put, put + 1);
        return true;
    }

    /// <summary>Looks at the oldest frame; false when there is none. Taking thread.</summary>
    public bool TryPeek(out FrameMeta meta, out ReadOnlySpan<byte> frame, out int tag)
    {
        if (Volatile.Read(ref _ends.Put) == _ends.Taken)
        {
            meta = default;
            frame = default;
            tag = 0;
            return false;
        }

        ref readonly var entry = ref _entries[(int)(_ends.Taken & _mask)];
        meta = entry.Meta;
        frame = _bytes.Span.Slice((int)(entry.Start % _bytes.Length), entry.Bytes);
        tag = entry.Tag;
        return true;
    }

    /// <summary>Done with the oldest frame: its bytes may be written over. Taking thread.</summary>
    public void Pop()
    {
        Invariant.Check(Count > 0);
        Volatile.Write(ref _ends.Taken, _ends.Taken + 1);
    }

    /// <summary>Throws away what is there. Taking thread.</summary>
    public void Clear() => Volatile.Write(ref _ends.Taken, Volatile.Read(ref _ends.Put));

    public void Dispose()
    {
        _entries.Dispose();
        _bytes.Dispose();
    }

    private struct Entry
    {
        public FrameMeta Meta;
        public long Start;
        public int Bytes;
        public int Tag;
    }

    // The two ends on cache lines of their own: each is written by one thread and polled by the other.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Ends
    {
        [FieldOffset(64)] public long Put;
        [FieldOffset(128)] public long Taken;
    }
}

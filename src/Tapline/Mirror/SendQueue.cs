// The ledger side of a send buffer: a ring of wire frames that wait, in order, and the fate of the captured frames to
// which they belong. A captured frame counts as sent when all its wire frames left, else as dropped with the first
// reason. In: room asked for and lengths. Out: positions in a byte buffer that the output owns. Pure; one thread; fixed
// size.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Mirror;

/// <summary>Bookkeeping of wire frames that wait to be sent. Owns no frame bytes.</summary>
internal sealed class SendQueue : IDisposable
{
    private readonly NativeArray<Entry> _entries;
    private readonly int _bufferBytes;
    private readonly int _mask;

    // Entry numbers and byte positions only ever grow; the place in the ring is the remainder.
    private long _head;
    private long _tail;
    private long _dataHead;
    private long _dataTail;
    private long _frameStart;
    private DropReason _fate;

    /// <summary>
    /// A queue of <paramref name="entries"/> wire frames (a power of two) over a buffer of that many bytes.
    /// </summary>
    public SendQueue(int entries, int bufferBytes)
    {
        Invariant.Check(System.Numerics.BitOperations.IsPow2(entries));
        Invariant.Check(bufferBytes >= Limits.FrameBytesMax);
        _entries = new NativeArray<Entry>(entries);
        _mask = entries - 1;
        _bufferBytes = bufferBytes;
    }

    /// <summary>Wire frames that wait.</summary>
    public int Count => (int)(_tail - _head);

    /// <summary>Ring index of the oldest waiting wire frame.</summary>
    public int HeadIndex => (int)(_head & _mask);

    /// <summary>Number of the oldest waiting wire frame, to tell whether it is still the same one.</summary>
    public long HeadNumber => _head;

    /// <summary>Waiting wire frames from the oldest on that lie next to each other in the ring.</summary>
    public int HeadRun => Math.Min(Count, _entries.Length - HeadIndex);

    /// <summary>The fuller of the two, places for wire frames and bytes, in percent.</summary>
    public int FillPercent => (int)Math.Max(100L * Count / _entries.Length, Count == 0 ? 0 : 100 * (_dataTail - _dataHead) / _bufferBytes);

    /// <summary>Where in the buffer the next wire frame is to be written.</summary>
    public int WriteOffset { get; private set; }

    /// <summary>True when a frame of that size could be held by an empty queue.</summary>
    public bool CanEverHold(int wireFrames, int wireBytes) =>
        wireFrames <= _entries.Length && wireBytes <= _bufferBytes;

    /// <summary>Reserves room for one captured frame, in one piece. False when there is none now.</summary>
    public bool TryBegin(int wireFrames, int wireBytes)
    {
        if (_head == _tail)
        {
            _dataHead = _dataTail = 0;
        }

        // A piece that does not fit before the buffer's end starts again at its beginning; the rest is left unused.
        var offset = (int)(_dataTail % _bufferBytes);
        var skip = offset + wireBytes > _bufferBytes ? _bufferBytes - offset : 0;
        if (Count + wireFrames > _entries.Length || _dataTail - _dataHead + skip + wireBytes > _bufferBytes)
        {
            return false;
        }

        _frameStart = _tail;
        _dataTail += skip;
        WriteOffset = (offset + skip) % _bufferBytes;
        return true;
    }

    /// <summary>Appends the wire frame that was written at <see cref="WriteOffset"/>; returns its ring index.</summary>
    public int Append(int bytes, bool isSliced) => Append(0, bytes, isSliced);

    /// <summary>The same with a header before the frame, which the ledger does not count.</summary>
    public int Append(int headerBytes, int bytes, bool isSliced)
    {
        Invariant.Check(Count < _entries.Length);
        var index = (int)(_tail++ & _mask);
        _dataTail += headerBytes + bytes;
        _entries[index] = new Entry { DataEnd = _dataTail, Bytes = bytes, IsSliced = isSliced };
        WriteOffset += headerBytes + bytes;
        return index;
    }

    /// <summary>The captured frame is complete.</summary>
    public void EndFrame(ref MirrorCounters counters)
    {
        Invariant.Check(_tail > _frameStart);
        _entries[(int)((_tail - 1) & _mask)].IsLast = true;
        counters.Waiting++;
    }

    /// <summary>The oldest <paramref name="count"/> wire frames were taken by the target.</summary>
    public void Sent(int count, ref MirrorCounters counters)
    {
        Invariant.Check(count <= Count);
        for (; count > 0; count--)
        {
            ref var entry = ref _entries[HeadIndex];
            counters.SentWireFrames++;
            counters.SentBytes += entry.Bytes;
            counters.SlicedWireFrames += entry.IsSliced ? 1 : 0;
            Leave(entry, ref counters);
        }
    }

    /// <summary>The oldest wire frame will not leave.</summary>
    public void Drop(DropReason reason, ref MirrorCounters counters)
    {
        Invariant.Check(Count > 0 && reason != DropReason.None);
        _fate = _fate == DropReason.None ? reason : _fate;
        Leave(_entries[HeadIndex], ref counters);
    }

    /// <summary>Nothing that waits will leave.</summary>
    public void DropAll(DropReason reason, ref MirrorCounters counters)
    {
        while (Count > 0)
        {
            Drop(reason, ref counters);
        }
    }

    public void Dispose() => _entries.Dispose();

    private void Leave(in Entry entry, ref MirrorCounters counters)
    {
        _head++;
        _dataHead = entry.DataEnd;
        if (!entry.IsLast)
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

    private struct Entry
    {
        public long DataEnd;
        public int Bytes;
        public bool IsLast;
        public bool IsSliced;
    }
}

// The finished segments of a folder, oldest on top: a binary heap in native memory, so that a recording of a million
// segments costs the collector nothing and a removal is a few steps. Not thread-safe; the folder's lock guards it.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Holds;

namespace Tapline.Record;

/// <summary>A heap of finished segments by time. Holds at most <see cref="Limits.SegmentsMax"/>.</summary>
internal sealed class SegmentCatalog : IDisposable
{
    private readonly NativeArray<Entry> _heap = new(Limits.SegmentsMax);

    public int Count { get; private set; }

    public bool IsFull => Count == _heap.Length;

    /// <summary>The oldest segment. Only when there is one.</summary>
    public ref readonly Entry Oldest
    {
        get
        {
            Invariant.Check(Count > 0);
            return ref _heap[0];
        }
    }

    public ref Entry this[int place] => ref _heap[place];

    /// <summary>Looks a segment up, one after the other; rare.</summary>
    public bool TryFind(in SegmentName name, out int place)
    {
        for (place = 0; place < Count; place++)
        {
            if (_heap[place].Name == name)
            {
                return true;
            }
        }

        return false;
    }

    public void Add(in Entry entry)
    {
        Invariant.Check(!IsFull);
        var index = Count++;
        while (index > 0 && IsBefore(entry, _heap[(index - 1) / 2]))
        {
            _heap[index] = _heap[(index - 1) / 2];
            index = (index - 1) / 2;
        }

        _heap[index] = entry;
    }

    public void RemoveOldest()
    {
        Invariant.Check(Count > 0);
        var last = _heap[--Count];
        var index = 0;
        while ((2 * index) + 1 < Count)
        {
            var child = (2 * index) + 1;
            if (child + 1 < Count && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!IsBefore(_heap[child], last))
            {
                break;
            }

            _heap[index] = _heap[child];
            index = child;
        }

        _heap[index] = last;
    }

    /// <summary>
    /// Sorts anew what a hold keeps: entries of both that it keeps are in <paramref name="held"/> afterwards, all others here.
    /// </summary>
    /// <returns>Bytes of the held ones.</returns>
    public long Partition(SegmentCatalog held, HoldList holds)
    {
        var heldBefore = held.Count;
        held.Count = 0;
        for (var index = 0; index < heldBefore; index++)
        {
            // What is put back lands at or before the place that was just read.
            var entry = held._heap[index];
            (holds.Keeps(entry.StartNs) ? held : this).Add(entry);
        }

        var before = Count;
        Count = 0;
        for (var index = 0; index < before; index++)
        {
            var entry = _heap[index];
            (holds.Keeps(entry.StartNs) ? held : this).Add(entry);
        }

        long bytes = 0;
        for (var index = 0; index < held.Count; index++)
        {
            bytes += held._heap[index].Bytes;
        }

        return bytes;
    }

    /// <summary>Time of the newest segment's first frame; walks all.</summary>
    public long NewestNs
    {
        get
        {
            long newest = 0;
            for (var index = 0; index < Count; index++)
            {
                newest = Math.Max(newest, _heap[index].StartNs);
            }

            return newest;
        }
    }

    public void Dispose() => _heap.Dispose();

    private static bool IsBefore(in Entry left, in Entry right) =>
        left.StartNs < right.StartNs || (left.StartNs == right.StartNs && left.Worker < right.Worker);

    /// <summary>A finished segment: its name in numbers, its size and that of its index.</summary>
    internal struct Entry
    {
        public long StartNs;
        public long Bytes;
        public long IndexBytes;
        public ushort Worker;
        public bool IsRecovered;

        public readonly SegmentName Name => new(StartNs, Worker, IsRecovered);
    }
}

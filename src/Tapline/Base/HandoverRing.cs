// Small numbers (indices of buffers) from one thread to one other, without locks or allocation. The memory that an index
// stands for belongs to whoever took the index last; the ring's release/acquire pair makes its contents visible.
using System.Runtime.InteropServices;

namespace Tapline.Base;

/// <summary>A bounded queue of ints with exactly one putting and one taking thread.</summary>
public sealed class HandoverRing
{
    private readonly int[] _items;
    private Ends _ends;

    /// <summary>Makes a ring for at least <paramref name="capacity"/> items.</summary>
    public HandoverRing(int capacity)
    {
        Invariant.Check(capacity > 0);
        _items = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity)];
    }

    /// <summary>Items waiting; exact only on the taking thread.</summary>
    public int Count => (int)(Volatile.Read(ref _ends.Put) - Volatile.Read(ref _ends.Taken));

    /// <summary>Appends; a full ring is a programmer's error, since it is sized for every index there is.</summary>
    public void Put(int item)
    {
        var put = _ends.Put;
        Invariant.Check(put - Volatile.Read(ref _ends.Taken) < _items.Length);
        _items[put & (_items.Length - 1)] = item;
        Volatile.Write(ref _ends.Put, put + 1);
    }

    /// <summary>Takes the oldest item; false when there is none.</summary>
    public bool TryTake(out int item)
    {
        var taken = _ends.Taken;
        if (Volatile.Read(ref _ends.Put) == taken)
        {
            item = -1;
            return false;
        }

        item = _items[taken & (_items.Length - 1)];
        Volatile.Write(ref _ends.Taken, taken + 1);
        return true;
    }

    // The two ends on cache lines of their own: each is written by one thread and polled by the other.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Ends
    {
        [FieldOffset(64)] public long Put;
        [FieldOffset(128)] public long Taken;
    }
}

// The few numbers that a column is made of (segment sizes, hop limits, ports of servers), the most frequent first, so that groups
// of flows that are alike have small places in it. Lives on the stack of who encodes a column; pure, allocates nothing.
namespace Tapline.Record.Index;

/// <summary>Counts the different numbers of a column, up to a limit, and gives each its place.</summary>
internal ref struct ColumnDictionary
{
    /// <summary>Most entries of a dictionary.</summary>
    public const int EntriesMax = 255;

    /// <summary>Slots of the table that a dictionary is made in: twice the entries, a power of two.</summary>
    public const int Slots = 512;

    private readonly Span<Slot> _slots;
    private readonly Span<ulong> _order;
    private int _count;

    /// <param name="slots"><see cref="Slots"/> slots.</param>
    /// <param name="order"><see cref="EntriesMax"/> numbers.</param>
    public ColumnDictionary(Span<Slot> slots, Span<ulong> order)
    {
        _slots = slots;
        _order = order;
        slots.Clear();
    }

    /// <summary>The numbers by their places.</summary>
    public readonly ReadOnlySpan<ulong> Entries => _order[.._count];

    /// <summary>Takes all numbers of a column; false when they are too many different ones.</summary>
    public bool TryMake(ReadOnlySpan<ulong> values)
    {
        foreach (var value in values)
        {
            ref var slot = ref Find(value);
            if (slot.Count == 0)
            {
                if (_count == EntriesMax)
                {
                    return false;
                }

                slot.Value = value;
                _order[_count++] = value;
            }

            slot.Count++;
        }

        // The most frequent first; among equals the order in which they came.
        Span<ulong> ranks = stackalloc ulong[EntriesMax];
        Span<ulong> came = stackalloc ulong[EntriesMax];
        ranks = ranks[.._count];
        _order[.._count].CopyTo(came);
        for (var entry = 0; entry < _count; entry++)
        {
            ranks[entry] = ((ulong)(int.MaxValue - Find(came[entry]).Count) << 8) | (uint)entry;
        }

        ranks.Sort();
        for (var place = 0; place < _count; place++)
        {
            _order[place] = came[(int)(ranks[place] & 0xff)];
            Find(_order[place]).Place = place;
        }

        return true;
    }

    /// <summary>Place of a number that was taken.</summary>
    public readonly int PlaceOf(ulong value) => Find(value).Place;

    private readonly ref Slot Find(ulong value)
    {
        var at = (int)((value * 0x9e37_79b9_7f4a_7c15) >> 55);
        while (_slots[at].Count != 0 && _slots[at].Value != value)
        {
            at = (at + 1) & (Slots - 1);
        }

        return ref _slots[at];
    }

    /// <summary>A number, how often it came, and its place.</summary>
    internal struct Slot
    {
        public ulong Value;
        public int Count;
        public int Place;
    }
}

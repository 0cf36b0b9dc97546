// Packets of no flow, grouped by their heads, so that a query passes over those whose addresses it does not ask for: later fragments
// whose first one was not seen. In: a fingerprint. Out: the number of the row that stands for it in the segment's index. Bounded:
// a flood of such packets fills the table, and what comes then is read by every query. Worker's thread; allocates nothing.
namespace Tapline.Record.Index;

/// <summary>Rows of packets that belong to no flow, for one segment at a time.</summary>
internal sealed class LooseFlows
{
    private const int RowsMax = 1024;
    private const int Slots = 4 * RowsMax;
    private readonly ulong[] _prints = new ulong[Slots];
    private readonly int[] _rows = new int[Slots];
    private int _count;

    public void Clear()
    {
        if (_count > 0)
        {
            Array.Clear(_rows);
            _count = 0;
        }
    }

    /// <summary>The row of a fingerprint; where it is 0, the caller puts a new one there, unless there is no more room.</summary>
    public ref int Find(ulong print, out bool isFull)
    {
        var at = (int)(print % Slots);
        while (_rows[at] != 0 && _prints[at] != print)
        {
            at = (at + 1) % Slots;
        }

        isFull = _rows[at] == 0 && _count == RowsMax;
        if (_rows[at] == 0 && !isFull)
        {
            _prints[at] = print;
            _count++;
        }

        return ref _rows[at];
    }
}

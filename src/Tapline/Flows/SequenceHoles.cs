// Remembers the last few holes in a direction's sequence space, so that data which fills a hole (late, or lost before
// the tap and sent again) is told from data that crossed the tap before. tshark guesses that by time; we know it.
using System.Runtime.InteropServices;

namespace Tapline.Flows;

/// <summary>Up to three holes [start, end) in sequence space, 24 bytes. The oldest is forgotten when a fourth opens.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct SequenceHoles
{
    private uint _start0;
    private uint _end0;
    private uint _start1;
    private uint _end1;
    private uint _start2;
    private uint _end2;

    /// <summary>Notes that nothing was seen of [start, end).</summary>
    public void Open(uint start, uint end)
    {
        (_start2, _end2) = (_start1, _end1);
        (_start1, _end1) = (_start0, _end0);
        (_start0, _end0) = (start, end);
    }

    /// <summary>Takes [start, end) out of the holes; true when any of it lay in one.</summary>
    public bool Fill(uint start, uint end) =>
        Fill(ref _start0, ref _end0, start, end)
        | Fill(ref _start1, ref _end1, start, end)
        | Fill(ref _start2, ref _end2, start, end);

    private static bool Fill(ref uint holeStart, ref uint holeEnd, uint start, uint end)
    {
        if (holeStart == holeEnd || !Sequence.Before(start, holeEnd) || !Sequence.Before(holeStart, end))
        {
            return false;
        }

        if (!Sequence.Before(holeStart, start))
        {
            holeStart = Sequence.Before(end, holeEnd) ? end : holeEnd;
        }
        else
        {
            // Filled from the middle: the part behind is given up, it is the rarer one to be sent again.
            holeEnd = start;
        }

        return true;
    }
}

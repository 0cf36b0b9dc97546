// Asks the kernel for the chosen packets of a segment some time before they are read, so that a disk fetches many of them at once, and
// while others are judged. Those near each other are one piece. One thread.
namespace Tapline.Record.Extract;

/// <summary>Fetches chosen packets ahead.</summary>
/// <param name="offsets">Of the chosen blocks, rising.</param>
/// <param name="cursor">Reads them.</param>
internal sealed class ChosenAhead(long[] offsets, SegmentCursor cursor)
{
    /// <summary>Blocks whose beginnings are nearer than this are read as one piece.</summary>
    public const int GapBytes = 32 << 10;

    /// <summary>What is read of the last block of a piece before its length is known.</summary>
    public const int LastBytes = 2 << 10;

    private const int AheadBytes = 4 << 20;
    private const int AheadPieces = 128;
    private int _next;
    private int _askAt;

    /// <summary>The block that is read now, by its number.</summary>
    public void At(int number)
    {
        if (number < _askAt || _next == offsets.Length)
        {
            return;
        }

        _next = Math.Max(_next, number);
        var bytes = 0L;
        for (var pieces = 0; pieces < AheadPieces && bytes < AheadBytes && _next < offsets.Length; pieces++)
        {
            var first = _next;
            var last = EndOf(first, AheadBytes);
            var length = offsets[last] + LastBytes - offsets[first];
            cursor.WillNeed(offsets[first], length);
            bytes += length;
            _next = last + 1;
        }

        _askAt = (number + _next) / 2;
    }

    /// <summary>The last block of the piece that begins with one.</summary>
    public int EndOf(int first, long bytesMax)
    {
        var last = first;
        while (last + 1 < offsets.Length && offsets[last + 1] - offsets[last] < GapBytes && offsets[last + 1] - offsets[first] < bytesMax)
        {
            last++;
        }

        return last;
    }
}

// Where to go on behind a damaged place of a segment: nothing in a file of blocks tells where the next one begins (a search for
// something that looks like a block would find those that a guest has sent), but the index knows where each packet is. Read when
// damage is met, and only then. One thread.
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>The packets of one segment, as its index tells.</summary>
internal sealed class DamageSkip(ExtractSegment segment)
{
    private long[]? _offsets;

    /// <summary>Offset of the first packet behind a place; -1 = none is known.</summary>
    public long After(long offset)
    {
        _offsets ??= Read();
        var next = Array.BinarySearch(_offsets, offset + 1);
        next = next < 0 ? ~next : next;
        return next < _offsets.Length ? _offsets[next] : -1;
    }

    private long[] Read()
    {
        try
        {
            using var index = SegmentIndex.Open(SegmentIndex.PathOf(segment.Path), segment.Bytes, out _);
            if (index is null)
            {
                return [];
            }

            var offsets = new List<long>();
            for (var flow = 0; flow < index.Flows; flow++)
            {
                index.AddPackets(flow, offsets);
            }

            offsets.Sort();
            return [.. offsets];
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return [];
        }
    }
}

// What a folder's summary says of one segment, as a query uses it. Parsed when asked for. Every part has to be exactly what would have been
// read from the segment or its index, by the same checks; else there is none, and the segment is asked. Any thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record.Extract;

namespace Tapline.Record.Summary;

/// <summary>One segment's summary.</summary>
internal sealed class SegmentSummary(SummaryRow row, SummaryHeads heads, string headsPath)
{
    /// <summary>Length of the segment that it is of.</summary>
    public long SegmentBytes => row.SegmentBytes;

    /// <summary>The segment's end; null = none that counts.</summary>
    public SegmentEnd? End()
    {
        var tail = row.Tail.Span;
        var ledger = SummaryRow.LastBlock(tail);
        return ledger.IsEmpty ? null : SegmentEnd.TryParse(ledger, SummaryRow.LastBlock(tail[..^ledger.Length]), row.SegmentBytes);
    }

    /// <summary>The descriptions of a segment with so many; null = none that count.</summary>
    public IReadOnlyList<byte[]>? Descriptions(int count)
    {
        var blocks = new List<byte[]>();
        var rest = row.Descriptions.Span;
        while (rest.Length >= PcapngWriter.BlockFrameBytes)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            if (length < PcapngWriter.BlockFrameBytes || length > rest.Length || !SegmentDescriptions.IsDescription(rest[..(int)length]))
            {
                return null;
            }

            blocks.Add(rest[..(int)length].ToArray());
            rest = rest[(int)length..];
        }

        return rest.IsEmpty && blocks.Count == count ? blocks : null;
    }

    /// <summary>Where the first bytes of its index are: they will soon be asked for.</summary>
    public void ExpectHead()
    {
        if (row.HeadBytes > 0)
        {
            heads.WillNeed(headsPath, row.HeadOffset, row.HeadBytes);
        }
    }

    /// <summary>The first bytes of its index; null = none. Reads.</summary>
    public byte[]? Head()
    {
        if (row.HeadBytes == 0)
        {
            return null;
        }

        var head = new byte[row.HeadBytes];
        return heads.TryRead(headsPath, head, row.HeadOffset) && Crc32C.Compute(head) == row.HeadCrc ? head : null;
    }
}

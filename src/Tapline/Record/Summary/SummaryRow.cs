// One row of a folder's summary: what a query wants of one segment before it has chosen packets. Laid out here and nowhere else
// (docs/formats/summary.md). Written without allocation; read from hostile bytes: a row counts when its checksum holds and
// its parts fill it, and then still only for a segment of that name and length.
//
//  0 magic "TLSUMRY1" 8    8 row bytes 4   12 CRC-32C of all behind it 4   16 start ns 8   24 segment bytes 8
// 32 worker 2   34 flags 2   36 tail bytes 4   40 descriptions bytes 4   44 head bytes 4   48 offset of the head 8
// 56 CRC-32C of the head 4   60 zero 4   64 tail, then descriptions
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record.Summary;

/// <summary>A row that was read. Immutable.</summary>
/// <param name="Name">The segment.</param>
/// <param name="SegmentBytes">Its length.</param>
/// <param name="Tail">Its last two blocks: places and ledger.</param>
/// <param name="Descriptions">Its blocks that describe interfaces and machines, in the order of the file.</param>
/// <param name="HeadOffset">Where the head of its index is in the shelf's file of heads.</param>
/// <param name="HeadBytes">Its length; 0 = there is none.</param>
/// <param name="HeadCrc">CRC-32C of it.</param>
internal sealed record SummaryRow(
    SegmentName Name, long SegmentBytes, ReadOnlyMemory<byte> Tail, ReadOnlyMemory<byte> Descriptions, long HeadOffset, int HeadBytes,
    uint HeadCrc)
{
    public const int FixedBytes = 64;
    private const ulong Magic = 0x3159_524D_5553_4C54; // "TLSUMRY1" read little-endian
    private const int CoveredAt = 16;
    private const ushort RecoveredFlag = 1;

    /// <summary>Completes a row whose parts stand behind its fixed bytes already.</summary>
    public static void Write(
        Span<byte> row, in SegmentName name, long segmentBytes, int tailBytes, long headOffset, ReadOnlySpan<byte> head)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(row, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(row[8..], row.Length);
        BinaryPrimitives.WriteInt64LittleEndian(row[16..], name.StartNs);
        BinaryPrimitives.WriteInt64LittleEndian(row[24..], segmentBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(row[32..], name.Worker);
        BinaryPrimitives.WriteUInt16LittleEndian(row[34..], name.IsRecovered ? RecoveredFlag : (ushort)0);
        BinaryPrimitives.WriteInt32LittleEndian(row[36..], tailBytes);
        BinaryPrimitives.WriteInt32LittleEndian(row[40..], row.Length - FixedBytes - tailBytes);
        BinaryPrimitives.WriteInt32LittleEndian(row[44..], head.Length);
        BinaryPrimitives.WriteInt64LittleEndian(row[48..], headOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(row[56..], Crc32C.Compute(head));
        BinaryPrimitives.WriteInt32LittleEndian(row[60..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(row[12..], Crc32C.Compute(row[CoveredAt..]));
    }

    /// <summary>Reads the row that begins here, and its length; null when there is none.</summary>
    public static SummaryRow? TryRead(ReadOnlyMemory<byte> bytes, out int length)
    {
        length = 0;
        var row = bytes.Span;
        if (row.Length < FixedBytes || BinaryPrimitives.ReadUInt64LittleEndian(row) != Magic)
        {
            return null;
        }

        var whole = BinaryPrimitives.ReadUInt32LittleEndian(row[8..]);
        if (whole is < FixedBytes or > Limits.SummaryRowBytesMax || whole > row.Length)
        {
            return null;
        }

        row = row[..(int)whole];
        var tail = BinaryPrimitives.ReadUInt32LittleEndian(row[36..]);
        var descriptions = BinaryPrimitives.ReadUInt32LittleEndian(row[40..]);
        var head = BinaryPrimitives.ReadUInt32LittleEndian(row[44..]);
        var headOffset = BinaryPrimitives.ReadInt64LittleEndian(row[48..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(row[12..]) != Crc32C.Compute(row[CoveredAt..])
            || FixedBytes + (long)tail + descriptions != whole || head > Limits.IndexFirstReadBytes || headOffset < 0)
        {
            return null;
        }

        length = (int)whole;
        var isRecovered = (BinaryPrimitives.ReadUInt16LittleEndian(row[34..]) & RecoveredFlag) != 0;
        return new SummaryRow(
            new SegmentName(
                BinaryPrimitives.ReadInt64LittleEndian(row[16..]), BinaryPrimitives.ReadUInt16LittleEndian(row[32..]), isRecovered),
            BinaryPrimitives.ReadInt64LittleEndian(row[24..]),
            bytes.Slice(FixedBytes, (int)tail), bytes.Slice(FixedBytes + (int)tail, (int)descriptions),
            headOffset, (int)head, BinaryPrimitives.ReadUInt32LittleEndian(row[56..]));
    }

    /// <summary>The block that ends these bytes, whatever its type; empty when there is none.</summary>
    public static ReadOnlySpan<byte> LastBlock(ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length < PcapngWriter.BlockFrameBytes ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]);
        return length >= PcapngWriter.BlockFrameBytes && length <= bytes.Length ? bytes[^(int)length..] : [];
    }
}

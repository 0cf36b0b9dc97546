// The block that lets a segment state its own completeness: one row per point with every frame of the segment's window
// accounted for. docs/formats/segment.md draws it. It is a block of the local-use range, because Wireshark lists a
// custom block as one more packet (seen with 4.0.17), and then its frame count would not be ours.
//
// body:  0 magic "TLLEDGER" 8   8 version 2 | 10 row bytes 2 | 12 rows 4   16 flags 4 | 20 worker 4
//       24 window start 8   32 window end 8   40 rows of 88   then CRC-32C of all before it 4, zero 4
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record;

/// <summary>One point's ledger over a segment's window; -1 = not known.</summary>
public struct LedgerBlockRow
{
    public ushort Point;

    /// <summary>The point's (last) interface in this file; 0xffffffff = none.</summary>
    public uint Interface;

    /// <summary>arrived = captured + dropped_ring.</summary>
    public long Arrived;
    public long DroppedRing;

    /// <summary>captured = recorded + filtered + other_class + dropped_recorder.</summary>
    public long Captured;
    public long Recorded;
    public long Filtered;
    public long DroppedRecorder;

    /// <summary>Bytes of the recorded frames as captured.</summary>
    public long RecordedBytes;

    /// <summary>Recorded frames whose bytes were cut by the capture.</summary>
    public long Cut;

    /// <summary>Frames that are for another class of the recording: its segments account for them.</summary>
    public long OtherClass;

    /// <summary>Recorded frames whose bytes were cut on purpose, by what the class takes.</summary>
    public long Sliced;
}

/// <summary>Encodes and decodes the ledger block. No allocation when writing.</summary>
public static class LedgerBlock
{
    /// <summary>A type of the range 0x80000000 up, which the format leaves to local use: "TL", 1.</summary>
    public const uint Type = 0x8054_4C01;
    public const int RowBytes = 88;
    public const ushort Version = 1;

    /// <summary>The segment's end was lost: only interface, recorded and recorded bytes are known.</summary>
    public const uint RecoveredFlag = 1;

    private const ulong Magic = 0x5245_4744_454C_4C54; // "TLLEDGER" read little-endian
    // Rows of recordings from before there were classes: nothing was another's, nothing sliced.
    private const int RowBytesMin = 72;
    private const int FixedBytes = 40;
    private const int TrailerBytes = 8;

    /// <summary>Length of the whole block with so many rows.</summary>
    public static int BlockBytes(int rows) => PcapngWriter.BlockFrameBytes + BodyBytes(rows);

    /// <summary>Begins the block; rows follow by <see cref="WriteRow"/>, then <see cref="Finish"/>.</summary>
    public static void Begin(Span<byte> block, int rows, uint flags, int worker, long startNs, long endNs)
    {
        var body = block.Slice(8, BodyBytes(rows));
        BinaryPrimitives.WriteUInt64LittleEndian(body, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(body[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(body[10..], RowBytes);
        BinaryPrimitives.WriteInt32LittleEndian(body[12..], rows);
        BinaryPrimitives.WriteUInt32LittleEndian(body[16..], flags);
        BinaryPrimitives.WriteInt32LittleEndian(body[20..], worker);
        BinaryPrimitives.WriteInt64LittleEndian(body[24..], startNs);
        BinaryPrimitives.WriteInt64LittleEndian(body[32..], endNs);
    }

    /// <summary>Writes one row.</summary>
    public static void WriteRow(Span<byte> block, int index, in LedgerBlockRow row)
    {
        var target = block.Slice(8 + FixedBytes + (index * RowBytes), RowBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(target, row.Point);
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], row.Interface);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], row.Arrived);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], row.DroppedRing);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], row.Captured);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], row.Recorded);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], row.Filtered);
        BinaryPrimitives.WriteInt64LittleEndian(target[48..], row.DroppedRecorder);
        BinaryPrimitives.WriteInt64LittleEndian(target[56..], row.RecordedBytes);
        BinaryPrimitives.WriteInt64LittleEndian(target[64..], row.Cut);
        BinaryPrimitives.WriteInt64LittleEndian(target[72..], row.OtherClass);
        BinaryPrimitives.WriteInt64LittleEndian(target[80..], row.Sliced);
    }

    /// <summary>Ends the block and returns its length.</summary>
    public static int Finish(Span<byte> block, int rows)
    {
        var length = BlockBytes(rows);
        var body = block.Slice(8, BodyBytes(rows));
        BinaryPrimitives.WriteUInt32LittleEndian(body[^TrailerBytes..], Crc32C.Compute(body[..^TrailerBytes]));
        BinaryPrimitives.WriteUInt32LittleEndian(body[^4..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(block, Type);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], length);
        BinaryPrimitives.WriteInt32LittleEndian(block[(length - 4)..], length);
        return length;
    }

    /// <summary>Reads a block's body; false when it is not a whole ledger of a known version. Allocates the rows.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> body, out LedgerBlockRow[] rows, out uint flags, out long startNs, out long endNs)
    {
        (rows, flags, startNs, endNs) = ([], 0, 0, 0);
        if (body.Length < FixedBytes + TrailerBytes || BinaryPrimitives.ReadUInt64LittleEndian(body) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(body[8..]) != Version)
        {
            return false;
        }

        var rowBytes = BinaryPrimitives.ReadUInt16LittleEndian(body[10..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(body[12..]);
        if (rowBytes < RowBytesMin || FixedBytes + ((long)count * rowBytes) + TrailerBytes != body.Length
            || BinaryPrimitives.ReadUInt32LittleEndian(body[^TrailerBytes..]) != Crc32C.Compute(body[..^TrailerBytes]))
        {
            return false;
        }

        flags = BinaryPrimitives.ReadUInt32LittleEndian(body[16..]);
        startNs = BinaryPrimitives.ReadInt64LittleEndian(body[24..]);
        endNs = BinaryPrimitives.ReadInt64LittleEndian(body[32..]);
        rows = new LedgerBlockRow[count];
        for (var index = 0; index < rows.Length; index++)
        {
            rows[index] = ReadRow(body.Slice(FixedBytes + (index * rowBytes), rowBytes));
        }

        return true;
    }

    private static LedgerBlockRow ReadRow(ReadOnlySpan<byte> row) => new()
    {
        Point = BinaryPrimitives.ReadUInt16LittleEndian(row),
        Interface = BinaryPrimitives.ReadUInt32LittleEndian(row[4..]),
        Arrived = BinaryPrimitives.ReadInt64LittleEndian(row[8..]),
        DroppedRing = BinaryPrimitives.ReadInt64LittleEndian(row[16..]),
        Captured = BinaryPrimitives.ReadInt64LittleEndian(row[24..]),
        Recorded = BinaryPrimitives.ReadInt64LittleEndian(row[32..]),
        Filtered = BinaryPrimitives.ReadInt64LittleEndian(row[40..]),
        DroppedRecorder = BinaryPrimitives.ReadInt64LittleEndian(row[48..]),
        RecordedBytes = BinaryPrimitives.ReadInt64LittleEndian(row[56..]),
        Cut = BinaryPrimitives.ReadInt64LittleEndian(row[64..]),
        OtherClass = row.Length < RowBytes ? 0 : BinaryPrimitives.ReadInt64LittleEndian(row[72..]),
        Sliced = row.Length < RowBytes ? 0 : BinaryPrimitives.ReadInt64LittleEndian(row[80..]),
    };

    private static int BodyBytes(int rows) => FixedBytes + (rows * RowBytes) + TrailerBytes;
}

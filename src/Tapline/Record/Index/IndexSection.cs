// One row of the table of sections: where a part of the index lies, and its checksum.
using System.Buffers.Binary;

namespace Tapline.Record.Index;

/// <summary>A section's place in the file. Offsets and lengths are below 4 GiB.</summary>
internal readonly record struct IndexSection(IndexSectionKind Kind, long Offset, long Bytes, uint Crc)
{
    public void Write(Span<byte> row)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(row, (ushort)Kind);
        BinaryPrimitives.WriteUInt16LittleEndian(row[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(row[4..], Crc);
        BinaryPrimitives.WriteUInt32LittleEndian(row[8..], checked((uint)Offset));
        BinaryPrimitives.WriteUInt32LittleEndian(row[12..], checked((uint)Bytes));
    }

    public static IndexSection Read(ReadOnlySpan<byte> row) => new(
        (IndexSectionKind)BinaryPrimitives.ReadUInt16LittleEndian(row),
        BinaryPrimitives.ReadUInt32LittleEndian(row[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(row[12..]),
        BinaryPrimitives.ReadUInt32LittleEndian(row[4..]));
}

// The last 32 bytes of a finished container: where its table begins. Only a way there: what the table says is authenticated, this
// is not. Parsed from hostile bytes on a span.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>A container's last bytes.</summary>
/// <param name="TableOffset">Where the first block of the table begins in the file.</param>
/// <param name="LogicalBytes">Length of the content.</param>
/// <param name="Blocks">Blocks of content.</param>
internal readonly record struct ContainerTrailer(long TableOffset, long LogicalBytes, uint Blocks)
{
    public const int Bytes = 32;
    private const ulong Magic = 0x3144_4E45_4E43_4C54; // "TLCNEND1" read little-endian
    private const int CrcOffset = 28;

    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], TableOffset);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], LogicalBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], Blocks);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Compute(target[..CrcOffset]));
    }

    public static bool TryParse(ReadOnlySpan<byte> bytes, out ContainerTrailer trailer)
    {
        trailer = default;
        if (bytes.Length != Bytes || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]) != Crc32C.Compute(bytes[..CrcOffset]))
        {
            return false;
        }

        trailer = new ContainerTrailer(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]));
        return true;
    }
}

// One row of a container's table: where a block is, and where its bytes belong.
using System.Buffers.Binary;

namespace Tapline.Record.Container;

/// <summary>A block's place.</summary>
/// <param name="FileOffset">Of its header.</param>
/// <param name="LogicalOffset">Of its first byte. Where a later block begins before this one ends, the later one counts.</param>
internal readonly record struct ContainerRow(long FileOffset, long LogicalOffset)
{
    public const int Bytes = 16;

    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, FileOffset);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], LogicalOffset);
    }

    public static ContainerRow Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(source), BinaryPrimitives.ReadInt64LittleEndian(source[8..]));
}

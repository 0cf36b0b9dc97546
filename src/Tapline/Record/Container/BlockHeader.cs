// The 64 bytes before each block of a container: which block of which writing it is, where its bytes belong, how long they are
// and how they are kept. docs/formats/container.md draws it. What says what the block is (the first 36 bytes) is authenticated
// with the block, so that none can be moved, repeated or left out unseen. Parsed from hostile bytes on a span.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>A block's header.</summary>
internal struct BlockHeader
{
    public const int Bytes = 64;

    /// <summary>Logical bytes of a block at most.</summary>
    public const int PlainBytesMax = Lz4Encoder.BlockBytesMax;

    public const int TagBytes = 16;
    public const int NonceBytes = 12;
    public const int AuthenticatedBytes = 36;
    public const int TagOffset = 40;
    private const uint Magic = 0x4B42_4C54; // "TLBK" read little-endian
    private const int CrcOffset = 60;

    /// <summary>Its place in the container, from 0; tables count on.</summary>
    public uint Number;

    /// <summary>Where its bytes belong; of a table: the length of them all.</summary>
    public long LogicalOffset;

    /// <summary>Length of its bytes.</summary>
    public int PlainBytes;

    /// <summary>Length as it is stored.</summary>
    public int StoredBytes;

    /// <summary>Stored by LZ4; false = as it is.</summary>
    public bool IsCompressed;

    /// <summary>A part of the table at the end.</summary>
    public bool IsTable;

    /// <summary>A random number of who wrote it: with the number no two blocks under one key are alike.</summary>
    public ulong Session;

    /// <summary>CRC-32C of the stored bytes.</summary>
    public uint StoredCrc;

    /// <summary>Writes it; the tag's place is left alone.</summary>
    public readonly void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], LogicalOffset);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], PlainBytes);
        BinaryPrimitives.WriteInt32LittleEndian(target[20..], StoredBytes);
        target[24] = (byte)(IsCompressed ? 1 : 0);
        target[25] = (byte)(IsTable ? 1 : 0);
        target[26..28].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target[28..], Session);
        BinaryPrimitives.WriteUInt32LittleEndian(target[36..], StoredCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(target[56..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Compute(target[..CrcOffset]));
    }

    /// <summary>Reads it; false when it is none, or contradicts itself.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out BlockHeader header)
    {
        header = default;
        if (bytes.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]) != Crc32C.Compute(bytes[..CrcOffset]))
        {
            return false;
        }

        header = new BlockHeader
        {
            Number = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            LogicalOffset = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            PlainBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            StoredBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
            IsCompressed = bytes[24] == 1,
            IsTable = bytes[25] == 1,
            Session = BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]),
            StoredCrc = BinaryPrimitives.ReadUInt32LittleEndian(bytes[36..]),
        };
        return bytes[24] <= 1 && bytes[25] <= 1 && header.LogicalOffset >= 0
            && header.PlainBytes is > 0 and <= PlainBytesMax && header.StoredBytes > 0
            && (header.IsCompressed ? header.StoredBytes < header.PlainBytes : header.StoredBytes == header.PlainBytes);
    }

    /// <summary>The nonce of a block: session and number, as they stand in its header.</summary>
    public static void Nonce(ReadOnlySpan<byte> header, Span<byte> nonce)
    {
        header[28..36].CopyTo(nonce);
        header[4..8].CopyTo(nonce[8..]);
    }
}

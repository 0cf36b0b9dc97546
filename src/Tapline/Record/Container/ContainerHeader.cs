// The first 64 bytes of a container: whether and with which key it is encrypted. docs/formats/container.md draws it. Each
// container has a key of its own, derived from the recording's with this header as a whole: whoever changes a byte of it
// can't decrypt anything any more. Parsed from hostile bytes on a span.
using System.Buffers.Binary;
using System.Security.Cryptography;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>A container's header.</summary>
internal readonly struct ContainerHeader
{
    public const int Bytes = 64;
    public const int SaltBytes = 32;
    private const ulong Magic = 0x3152_4E54_4E43_4C54; // "TLCNTNR1" read little-endian
    private const ushort Version = 1;
    private const uint EncryptedFlag = 1;
    private const int SaltOffset = 16;
    private const int KeyIdOffset = 48;
    private const int BlockBytesOffset = 56;
    private const int CrcOffset = 60;

    public bool IsEncrypted { get; init; }

    /// <summary>Id of the key; meaningless where it is not encrypted.</summary>
    public ulong KeyId { get; init; }

    /// <summary>True when a file begins like a container.</summary>
    public static bool Recognises(ReadOnlySpan<byte> head) =>
        head.Length >= sizeof(ulong) && BinaryPrimitives.ReadUInt64LittleEndian(head) == Magic;

    /// <summary>Writes a header; a salt that was never used before makes the container's key its own.</summary>
    public static void Write(Span<byte> target, SegmentKey? key)
    {
        target = target[..Bytes];
        target.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(target[10..], Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], key is null ? 0 : EncryptedFlag);
        if (key is not null)
        {
            RandomNumberGenerator.Fill(target.Slice(SaltOffset, SaltBytes));
            BinaryPrimitives.WriteUInt64BigEndian(target[KeyIdOffset..], key.IdValue);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target[BlockBytesOffset..], BlockHeader.PlainBytesMax);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Compute(target[..CrcOffset]));
    }

    /// <summary>Reads a header; a clause where it can't be used.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ContainerHeader header, out string fault)
    {
        header = default;
        fault = "";
        if (bytes.Length < Bytes || !Recognises(bytes))
        {
            fault = "it does not begin like a container";
            return false;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]) != Crc32C.Compute(bytes[..CrcOffset]))
        {
            fault = "its header is damaged";
            return false;
        }

        var flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) != Version
            || BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]) != Bytes
            || (flags & ~EncryptedFlag) != 0
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[BlockBytesOffset..]) != BlockHeader.PlainBytesMax)
        {
            fault = "it is a container of a later version; read it with a later Tapline";
            return false;
        }

        header = new ContainerHeader
        {
            IsEncrypted = (flags & EncryptedFlag) != 0,
            KeyId = BinaryPrimitives.ReadUInt64BigEndian(bytes[KeyIdOffset..]),
        };
        return true;
    }

    /// <summary>The cipher of a container: HKDF-SHA-256 (RFC 5869) of the key, salted and bound to the whole header.</summary>
    public static AesGcm Cipher(ReadOnlySpan<byte> header, SegmentKey key)
    {
        Span<byte> own = stackalloc byte[SegmentKey.Bytes];
        Span<byte> info = stackalloc byte[16 + Bytes];
        "tapline segment1"u8.CopyTo(info);
        header[..Bytes].CopyTo(info[16..]);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret, own, header.Slice(SaltOffset, SaltBytes), info);
        var cipher = new AesGcm(own, BlockHeader.TagBytes);
        CryptographicOperations.ZeroMemory(own);
        return cipher;
    }
}

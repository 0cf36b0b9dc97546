// A SHA-256 as a value: compared, kept in tables and written as hexadecimal without an array. Plain data.
using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Tapline.Record.Evidence;

/// <summary>32 bytes of a hash.</summary>
internal readonly record struct Hash256(ulong A, ulong B, ulong C, ulong D)
{
    public const int Bytes = SHA256.HashSizeInBytes;
    public const int HexBytes = 2 * Bytes;

    /// <summary>The hash of some bytes; no allocation.</summary>
    public static Hash256 Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Bytes];
        SHA256.HashData(bytes, hash);
        return Read(hash);
    }

    public static Hash256 Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));

    /// <summary>Reads 64 hexadecimal digits; false for anything else.</summary>
    public static bool TryReadHex(ReadOnlySpan<byte> text, out Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        hash = default;
        if (text.Length != HexBytes
            || Convert.FromHexString(text, bytes, out _, out _) != OperationStatus.Done)
        {
            return false;
        }

        hash = Read(bytes);
        return true;
    }

    public void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, A);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], B);
        BinaryPrimitives.WriteUInt64BigEndian(target[16..], C);
        BinaryPrimitives.WriteUInt64BigEndian(target[24..], D);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}

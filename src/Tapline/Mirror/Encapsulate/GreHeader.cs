// GRE (RFC 2784) with key or sequence number (RFC 2890), version 0, no checksum. In: what follows and the optional fields.
// Out: 4 or 8 bytes. Pure; any thread.
//
//   flags 2 (K = 0x2000, S = 0x1000) | protocol 2 | key 4 or sequence 4
using System.Buffers.Binary;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes GRE headers.</summary>
internal static class GreHeader
{
    public const int Bytes = 4;
    public const int WithFieldBytes = 8;

    /// <summary>An Ethernet frame follows: "Transparent Ethernet Bridging" of the IEEE's registry.</summary>
    public const ushort TransparentEthernet = 0x6558;

    private const ushort KeyPresent = 0x2000;
    private const ushort SequencePresent = 0x1000;

    /// <summary>Four bytes, no optional field.</summary>
    public static void Write(Span<byte> to, ushort protocol) => BinaryPrimitives.WriteUInt32BigEndian(to, protocol);

    /// <summary>Eight bytes with a key.</summary>
    public static void WriteKeyed(Span<byte> to, ushort protocol, uint key) => Write(to, KeyPresent, protocol, key);

    /// <summary>Eight bytes with a sequence number.</summary>
    public static void WriteNumbered(Span<byte> to, ushort protocol, uint sequence) =>
        Write(to, SequencePresent, protocol, sequence);

    private static void Write(Span<byte> to, ushort flags, ushort protocol, uint field)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to, flags);
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], protocol);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], field);
    }
}

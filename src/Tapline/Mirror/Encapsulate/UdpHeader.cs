// UDP before a tunnel header (RFC 768). In: ports and length. Out: 8 bytes. The checksum stays zero: none over IPv4, as RFC
// 7348 section 5 and RFC 8926 section 3.3 have it; over IPv6, where receivers refuse that, the kernel computes it when the
// packet leaves. Pure; any thread.
//
//   source port 2 | destination port 2 | length 2 | checksum 2
using System.Buffers.Binary;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes UDP headers.</summary>
internal static class UdpHeader
{
    public const int Bytes = 8;
    public const int ChecksumOffset = 6;

    /// <summary>First of the 16,384 dynamic ports (RFC 6335 section 6), which tell flows apart on a path with many lanes.</summary>
    private const int DynamicPortsStart = 0xC000;

    private const uint DynamicPortMask = 0x3FFF;

    /// <summary>The source port of a flow: the same for both directions when the hash is.</summary>
    public static ushort SourcePort(uint flowHash)
    {
        // Fibonacci hashing: the middle bits of the product depend on all bits of the hash.
        var mixed = (flowHash * 0x9E37_79B1u) >> 16;
        return (ushort)(DynamicPortsStart + (mixed & DynamicPortMask));
    }

    /// <summary>Writes the header of a datagram of <paramref name="datagramBytes"/>, this header included.</summary>
    public static void Write(Span<byte> to, ushort source, ushort destination, int datagramBytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to, source);
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], destination);
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], (ushort)datagramBytes);
        BinaryPrimitives.WriteUInt16BigEndian(to[ChecksumOffset..], 0);
    }
}

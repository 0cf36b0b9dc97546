// Geneve without options (RFC 8926 section 3.4). In: the network identifier. Out: 8 bytes, then comes the frame. Pure; any
// thread.
//
//   version 2 bits, option length 6 bits | O, C, reserved 1 | protocol 2 | VNI 3 | reserved 1
using System.Buffers.Binary;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes Geneve headers.</summary>
internal static class GeneveHeader
{
    public const int Bytes = 8;
    public const ushort Port = 6081;
    public const uint VniMax = 0xFF_FFFF;

    /// <summary>Writes the header.</summary>
    public static void Write(Span<byte> to, uint vni)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, GreHeader.TransparentEthernet);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], vni << 8);
    }
}

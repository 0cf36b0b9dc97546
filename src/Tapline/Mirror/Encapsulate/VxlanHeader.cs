// VXLAN (RFC 7348 section 5). In: the network identifier. Out: 8 bytes, then comes the frame. Pure; any thread.
//
//   flags 1 (I = 0x08: the VNI is valid) | reserved 3 | VNI 3 | reserved 1
using System.Buffers.Binary;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes VXLAN headers.</summary>
internal static class VxlanHeader
{
    public const int Bytes = 8;
    public const ushort Port = 4789;
    public const uint VniMax = 0xFF_FFFF;
    private const uint VniIsValid = 0x0800_0000;

    /// <summary>Writes the header.</summary>
    public static void Write(Span<byte> to, uint vni)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, VniIsValid);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], vni << 8);
    }
}

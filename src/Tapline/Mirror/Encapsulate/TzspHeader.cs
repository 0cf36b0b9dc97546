// TZSP, the TaZmen Sniffer Protocol, as MikroTik routers send it and Wireshark reads it. In: nothing. Out: 5 bytes, then
// comes the frame. Pure; any thread.
//
//   version 1 (1) | type 1 (0 = a received frame) | encapsulated protocol 2 (1 = Ethernet) | tag 1 (1 = end of tags)
using System.Buffers.Binary;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes TZSP headers.</summary>
internal static class TzspHeader
{
    public const int Bytes = 5;
    public const ushort Port = 37008;
    private const uint ReceivedEthernet = 0x0100_0001;
    private const byte EndOfTags = 1;

    /// <summary>Writes the header.</summary>
    public static void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to, ReceivedEthernet);
        to[4] = EndOfTags;
    }
}

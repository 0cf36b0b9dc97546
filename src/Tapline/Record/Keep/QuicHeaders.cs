// QUIC's headers (RFC 9000 section 17, RFC 9369): the first bit tells long headers, which the handshake uses, from short ones, which
// only carry what is encrypted with the connection's final keys. Borrows spans, any thread.
using System.Buffers.Binary;

namespace Tapline.Record.Keep;

/// <summary>Looks at the beginnings of QUIC datagrams.</summary>
internal static class QuicHeaders
{
    private const int ConnectionIdBytesMax = 20;
    private const int LongHeaderBytesMin = 7;
    private const byte LongHeader = 0x80;
    private const byte FixedBit = 0x40;
    private const uint Version1 = 1;
    private const uint Version2 = 0x6b33_43cf;
    private const uint DraftMask = 0xffff_ff00;
    private const uint Drafts = 0xff00_0000;

    /// <summary>True for a datagram that begins with a long header.</summary>
    public static bool IsLong(ReadOnlySpan<byte> payload) => payload.Length > 0 && (payload[0] & LongHeader) != 0;

    /// <summary>True where a flow shows itself as QUIC: a long header of a version that exists, with ids that fit.</summary>
    public static bool ShowsItself(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < LongHeaderBytesMin || (payload[0] & (LongHeader | FixedBit)) != (LongHeader | FixedBit)
            || BinaryPrimitives.ReadUInt32BigEndian(payload[1..]) is not (Version1 or Version2) and var version
                && (version & DraftMask) != Drafts)
        {
            return false;
        }

        var destination = payload[5];
        return destination <= ConnectionIdBytesMax && payload.Length > 6 + destination && payload[6 + destination] <= ConnectionIdBytesMax;
    }
}

// SSH's packets in the clear (RFC 4253 sections 4.2 and 6): a line with the version, then packets of four bytes length, one byte
// padding length, one byte message number, until SSH_MSG_NEWKEYS. Borrows spans, any thread.
using System.Buffers.Binary;

namespace Tapline.Record.Keep;

/// <summary>Looks at headers of SSH packets.</summary>
internal static class SshPackets
{
    public const int HeaderBytes = 6;
    private const int LengthBytes = 4;
    private const int LengthMin = 2;
    private const int LengthMax = 35_000; // RFC 4253 section 6.1
    private const byte TransportMax = 4; // disconnect, ignore, unimplemented, debug
    private const byte KeyExchangeInit = 20;
    private const byte NewKeys = 21;
    private const byte KeyExchangeFirst = 30;
    private const byte KeyExchangeLast = 49;

    /// <summary>True where a flow shows itself as SSH.</summary>
    public static bool ShowsItself(ReadOnlySpan<byte> payload) => payload.StartsWith("SSH-"u8);

    /// <summary>True for the header of a packet that key exchange sends in the clear.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> bytes) => bytes.Length >= HeaderBytes
        && BinaryPrimitives.ReadUInt32BigEndian(bytes) is >= LengthMin and <= LengthMax
        && bytes[5] is (>= 1 and <= TransportMax) or KeyExchangeInit or NewKeys or (>= KeyExchangeFirst and <= KeyExchangeLast);

    /// <summary>True when what comes after this packet is encrypted.</summary>
    public static bool IsLast(ReadOnlySpan<byte> header) => header[5] == NewKeys;

    /// <summary>Bytes of the packet after the header.</summary>
    public static int Length(ReadOnlySpan<byte> header) =>
        (int)BinaryPrimitives.ReadUInt32BigEndian(header) + LengthBytes - HeaderBytes;
}

// TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2.1): one byte type, two bytes version, two bytes length. Types 20 to 22 (change
// of cipher, alert, handshake) are the handshake; type 23 is application data, which in TLS 1.3 covers the encrypted rest
// of the handshake as well: nothing of that can be read without keys. Borrows spans, any thread.
using System.Buffers.Binary;

namespace Tapline.Record.Keep;

/// <summary>Looks at headers of TLS records.</summary>
internal static class TlsRecords
{
    public const int HeaderBytes = 5;
    private const byte ChangeCipherSpec = 20;
    private const byte Handshake = 22;
    private const byte ApplicationData = 23;
    private const byte MajorVersion = 3;
    private const byte MinorVersionMax = 4;
    private const int LengthMax = (1 << 14) + 2048; // RFC 5246: a ciphertext may be 2048 bytes longer than its plain text
    private const int CiphertextMin = 17; // RFC 8446 section 5.2: a byte of type and an AEAD's tag
    private const byte ClientHello = 1;
    private const byte ServerHello = 2;

    /// <summary>True where a record begins here, as far as its header tells.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> bytes) => bytes.Length >= HeaderBytes
        && bytes[0] is >= ChangeCipherSpec and <= ApplicationData && bytes[1] == MajorVersion && bytes[2] <= MinorVersionMax
        && Length(bytes) is > 0 and <= LengthMax;

    /// <summary>True for a header of application data.</summary>
    public static bool IsBulk(ReadOnlySpan<byte> header) => header[0] == ApplicationData;

    /// <summary>Bytes after the header.</summary>
    public static int Length(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt16BigEndian(header[3..]);

    /// <summary>True where a flow shows itself as TLS: by a hello, or by whole records of data where it was joined midway.</summary>
    public static bool ShowsItself(ReadOnlySpan<byte> payload)
    {
        if (!IsHeader(payload) || payload.Length <= HeaderBytes)
        {
            return false;
        }

        if (payload[0] == Handshake)
        {
            return payload[HeaderBytes] is ClientHello or ServerHello;
        }

        var next = HeaderBytes + Length(payload);
        return IsBulk(payload) && Length(payload) >= CiphertextMin
            && (next >= payload.Length || payload.Length - next < HeaderBytes || IsHeader(payload[next..]));
    }
}

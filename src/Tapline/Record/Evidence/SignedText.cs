// The form that seals, journals and manifests share: JSON whose last line is the signature of all lines before it, so that
// `head -n -1 FILE | openssl dgst -sha256 -verify …` says what we say (docs/formats/evidence.md). Composed into memory that is
// used again, without allocation; read from bytes that are hostile until the signature is known to be right. One thread.
using System.Buffers.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Index;

namespace Tapline.Record.Evidence;

/// <summary>Composes one signed text after the other.</summary>
internal sealed class SignedText
{
    private const int NumberBytesMax = 20;
    private readonly ByteSink _sink = new();

    private static ReadOnlySpan<byte> LastLine => "\"signature\":\""u8;

    private static ReadOnlySpan<byte> End => "\"}\n"u8;

    /// <summary>What has been composed.</summary>
    public ReadOnlySpan<byte> Written => _sink.Written;

    public SignedText Clear()
    {
        _sink.Clear();
        return this;
    }

    public SignedText Add(ReadOnlySpan<byte> text)
    {
        _sink.Add(text);
        return this;
    }

    public SignedText Add(long number)
    {
        Invariant.Check(Utf8Formatter.TryFormat(number, _sink.Room(NumberBytesMax), out var written));
        _sink.Advance(written);
        return this;
    }

    public SignedText Add(in Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Bytes];
        hash.Write(bytes);
        Invariant.Check(Convert.TryToHexStringLower(bytes, _sink.Room(Hash256.HexBytes), out var written));
        _sink.Advance(written);
        return this;
    }

    public SignedText AddId(UInt128 id)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, id);
        Invariant.Check(Convert.TryToHexStringLower(bytes, _sink.Room(32), out var written));
        _sink.Advance(written);
        return this;
    }

    public SignedText AddTime(long timeNs)
    {
        TimeText.Write(timeNs, _sink.Room(TimeText.Length));
        _sink.Advance(TimeText.Length);
        return this;
    }

    /// <summary>Ends the text, which must end with a comma and a new line, with its signature.</summary>
    /// <returns>SHA-256 of what is signed: the link by which the next text of a chain names this one.</returns>
    public Hash256 Sign(NodeKey key)
    {
        Invariant.Check(Written.EndsWith(",\n"u8));
        var link = Hash256.Of(Written);
        Span<byte> signature = stackalloc byte[EcdsaSigner.SignatureBytesMax];
        var length = key.Sign(link, signature);
        _sink.Add(LastLine);
        var room = _sink.Room(Base64.GetMaxEncodedToUtf8Length(length));
        _ = Base64.EncodeToUtf8(signature[..length], room, out _, out var written);
        _sink.Advance(written);
        _sink.Add(End);
        return link;
    }

    /// <summary>Takes a text apart; false when its last line is no signature.</summary>
    /// <param name="text">All of it.</param>
    /// <param name="signed">What the signature is of.</param>
    /// <param name="signature">At least <see cref="EcdsaSigner.SignatureBytesMax"/> bytes.</param>
    /// <param name="length">The signature's length.</param>
    public static bool TrySplit(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> signed, Span<byte> signature, out int length)
    {
        signed = default;
        length = 0;
        if (text.Length < 2 || !text.EndsWith(End))
        {
            return false;
        }

        var start = text[..^1].LastIndexOf((byte)'\n') + 1;
        var last = text[start..];
        if (start == 0 || last.Length < LastLine.Length + End.Length || !last.StartsWith(LastLine))
        {
            return false;
        }

        signed = text[..start];
        var digits = last[LastLine.Length..^End.Length];
        Span<byte> again = stackalloc byte[Base64.GetMaxEncodedToUtf8Length(EcdsaSigner.SignatureBytesMax)];
        if (digits.Length > again.Length
            || Base64.DecodeFromUtf8(digits, signature, out _, out length) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        // Only as we write it: the last digit has bits that a decoder does not look at.
        _ = Base64.EncodeToUtf8(signature[..length], again, out _, out var written);
        return digits.SequenceEqual(again[..written]);
    }

    /// <summary>True when a text was signed by the key that it names and the key is trusted.</summary>
    public static bool IsSigned(ReadOnlySpan<byte> text, in Hash256 key, PublicKeys keys)
    {
        Span<byte> signature = stackalloc byte[EcdsaSigner.SignatureBytesMax + 2];
        return TrySplit(text, out var signed, signature, out var length)
            && keys.Verify(key, Hash256.Of(signed), signature[..length]);
    }

    /// <summary>Reads a time of <see cref="AddTime"/> back.</summary>
    public static bool TryReadTime(ReadOnlySpan<byte> text, out long timeNs)
    {
        timeNs = 0;
        if (text.Length != TimeText.Length || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':'
            || text[19] != '.' || text[29] != 'Z'
            || !TryDigits(text[..4], out var year) || !TryDigits(text.Slice(5, 2), out var month)
            || !TryDigits(text.Slice(8, 2), out var day) || !TryDigits(text.Slice(11, 2), out var hour)
            || !TryDigits(text.Slice(14, 2), out var minute) || !TryDigits(text.Slice(17, 2), out var second)
            || !TryDigits(text.Slice(20, 9), out var ns)
            || year is < 1970 or > 2262 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        var ticks = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks - DateTime.UnixEpoch.Ticks;
        if (ticks > (long.MaxValue - ns) / 100)
        {
            return false;
        }

        timeNs = (ticks * 100) + ns;
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<byte> text, out int value) =>
        Utf8Parser.TryParse(text, out value, out var consumed) && consumed == text.Length && text[0] is >= (byte)'0' and <= (byte)'9';
}

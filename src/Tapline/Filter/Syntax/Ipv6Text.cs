// IPv6 addresses in text (RFC 4291 section 2.2), a dotted quad at the end included; no scope and no prefix.
namespace Tapline.Filter.Syntax;

/// <summary>Parses IPv6 addresses.</summary>
internal static class Ipv6Text
{
    private const int Groups = 8;

    /// <summary>True when the whole text is an address.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = 0;
        Span<ushort> groups = stackalloc ushort[Groups];
        var count = 0;
        var gapAt = -1;
        var at = 0;
        if (text.StartsWith("::"))
        {
            gapAt = 0;
            at = 2;
        }

        while (at < text.Length)
        {
            if (count > 0 && gapAt != count)
            {
                if (text[at++] != ':')
                {
                    return false;
                }

                if (at < text.Length && text[at] == ':')
                {
                    if (gapAt >= 0)
                    {
                        return false;
                    }

                    gapAt = count;
                    if (++at == text.Length)
                    {
                        break;
                    }
                }
            }

            if (count <= Groups - 2 && TryQuad(text[at..], out var quad))
            {
                groups[count++] = (ushort)(quad >> 16);
                groups[count++] = (ushort)quad;
                at = text.Length;
                break;
            }

            if (count == Groups || !TryGroup(text, ref at, out groups[count]))
            {
                return false;
            }

            count++;
        }

        if (gapAt < 0 ? count != Groups : count >= Groups)
        {
            return false;
        }

        for (var i = 0; i < Groups; i++)
        {
            var isGap = gapAt >= 0 && i >= gapAt && i < gapAt + Groups - count;
            var from = gapAt >= 0 && i >= gapAt ? i - (Groups - count) : i;
            address = (address << 16) | (isGap ? (ushort)0 : groups[from]);
        }

        return true;
    }

    private static bool TryGroup(ReadOnlySpan<char> text, ref int at, out ushort value)
    {
        uint part = 0;
        var start = at;
        while (at < text.Length && at < start + 4 && char.IsAsciiHexDigit(text[at]))
        {
            part = (part << 4) | (uint)(char.IsAsciiDigit(text[at]) ? text[at] - '0' : (text[at] | 0x20) - 'a' + 10);
            at++;
        }

        value = (ushort)part;
        return at > start;
    }

    private static bool TryQuad(ReadOnlySpan<char> text, out uint value) =>
        Ipv4Text.TryParse(text, out value, out var bits) && bits == 32;
}

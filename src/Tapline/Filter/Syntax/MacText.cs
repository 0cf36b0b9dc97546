// MAC addresses as pcap-filter(7) writes them: 0:1b:21:3c:9d:f8, 00-1b-21-3c-9d-f8, 0.1b.21.3c.9d.f8, 001b.213c.9df8 and
// 001b213c9df8.
namespace Tapline.Filter.Syntax;

/// <summary>Recognises MAC addresses.</summary>
internal static class MacText
{
    private const int Bytes = 6;

    /// <summary>Length of the address with which the text begins, 0 = none, and its 48 bits.</summary>
    public static int Match(ReadOnlySpan<char> text, out ulong value)
    {
        foreach (var separator in ":-.")
        {
            if (Groups(text, separator, Bytes, 1, 2, out value) is > 0 and var length)
            {
                return length;
            }
        }

        var dotted = Groups(text, '.', Bytes / 2, 4, 4, out value);
        return dotted > 0 ? dotted : Groups(text, '\0', Bytes / 2, 4, 4, out value);
    }

    private static int Groups(ReadOnlySpan<char> text, char separator, int count, int digitsMin, int digitsMax, out ulong value)
    {
        value = 0;
        var at = 0;
        for (var group = 0; group < count; group++)
        {
            if (group > 0 && separator != '\0')
            {
                if (at >= text.Length || text[at] != separator)
                {
                    return 0;
                }

                at++;
            }

            var digits = 0;
            uint part = 0;
            while (digits < digitsMax && at < text.Length && char.IsAsciiHexDigit(text[at]))
            {
                part = (part << 4) | (uint)(char.IsAsciiDigit(text[at]) ? text[at] - '0' : (text[at] | 0x20) - 'a' + 10);
                digits++;
                at++;
            }

            if (digits < digitsMin)
            {
                return 0;
            }

            value = (value << (digitsMax * 4)) | part;
        }

        return at;
    }
}

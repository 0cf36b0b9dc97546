// MAC addresses as people and programs write them: six pairs of hexadecimal digits with colons, and the other forms that
// exports of inventories have. Pure.
using System.Globalization;

namespace Tapline.Capture.Identity;

/// <summary>Reads and writes MAC addresses.</summary>
internal static class MacText
{
    private const int Length = 17;
    private const int Digits = 12;

    /// <summary>Reads <c>52:54:00:12:34:56</c>, exactly; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ulong mac)
    {
        mac = 0;
        if (text.Length != Length)
        {
            return false;
        }

        for (var i = 0; i < 6; i++)
        {
            if ((i > 0 && text[(i * 3) - 1] != ':')
                || !byte.TryParse(text.Slice(i * 3, 2), NumberStyles.AllowHexSpecifier, null, out var part))
            {
                mac = 0;
                return false;
            }

            mac = (mac << 8) | part;
        }

        return true;
    }

    /// <summary>
    /// Reads what exports have, too: <c>52-54-00-12-34-56</c>, <c>5254.0012.3456</c>, <c>525400123456</c>. Groups are equal or
    /// there are none.
    /// </summary>
    public static bool TryParseAny(ReadOnlySpan<char> text, out ulong mac)
    {
        mac = 0;
        var separator = text.IndexOfAny(":-.");
        var group = separator < 0 ? Digits : separator;
        if (group is not (2 or 4 or Digits) || text.Length != Digits + (Digits / group) - 1)
        {
            return false;
        }

        var value = 0UL;
        for (var i = 0; i < text.Length; i++)
        {
            if (i % (group + 1) == group)
            {
                if (text[i] != text[separator])
                {
                    return false;
                }
            }
            else if (char.IsAsciiHexDigit(text[i]))
            {
                value = (value << 4) | HexDigit(text[i]);
            }
            else
            {
                return false;
            }
        }

        mac = value;
        return true;
    }

    private static uint HexDigit(char digit) =>
        (uint)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);

    /// <summary>Six pairs with colons, in lower case.</summary>
    public static string Format(ulong mac) => string.Create(Length, mac, static (text, mac) =>
    {
        for (var i = 0; i < 6; i++)
        {
            ((byte)(mac >> (40 - (8 * i)))).TryFormat(text[(i * 3)..], out _, "x2", CultureInfo.InvariantCulture);
            if (i > 0)
            {
                text[(i * 3) - 1] = ':';
            }
        }
    });
}

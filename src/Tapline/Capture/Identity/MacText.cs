// MAC addresses as people and programs write them: six pairs of hexadecimal digits with colons. Pure.
using System.Globalization;

namespace Tapline.Capture.Identity;

/// <summary>Reads MAC addresses.</summary>
internal static class MacText
{
    private const int Length = 17;

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
}

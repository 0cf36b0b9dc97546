// IPv4 addresses in text, short ones included: `10.1` is the first two bytes.
namespace Tapline.Filter.Syntax;

/// <summary>Parses IPv4 addresses.</summary>
internal static class Ipv4Text
{
    /// <summary>The bytes that are given, left-justified, and how many bits they are; false when one is above 255.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out uint address, out int bits)
    {
        address = 0;
        bits = 0;
        var at = 0;
        while (bits < 32)
        {
            uint part = 0;
            var start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
            {
                part = (part * 10) + (uint)(text[at++] - '0');
                if (part > byte.MaxValue)
                {
                    return false;
                }
            }

            if (at == start)
            {
                return false;
            }

            address |= part << (24 - bits);
            bits += 8;
            if (at == text.Length)
            {
                return true;
            }

            if (text[at++] != '.')
            {
                return false;
            }
        }

        return false;
    }
}

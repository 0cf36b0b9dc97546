// IPv6 addresses as text (RFC 5952): lower case, no leading zeros, the longest run of two or more zero groups as `::`.
// Into a caller's span without allocation: the console asks for live flows each second.
using System.Globalization;

namespace Tapline.Store;

/// <summary>Formats IPv6 addresses. Any thread.</summary>
internal static class Ipv6Text
{
    private const int Groups = 8;

    /// <summary>Writes the address; returns the number of characters. 39 at most.</summary>
    public static int Format(IpAddress16 address, Span<char> text)
    {
        FindZeros(address, out var zerosFrom, out var zerosTo);
        var length = 0;
        for (var group = 0; group < Groups; group++)
        {
            if (group == zerosFrom)
            {
                text[length++] = ':';
                text[length++] = ':';
                group = zerosTo - 1;
                continue;
            }

            if (group != 0 && group != zerosTo)
            {
                text[length++] = ':';
            }

            Group(address, group).TryFormat(text[length..], out var digits, "x", CultureInfo.InvariantCulture);
            length += digits;
        }

        return length;
    }

    /// <summary>The first of the longest runs of zero groups; an empty run where none has two.</summary>
    private static void FindZeros(IpAddress16 address, out int from, out int to)
    {
        from = -1;
        to = -1;
        var longest = 1;
        var start = 0;
        for (var group = 0; group <= Groups; group++)
        {
            if (group < Groups && Group(address, group) == 0)
            {
                continue;
            }

            if (group - start > longest)
            {
                longest = group - start;
                (from, to) = (start, group);
            }

            start = group + 1;
        }
    }

    private static ushort Group(IpAddress16 address, int group) =>
        (ushort)((group < 4 ? address.High : address.Low) >> (48 - (16 * (group & 3))));
}

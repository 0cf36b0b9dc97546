// Finds payment card numbers in bytes: 13 to 19 digits (ISO/IEC 7812), single spaces or hyphens between groups of them
// allowed, first digit 2 to 6 (the networks in use; times in micro- and nanoseconds begin with 1), Luhn's check digit
// right. In: bytes. Out: marks. Pure; linear in the length of the data.
namespace Tapline.Mirror.Shape;

/// <summary>Marks the digits of card numbers.</summary>
internal static class CardNumbers
{
    /// <summary>Digits of the longest number.</summary>
    public const int DigitsMax = 19;

    /// <summary>Marks of numbers that follow each other, in turn, so that they stay apart.</summary>
    public const byte FirstMark = 2;
    public const byte SecondMark = 3;

    private const int DigitsMin = 13;
    private const int GroupsMax = 64;

    /// <summary>Marks the digits, not what separates them.</summary>
    public static void Mark(ReadOnlySpan<byte> data, Span<byte> marks, ref bool isMarked)
    {
        Span<(int Start, int Digits)> groups = stackalloc (int, int)[GroupsMax];
        var mark = FirstMark;
        var at = 0;
        while (at < data.Length)
        {
            var skip = data[at..].IndexOfAnyInRange((byte)'0', (byte)'9');
            if (skip < 0)
            {
                return;
            }

            at += skip;
            var count = 0;
            while (count < GroupsMax)
            {
                var start = at;
                at = DigitsEnd(data, at);
                groups[count++] = (start, at - start);
                if (at + 1 >= data.Length || data[at] is not ((byte)' ' or (byte)'-') || !char.IsAsciiDigit((char)data[at + 1]))
                {
                    break;
                }

                at++;
            }

            MarkGroups(data, groups[..count], marks, ref mark, ref isMarked);
        }
    }

    private static int DigitsEnd(ReadOnlySpan<byte> data, int at)
    {
        var end = data[at..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return end < 0 ? data.Length : at + end;
    }

    // From each group on, the longest number that ends with a group.
    private static void MarkGroups(
        ReadOnlySpan<byte> data, ReadOnlySpan<(int Start, int Digits)> groups, Span<byte> marks, ref byte mark,
        ref bool isMarked)
    {
        for (var first = 0; first < groups.Length; first++)
        {
            if (data[groups[first].Start] is < (byte)'2' or > (byte)'6')
            {
                continue;
            }

            var digits = 0;
            var found = -1;
            for (var last = first; last < groups.Length && digits + groups[last].Digits <= DigitsMax; last++)
            {
                digits += groups[last].Digits;
                var end = groups[last].Start + groups[last].Digits;
                found = digits >= DigitsMin && IsLuhn(data[groups[first].Start..end]) ? last : found;
            }

            if (found < 0)
            {
                continue;
            }

            for (; first <= found; first++)
            {
                marks.Slice(groups[first].Start, groups[first].Digits).Fill(mark);
            }

            first = found;
            isMarked = true;
            mark = mark == FirstMark ? SecondMark : FirstMark;
        }
    }

    private static bool IsLuhn(ReadOnlySpan<byte> text)
    {
        var sum = 0;
        var doubles = false;
        for (var i = text.Length - 1; i >= 0; i--)
        {
            var digit = text[i] - '0';
            if ((uint)digit > 9)
            {
                continue;
            }

            digit *= doubles ? 2 : 1;
            sum += digit > 9 ? digit - 9 : digit;
            doubles = !doubles;
        }

        return sum % 10 == 0;
    }
}

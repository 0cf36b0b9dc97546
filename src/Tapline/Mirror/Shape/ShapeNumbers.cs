// Numbers as operators write them: 50ms, 100M, 4k. Pure.
using System.Globalization;

namespace Tapline.Mirror.Shape;

/// <summary>Reads numbers with units.</summary>
internal static class ShapeNumbers
{
    /// <summary>A whole number within bounds.</summary>
    public static bool TryInt(ReadOnlySpan<char> text, int least, int most, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;

    /// <summary>A positive number with k, M or G (thousands, as rates are counted).</summary>
    public static bool TryCount(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        if (text.IsEmpty)
        {
            return false;
        }

        var scale = text[^1] switch
        {
            'k' or 'K' => 1_000L,
            'M' => 1_000_000,
            'G' => 1_000_000_000,
            _ => 1,
        };
        var digits = scale == 1 ? text : text[..^1];
        if (digits.Length > 9 || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value))
        {
            return false;
        }

        value *= scale;
        return value is > 0 and <= 1_000_000_000_000;
    }

    /// <summary>A time in us, ms or s, in nanoseconds.</summary>
    public static bool TryTimeNs(ReadOnlySpan<char> text, out long ns)
    {
        ns = 0;
        var (unit, scale) = text.EndsWith("us") ? (2, 1_000L) : text.EndsWith("ms") ? (2, 1_000_000L)
            : text.EndsWith("s") ? (1, 1_000_000_000L) : (0, 0L);
        if (scale == 0 || text.Length - unit > 9
            || !long.TryParse(text[..^unit], NumberStyles.None, CultureInfo.InvariantCulture, out ns))
        {
            return false;
        }

        ns *= scale;
        return true;
    }
}

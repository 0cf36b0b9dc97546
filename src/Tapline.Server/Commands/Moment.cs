// Times as people write them on a command line: how long ago, or when. Without an offset a time is UTC, as in everything
// that Tapline prints.
using System.Globalization;

namespace Tapline.Server.Commands;

/// <summary>Reads `10m`, `2026-11-26T01:00:00Z`, `2026-11-26 01:00`.</summary>
internal static class Moment
{
    public const string Mend =
        "a time is how long ago (30s, 10m, 2h, 1d), or RFC 3339 (2026-11-26T01:00:00Z), or 2026-11-26 01:00 in UTC.";

    private static readonly string[] s_formats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF",
        "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd'T'HH:mmK",
    ];

    /// <summary>Reads a time as ns since 1970.</summary>
    public static bool TryParse(string text, long nowNs, out long timeNs)
    {
        timeNs = 0;
        var trimmed = text.AsSpan().Trim();
        if (trimmed is "now")
        {
            timeNs = nowNs;
            return true;
        }

        if (trimmed.Length > 1 && TryUnit(trimmed, out var digits, out var unitNs))
        {
            if (!double.TryParse(trimmed[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
                || count * unitNs >= nowNs)
            {
                return false;
            }

            timeNs = nowNs - (long)(count * unitNs);
            return true;
        }

        // Digits finer than 100 ns are more than the calendar's type holds: they are added by hand.
        var fine = FineNs(ref trimmed, out var isCut);
        var source = isCut ? trimmed.ToString() : text.Trim();
        if (!DateTimeOffset.TryParseExact(source, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            || time.Year is < 1970 or > 2200)
        {
            return false;
        }

        timeNs = ((time.UtcTicks - DateTime.UnixEpoch.Ticks) * 100) + fine;
        return true;
    }

    private static bool TryUnit(ReadOnlySpan<char> text, out int digits, out double unitNs)
    {
        digits = text.Length - (text.EndsWith("ms") ? 2 : 1);
        unitNs = text.EndsWith("ms") ? 1e6 : Quantity.SecondsOf(text[^1]) * 1e9;
        return unitNs > 0;
    }

    // Takes an eighth and a ninth fractional digit out of the text.
    private static int FineNs(ref ReadOnlySpan<char> text, out bool isCut)
    {
        isCut = false;
        var dot = text.IndexOf('.');
        if (dot < 0)
        {
            return 0;
        }

        var digits = 0;
        while (dot + 1 + digits < text.Length && char.IsAsciiDigit(text[dot + 1 + digits]))
        {
            digits++;
        }

        if (digits is not (8 or 9))
        {
            return 0;
        }

        var ns = (text[dot + 8] - '0') * 10;
        ns += digits == 9 ? text[dot + 9] - '0' : 0;
        text = string.Concat(text[..(dot + 8)], text[(dot + 1 + digits)..]);
        isCut = true;
        return ns;
    }
}

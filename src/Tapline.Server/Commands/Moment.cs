// Moments as people write them on a command line: `10m` (ago), `now`, `2026-01-02 03:04`, RFC 3339. Without a zone UTC is meant, as
// everywhere in Tapline.
using System.Globalization;
using Tapline.Base;

namespace Tapline.Server.Commands;

/// <summary>Reads moments.</summary>
internal static class Moment
{
    public const string Form = "a time such as 2026-01-02T03:04:05Z, '2026-01-02 03:04' (UTC), 90m (ago) or now";
    private static readonly DateTime s_latest = new(2200, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Nanoseconds since the epoch, or null when the text is no moment.</summary>
    public static long? Parse(string text, long nowNs)
    {
        var trimmed = text.Trim();
        if (trimmed is "now")
        {
            return nowNs;
        }

        if (Ago(trimmed) is { } seconds)
        {
            return seconds <= nowNs / Clock.SecondNs ? nowNs - (seconds * Clock.SecondNs) : null;
        }

        // A bare number or word that the runtime would complete by today's date is no moment.
        return trimmed.Length >= 10 && char.IsAsciiDigit(trimmed[0]) && trimmed[4] == '-'
            && DateTimeOffset.TryParse(trimmed, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            && time >= DateTimeOffset.UnixEpoch && time < s_latest
            ? (time.UtcTicks - DateTime.UnixEpoch.Ticks) * 100 : null;
    }

    private static long? Ago(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, null, out var count))
        {
            return null;
        }

        long number = count;
        return text[^1] switch
        {
            's' => number,
            'm' => number * 60,
            'h' => number * 3600,
            'd' => number * 86_400,
            _ => null,
        };
    }
}

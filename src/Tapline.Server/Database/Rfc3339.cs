// Times as the contract prints them: RFC 3339, UTC, nine digits after the point.
using System.Globalization;

namespace Tapline.Server.Database;

/// <summary>Nanoseconds since the epoch as text.</summary>
internal static class Rfc3339
{
    public static string Text(long ns)
    {
        var (seconds, rest) = Math.DivRem(ns, 1_000_000_000L);
        if (rest < 0)
        {
            seconds--;
            rest += 1_000_000_000L;
        }

        return string.Create(CultureInfo.InvariantCulture,
            $"{DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime:yyyy-MM-ddTHH:mm:ss}.{rest:d9}Z");
    }
}

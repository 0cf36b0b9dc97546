// Figures for people on a page: short, aligned, with a unit. JSON and the API never use these.
using System.Globalization;
using Tapline.Server.Commands;

namespace Tapline.Server.WebConsole;

/// <summary>Formats for pages.</summary>
internal static class Figures
{
    private static readonly string[] s_units = ["", " k", " M", " G", " T"];

    /// <summary>12.3 k, 4.56 M: for rates and large counts where every digit would be noise.</summary>
    public static string Short(double value)
    {
        var unit = 0;
        while (Math.Abs(value) >= 1000 && unit < s_units.Length - 1)
        {
            value /= 1000;
            unit++;
        }

        var format = unit == 0 || Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00";
        return value.ToString(format, CultureInfo.InvariantCulture) + s_units[unit];
    }

    /// <summary>Every digit, grouped: for the ledger.</summary>
    public static string Exact(long value) => value.ToString("N0", CultureInfo.InvariantCulture).Replace(',', '\u202f');

    public static string Time(long? ns) => ns switch
    {
        null => "–",
        < 1_000 => $"{ns} ns",
        < 1_000_000 => Three(ns.Value / 1e3) + " µs",
        < 1_000_000_000 => Three(ns.Value / 1e6) + " ms",
        _ => Quantity.Duration(TimeSpan.FromSeconds(ns.Value / 1e9)),
    };

    /// <summary>An RFC 3339 text as time of day to the millisecond (UTC), with its date when that is not today's.</summary>
    public static string Clock(string? rfc3339, DateTimeOffset now) => rfc3339 is not { Length: >= 23 } ? rfc3339 ?? "–"
        : rfc3339.StartsWith(now.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), StringComparison.Ordinal)
            ? rfc3339[11..23]
            : $"{rfc3339[5..10]} {rfc3339[11..23]}";

    public static string Share(double part, double whole) =>
        (whole <= 0 ? 0 : Math.Clamp(part / whole * 100, 0, 100)).ToString("0.##", CultureInfo.InvariantCulture);

    public static string EndPoint(string? ip, int? port) => port is null ? ip ?? "–"
        : ip is not null && ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]:{port}" : $"{ip}:{port}";

    private static string Three(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}

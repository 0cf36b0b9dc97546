// Figures for people: bytes, durations, rates with three significant digits and a unit. JSON never uses these.
using System.Globalization;

namespace Tapline.Server.Commands;

/// <summary>Formats quantities for a terminal.</summary>
internal static class Quantity
{
    private static readonly string[] s_byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];
    private static readonly string[] s_bitUnits = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Decimal units, as disks and links count.</summary>
    public static string Bytes(long bytes) => Scaled(bytes, s_byteUnits);

    public static string BitsPerSecond(double rate) => Scaled(rate, s_bitUnits);

    public static string Duration(TimeSpan time)
    {
        if (time.TotalSeconds < 1)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###} ms");
        }

        if (time.TotalMinutes < 1)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.##} s");
        }

        return time.TotalHours < 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds} s")
            : string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours} h {time.Minutes} min");
    }

    /// <summary>Seconds of a unit of time as people write it after a number: s, m, h, d, w; 0 = it is none.</summary>
    public static int SecondsOf(char unit) => unit switch
    {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => 0,
    };

    /// <summary>Reads <c>512M</c>, <c>10GiB</c>, <c>1.5 GB</c>; plain digits are bytes.</summary>
    public static bool TryParseBytes(string text, out long bytes)
    {
        bytes = 0;
        var trimmed = text.AsSpan().Trim();
        var digits = 0;
        while (digits < trimmed.Length && (char.IsAsciiDigit(trimmed[digits]) || trimmed[digits] == '.'))
        {
            digits++;
        }

        if (!double.TryParse(trimmed[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || !TryFactor(trimmed[digits..].Trim(), out var factor) || number * factor >= long.MaxValue)
        {
            return false;
        }

        bytes = (long)(number * factor);
        return true;
    }

    private static bool TryFactor(ReadOnlySpan<char> unit, out double factor)
    {
        factor = 1;
        if (unit.Length > 0 && (unit[^1] | 0x20) == 'b')
        {
            unit = unit[..^1];
        }

        if (unit.Length == 0)
        {
            return true;
        }

        // Bare letters and "i" units are binary, as in dd, qemu-img and df; "kB", "MB" are taken the same way on purpose.
        var power = "kmgtp".IndexOf((char)(unit[0] | 0x20));
        factor = Math.Pow(1024, power + 1);
        return power >= 0 && (unit.Length == 1 || (unit.Length == 2 && (unit[1] | 0x20) == 'i'));
    }

    private static string Scaled(double value, string[] units)
    {
        var unit = 0;
        while (Math.Abs(value) >= 1000 && unit < units.Length - 1)
        {
            value /= 1000;
            unit++;
        }

        var format = unit == 0 || Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00";
        return value.ToString(format, CultureInfo.InvariantCulture) + " " + units[unit];
    }
}

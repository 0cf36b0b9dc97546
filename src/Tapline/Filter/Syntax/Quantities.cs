// Numbers with units: durations become nanoseconds, sizes bytes.
using System.Globalization;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

/// <summary>Parses quantities.</summary>
internal static class Quantities
{
    private static readonly Dictionary<string, double> s_durations = new()
    {
        ["ns"] = 1, ["us"] = 1e3, ["µs"] = 1e3, ["ms"] = 1e6, ["s"] = 1e9, ["min"] = 60e9, ["m"] = 60e9, ["h"] = 3600e9,
    };

    private static readonly Dictionary<string, double> s_sizes = new()
    {
        [""] = 1, ["B"] = 1, ["kB"] = 1e3, ["KB"] = 1e3, ["MB"] = 1e6, ["GB"] = 1e9, ["TB"] = 1e12, ["KiB"] = 1024,
        ["MiB"] = 1024 * 1024, ["GiB"] = 1024 * 1024 * 1024, ["TiB"] = 1024d * 1024 * 1024 * 1024, ["k"] = 1e3, ["M"] = 1e6,
        ["G"] = 1e9,
    };

    /// <summary>True when the text is a quantity of that kind. A duration needs its unit.</summary>
    public static bool TryParse(string text, FieldKind kind, out double value)
    {
        var digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
        {
            digits++;
        }

        var unit = text[digits..];
        var scale = 1d;
        var isUnit = kind switch
        {
            FieldKind.Duration => s_durations.TryGetValue(unit, out scale),
            FieldKind.Size => s_sizes.TryGetValue(unit, out scale),
            _ => unit.Length == 0,
        };
        var isNumber = double.TryParse(
            text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
        value *= kind == FieldKind.Number ? 1 : scale;
        return isUnit && isNumber && double.IsFinite(value);
    }
}

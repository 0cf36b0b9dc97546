// When a row of files goes on to the next one: by size, time or frames, whichever comes first.
using System.Globalization;

namespace Tapline.Mirror.Targets;

/// <summary>A file's end; 0 = not by that. Immutable.</summary>
/// <param name="Bytes">Bytes of one file. A frame more or less.</param>
/// <param name="Seconds">Seconds from the file's beginning to the next one's.</param>
/// <param name="Frames">Frames of one file, exactly.</param>
public readonly record struct RotationRule(long Bytes, long Seconds, long Frames)
{
    private const long BytesMin = 64 * 1024;
    private static readonly (string Unit, long Factor)[] s_sizes =
        [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("TB", 1L << 40), ("GB", 1L << 30), ("MB", 1L << 20),
        ("kB", 1L << 10), ("KB", 1L << 10)];
    private static readonly (string Unit, long Factor)[] s_times = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    private static readonly (string Unit, long Factor)[] s_frames = [("f", 1)];

    /// <summary>One file for ever.</summary>
    public bool IsNever => Bytes == 0 && Seconds == 0 && Frames == 0;

    /// <summary>Reads <c>100MB</c>, <c>10m</c>, <c>1000000f</c>, or several separated by commas.</summary>
    public static bool TryParse(string text, out RotationRule rule)
    {
        rule = default;
        foreach (var part in text.Split(','))
        {
            if (TryQuantity(part, s_sizes, out var bytes) && rule.Bytes == 0 && bytes >= BytesMin)
            {
                rule = rule with { Bytes = bytes };
            }
            else if (TryQuantity(part, s_frames, out var frames) && rule.Frames == 0)
            {
                rule = rule with { Frames = frames };
            }
            else if (TryQuantity(part, s_times, out var seconds) && rule.Seconds == 0)
            {
                rule = rule with { Seconds = seconds };
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The text that <see cref="TryParse"/> reads again.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        Add(Bytes, s_sizes.AsSpan(0, 4));
        Add(Seconds, [("s", 1)]);
        Add(Frames, s_frames);
        return string.Join(',', parts);

        void Add(long value, ReadOnlySpan<(string Unit, long Factor)> units)
        {
            foreach (var (unit, factor) in units)
            {
                if (value > 0 && value % factor == 0)
                {
                    parts.Add(string.Create(CultureInfo.InvariantCulture, $"{value / factor}{unit}"));
                    return;
                }
            }
        }
    }

    private static bool TryQuantity(string text, (string Unit, long Factor)[] units, out long value)
    {
        value = 0;
        foreach (var (unit, factor) in units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && long.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number > 0 && number <= (1L << 60) / factor)
            {
                value = number * factor;
                return true;
            }
        }

        return false;
    }
}

// The value of `mask=`: words, ranges and patterns, separated by commas. In a pattern a comma is written \x2c and a
// semicolon \x3b, so that lists need no quotes. In: text. Out: a plan and sentences. Pure.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tapline.Mirror.Shape;

/// <summary>Parses masks.</summary>
internal static class MaskParser
{
    private const int PatternsMax = 8;
    private const int RangesMax = 16;
    private const string Email = @"[a-z0-9._%+\-]+@[a-z0-9\-]+(\.[a-z0-9\-]+)+";

    /// <summary>Words that stand for several.</summary>
    private static readonly string[] s_passwords = ["http-auth", "ftp-pass", "smtp-auth", "imap-login", "redis-auth"];

    /// <summary>The mask; null when the text has nothing that could be masked.</summary>
    public static MaskPlan? Parse(string value, List<string> mistakes)
    {
        var fields = new List<ByteMachine>();
        var patterns = new List<ByteMachine>();
        var ranges = new List<(int, int)>();
        var cards = false;
        foreach (var item in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string? mistake = null;
            if (MaskPlan.Field(item) is { } field)
            {
                AddOnce(fields, field);
            }
            else if (item == "passwords")
            {
                Array.ForEach(s_passwords, word => AddOnce(fields, MaskPlan.Field(word)!));
            }
            else if (item == "cards")
            {
                cards = true;
            }
            else if (item == "payload")
            {
                ranges.Add((0, int.MaxValue / 2));
            }
            else if (item.StartsWith("offset:", StringComparison.Ordinal))
            {
                mistake = AddRange(item["offset:".Length..], ranges);
            }
            else if (Pattern(item, out var ignoresCase) is { } pattern)
            {
                if (PatternCompiler.Compile(pattern, ignoresCase, out mistake) is { } machine)
                {
                    patterns.Add(machine);
                }
            }
            else
            {
                mistake = $"does not know \"{item}\"; it takes {string.Join(", ", MaskPlan.FieldWords)}, passwords, cards, emails, "
                    + "payload, offset:N+N, text:TEXT, hex:BYTES, regex:PATTERN, iregex:PATTERN.";
            }

            if (mistake is not null)
            {
                mistakes.Add($"mask: {mistake}");
            }
        }

        if (patterns.Count > PatternsMax || ranges.Count > RangesMax)
        {
            mistakes.Add($"mask takes {PatternsMax} patterns and {RangesMax} ranges; leave some out or join patterns by |.");
        }

        if (value.Length == 0)
        {
            mistakes.Add("mask needs what to mask, e.g. mask=http-auth,cards.");
        }

        return new MaskPlan { Fields = fields, Patterns = patterns, Ranges = ranges, Cards = cards };
    }

    /// <summary>A key file may serve several purposes: each has a key of its own from it.</summary>
    public static byte[] FillKeyOf(byte[] key) =>
        HMACSHA256.HashData(key, "tapline mask fill"u8)[..MaskPlan.FillKeyBytes];

    private static void AddOnce(List<ByteMachine> fields, ByteMachine field)
    {
        if (!fields.Contains(field))
        {
            fields.Add(field);
        }
    }

    private static string? AddRange(string text, List<(int, int)> ranges)
    {
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        if (plus < 0 || !ShapeNumbers.TryInt(text.AsSpan(0, plus), 0, Base.Limits.FrameBytesMax, out var offset)
            || !ShapeNumbers.TryInt(text.AsSpan(plus + 1), 1, Base.Limits.FrameBytesMax, out var bytes))
        {
            return $"\"offset:{text}\" is not a range of the payload; write offset:40+20 for 20 bytes behind the first 40.";
        }

        ranges.Add((offset, bytes));
        return null;
    }

    // What people mean, in the pattern language.
    private static string? Pattern(string item, out bool ignoresCase)
    {
        ignoresCase = item == "emails" || item.StartsWith("iregex:", StringComparison.Ordinal);
        if (item == "emails")
        {
            return Email;
        }

        var colon = item.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : item[..colon] switch
        {
            "regex" or "iregex" => item[(colon + 1)..],
            "text" => Escaped(item[(colon + 1)..]),
            "hex" => HexPattern(item[(colon + 1)..]),
            _ => null,
        };
    }

    private static string Escaped(string text)
    {
        var pattern = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            pattern.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return pattern.ToString();
    }

    // Two digits a byte, ?? for any byte, spaces between them allowed. What is no hex is refused by the compiler.
    private static string HexPattern(string text)
    {
        var pattern = new StringBuilder();
        var digits = text.Replace(" ", "", StringComparison.Ordinal);
        for (var i = 0; i < digits.Length; i += 2)
        {
            var pair = digits.AsSpan(i, Math.Min(2, digits.Length - i));
            pattern.Append(pair is "??" ? "(.|\\n)" : $"\\x{pair}");
        }

        return pattern.ToString();
    }
}

// How long and how much a recording is kept, as people write it: `7d`, `36h`; `50GiB`, `10%`. For options and configuration.
using System.CommandLine;
using System.Globalization;
using Tapline.Base;
using Tapline.Record;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>Reads the words of retention.</summary>
internal static class RetentionWords
{
    public const string KeepForm = "a time such as 7d, 36h or 30m, at least 1m";
    public const string MinFreeForm = "a size such as 50GiB or a part of the disk such as 10%, below 100%";
    private const int DaysMax = 36_500;

    public static Option<string?> KeepOption()
    {
        var option = new Option<string?>("--keep")
        {
            Description = "How long segments are kept, e.g. 7d or 36h; as long as there is room when not given.", HelpName = "TIME",
        };
        return Checked(option, text => ParseKeep(text) is not null, KeepForm);
    }

    public static Option<string?> MinFreeOption()
    {
        var option = new Option<string?>("--min-free")
        {
            Description = "What stays free of the disk, e.g. 50GiB or 10%: the oldest segments go, whoever fills it.", HelpName = "SIZE",
        };
        return Checked(option, text => ParseMinFree(text) is not null, MinFreeForm);
    }

    public const string EvidenceForm = "on or off";

    public static Option<string?> EvidenceOption()
    {
        var option = new Option<string?>("--evidence")
        {
            Description = "Segments are hashed and sealed with the node's key (`tapline verify`): on or off; on when not given.",
            HelpName = "on|off",
        };
        return Checked(option, text => ParseSwitch(text) is not null, EvidenceForm);
    }

    /// <summary>True for `on`, false for `off`, null for anything else; boxed for options that may be missing.</summary>
    public static object? ParseSwitch(string text) => text is "on" or "true" ? true : text is "off" or "false" ? false : null;

    /// <summary>Applies both options to a plan.</summary>
    public static RecordPlan Apply(RecordPlan plan, string? keep, string? minFree) => plan with
    {
        KeepNs = keep is null ? plan.KeepNs : ParseKeep(keep) ?? plan.KeepNs,
        MinFree = minFree is null ? plan.MinFree : ParseMinFree(minFree) ?? plan.MinFree,
    };

    /// <summary>Nanoseconds of `7d`, `36h`, `30m` or `90s`; null for anything else and for less than a minute.</summary>
    public static long? ParseKeep(string text)
    {
        var trimmed = text.AsSpan().Trim();
        if (trimmed.Length < 2
            || !double.TryParse(trimmed[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        var seconds = number * Quantity.SecondsOf(char.ToLowerInvariant(trimmed[^1]));
        return seconds is >= 60 and <= DaysMax * 86_400d ? (long)seconds * Clock.SecondNs : null;
    }

    /// <summary>A size or a part of the disk; null for anything else.</summary>
    public static FreeDisk? ParseMinFree(string text)
    {
        var trimmed = text.AsSpan().Trim();
        if (trimmed.EndsWith("%", StringComparison.Ordinal))
        {
            return int.TryParse(trimmed[..^1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent < 100
                ? new FreeDisk(0, percent) : null;
        }

        return Quantity.TryParseBytes(text, out var bytes) ? new FreeDisk(bytes, 0) : null;
    }

    private static Option<string?> Checked(Option<string?> option, Func<string, bool> isRight, string form)
    {
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !isRight(text))
            {
                result.AddError($"{option.Name} wants {form}, not `{TerminalText.Printable(text)}`.");
            }
        });
        return option;
    }
}

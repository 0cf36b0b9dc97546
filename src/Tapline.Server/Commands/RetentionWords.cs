// How long and how much a recording is kept, as people write it: `7d`, `36h`; `50GiB`, `10%`. For options and configuration.
using System.CommandLine;
using System.Globalization;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>Reads the words of retention.</summary>
internal static class RetentionWords
{
    public const string KeepForm = "a time such as 7d, 36h or 30m, at least 1m";
    public const string MinFreeForm = "a size such as 50GiB or a part of the disk such as 10%, below 100%";
    public const string TakeForm = "whole, headers, none, frame 128 or flow 64KiB";
    public const string NothingOfHandshakes = "of what is not recorded no handshake can be kept; leave out `take: none` or `encrypted`.";
    public const string EncryptedForm = "handshake, or same for what take says";
    private const int DaysMax = 36_500;
    private const int EthernetBytes = 14;

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

    public static Option<string?> TakeOption()
    {
        var option = new Option<string?>("--take")
        {
            Description = $"How much of each frame is kept: {TakeForm}; whole when not given.", HelpName = "WHAT",
        };
        return Checked(option, text => ParseTake(text) is not null, TakeForm);
    }

    public static Option<string?> EncryptedOption()
    {
        var option = new Option<string?>("--encrypted")
        {
            Description = "handshake: of TLS, SSH and QUIC only the handshake is kept whole, then headers.", HelpName = "HOW",
        };
        return Checked(option, text => ParseEncrypted(text) is not null, EncryptedForm);
    }

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

    /// <summary>`whole`, `headers`, `none`, `frame 128`, `flow 64KiB`; null for anything else.</summary>
    public static RecordTake? ParseTake(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words switch
        {
            ["whole"] => new RecordTake(RecordTakeKind.Whole, 0),
            ["headers"] => new RecordTake(RecordTakeKind.Headers, 0),
            ["none"] => new RecordTake(RecordTakeKind.None, 0),
            ["frame", var size] when Quantity.TryParseBytes(size, out var bytes) && bytes >= EthernetBytes =>
                new RecordTake(RecordTakeKind.Frame, bytes),
            ["flow", var size] when Quantity.TryParseBytes(size, out var bytes) => new RecordTake(RecordTakeKind.Flow, bytes),
            _ => null,
        };
    }

    /// <summary>True for `handshake`, false for `same`; null for anything else.</summary>
    public static bool? ParseEncrypted(string text) => text switch
    {
        "handshake" => true,
        "same" => false,
        _ => null,
    };

    /// <summary>The words that <see cref="ParseTake"/> reads.</summary>
    public static string Text(RecordTake take) => take.Kind switch
    {
        RecordTakeKind.Frame => $"frame {take.Bytes}",
        RecordTakeKind.Flow => $"flow {take.Bytes}",
        _ => take.Kind.ToString().ToLowerInvariant(),
    };

    /// <summary>`db;filter=port 5432;keep=7d;budget=200G;take=headers`; null and a sentence for anything else.</summary>
    public static RecordClassPlan? ParseClass(string text, out string? mistake)
    {
        var parts = text.Split(';');
        mistake = RecordClassPlan.MistakeInName(parts[0].Trim()) is { } wrong ? $"--class: {wrong}" : null;
        var plan = new RecordClassPlan { Name = parts[0].Trim(), Filter = "" };
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (part.Trim(), "") : (part[..equals].Trim(), part[(equals + 1)..].Trim());
            plan = name switch
            {
                "filter" => plan with { Filter = value },
                "keep" when ParseKeep(value) is { } keep => plan with { KeepNs = keep },
                "budget" when Quantity.TryParseBytes(value, out var bytes) && bytes >= Limits.RecordBudgetBytesMin =>
                    plan with { BudgetBytes = bytes },
                "take" when ParseTake(value) is { } take =>
                    plan with { Take = take with { IsHandshakeOfEncrypted = plan.Take.IsHandshakeOfEncrypted } },
                "encrypted" when ParseEncrypted(value) is { } isHandshake =>
                    plan with { Take = plan.Take with { IsHandshakeOfEncrypted = isHandshake } },
                "compress" when AtRestOptions.ParseCompress(value) is { } way =>
                    plan with { AtRest = (plan.AtRest ?? AtRest.Plain) with { Compression = way } },
                "encrypt" when value.Length > 0 =>
                    plan with { AtRest = (plan.AtRest ?? AtRest.Plain) with { KeyFile = Path.GetFullPath(value) } },
                _ => Unknown(plan, part, ref mistake),
            };
        }

        mistake ??= plan.Filter.Length == 0 ? $"--class {plan.Name} needs a filter, e.g. {plan.Name};filter=port 5432." : null;
        mistake ??= plan.Take is { Kind: RecordTakeKind.None, IsHandshakeOfEncrypted: true }
            ? $"--class {plan.Name}: {NothingOfHandshakes}" : null;
        return mistake is null ? plan : null;
    }

    private static RecordClassPlan Unknown(RecordClassPlan plan, string part, ref string? mistake)
    {
        mistake ??= $"--class does not understand \"{TerminalText.Printable(part)}\"; it takes NAME;filter=EXPR[;keep=TIME][;budget=SIZE]"
            + $"[;take={TakeForm}][;encrypted=handshake].";
        return plan;
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

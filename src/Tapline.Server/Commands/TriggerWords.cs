// Triggers of a recording as people write them: `resets;when=tcp[tcpflags] & tcp-rst != 0;before=10s`, and the same words as keys of the
// configuration.
using System.CommandLine;
using System.Globalization;
using Tapline.Base;
using Tapline.Server.Config;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Commands;

/// <summary>Reads the words of triggers.</summary>
internal static class TriggerWords
{
    public const string TimeForm = "a time such as 500ms, 10s, 5m or 1h, at most a day";
    public const string ScopeForm = "window or flow";
    private const string Form =
        "NAME;when=EXPR[;before=TIME][;after=TIME][;scope=window|flow][;pause=TIME][;limit=N][;holds=N][;for=TIME|forever]";
    private const string ForForm = "a time such as 30d or 12h, at least 1m, or forever";
    private const double DaySeconds = 86_400;

    public static Option<string[]> TriggerOption()
    {
        var option = new Option<string[]>("--trigger")
        {
            Description = $"Holds the window around what matches, and makes a file of it: {Form}. Repeatable.", HelpName = "SPEC",
        };
        option.Validators.Add(result =>
        {
            foreach (var text in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (Parse(text, out var mistake) is null)
                {
                    result.AddError(mistake!);
                }
            }
        });
        return option;
    }

    public static Option<string?> BudgetOption()
    {
        var option = new Option<string?>("--trigger-budget")
        {
            Description = "Disk space for all files of triggers, e.g. 20G; the oldest go first. 10G when not given.", HelpName = "SIZE",
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text
                && (!Quantity.TryParseBytes(text, out var bytes) || bytes < Limits.TriggerBudgetBytesMin))
            {
                result.AddError($"--trigger-budget wants a size of at least {Limits.TriggerBudgetBytesMin >> 20}M, e.g. 20G.");
            }
        });
        return option;
    }

    /// <summary>`NAME;when=EXPR;before=10s`; null and a sentence for anything else.</summary>
    public static TriggerPlan? Parse(string text, out string? mistake)
    {
        var parts = text.Split(';');
        mistake = TriggerPlan.MistakeInName(parts[0].Trim()) is { } wrong ? $"--trigger: {wrong}" : null;
        var plan = new TriggerPlan { Name = parts[0].Trim(), When = "" };
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (part.Trim(), "") : (part[..equals].Trim(), part[(equals + 1)..].Trim());
            plan = name switch
            {
                "when" => plan with { When = value },
                "before" when ParseTime(value) is { } ns => plan with { BeforeNs = ns },
                "after" when ParseTime(value) is { } ns => plan with { AfterNs = ns },
                "pause" when ParseTime(value) is { } ns => plan with { PauseNs = ns },
                "scope" when ParseScope(value) is { } isOfFlow => plan with { IsOfFlow = isOfFlow },
                "limit" when ParseNumber(value) is { } times => plan with { HourlyMax = times },
                "holds" when ParseNumber(value) is { } holds => plan with { HoldsMax = holds },
                "for" when ParseFor(value) is { } ns => plan with { HoldForNs = ns },
                _ => Unknown(plan, part, ref mistake),
            };
        }

        mistake ??= plan.When.Length == 0 ? $"--trigger {plan.Name} needs an expression, e.g. {plan.Name};when=icmp." : null;
        return mistake is null ? plan : null;
    }

    /// <summary>One entry of the configuration's list.</summary>
    public static TriggerPlan Read(YamlSection section)
    {
        var before = new TriggerPlan { Name = "", When = "" };
        var plan = before with
        {
            Name = section.Parsed(
                "name", t => TriggerPlan.MistakeInName(t) is null ? t : null, "a name: small letters, digits, - and _") ?? "",
            When = section.Text("when") ?? "",
            BeforeNs = Time("before") ?? before.BeforeNs,
            AfterNs = Time("after") ?? before.AfterNs,
            PauseNs = Time("pause") ?? before.PauseNs,
            IsOfFlow = section.Parsed<object>("scope", t => ParseScope(t), ScopeForm) is true,
            HourlyMax = (int)(section.Number("limit", 1, Limits.HoldsMax) ?? before.HourlyMax),
            HoldsMax = (int)(section.Number("holds", 1, Limits.HoldsMax) ?? before.HoldsMax),
            HoldForNs = section.Parsed<object>("for", t => ParseFor(t), ForForm) as long? ?? before.HoldForNs,
        };
        if (plan.When.Length == 0)
        {
            section.Mistake("when", "a trigger needs an expression that says what sets it off.");
        }

        section.RejectOthers();
        return plan;

        long? Time(string key) => section.Parsed<object>(key, t => ParseTime(t), TimeForm) as long?;
    }

    /// <summary>Nanoseconds as <see cref="ParseTime"/> reads them.</summary>
    public static string Text(long ns) => string.Create(CultureInfo.InvariantCulture, $"{ns / 1_000_000}ms");

    /// <summary>Nanoseconds of `500ms`, `10s`, `5m`, `1h`; null for anything else.</summary>
    public static long? ParseTime(string text)
    {
        var trimmed = text.AsSpan().Trim();
        var isMilliseconds = trimmed.EndsWith("ms", StringComparison.Ordinal);
        if (trimmed.Length < 2
            || !double.TryParse(
                trimmed[..^(isMilliseconds ? 2 : 1)], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        var unit = isMilliseconds ? 1e-3 : Quantity.SecondsOf(trimmed[^1]);
        return unit > 0 && number * unit <= DaySeconds ? (long)(number * unit * Clock.SecondNs) : null;
    }

    private static long? ParseFor(string text) => text == "forever" ? 0 : RetentionWords.ParseKeep(text);

    private static bool? ParseScope(string text) => text switch
    {
        "flow" => true,
        "window" => false,
        _ => null,
    };

    private static int? ParseNumber(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= Limits.HoldsMax
            ? number : null;

    private static TriggerPlan Unknown(TriggerPlan plan, string part, ref string? mistake)
    {
        mistake ??= $"--trigger does not understand \"{TerminalText.Printable(part)}\"; it takes {Form}, with {TimeForm}; for={ForForm}.";
        return plan;
    }
}

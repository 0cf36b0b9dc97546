// Triggers as people write them: `resets;when=tcp[tcpflags] & tcp-rst != 0;before=10s;after=30s;scope=flow;hold=1d`.
using System.CommandLine;
using System.Globalization;
using Tapline.Base;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Commands;

/// <summary>Reads the words of triggers.</summary>
internal static class TriggerWords
{
    public const string SpanForm = "a time such as 500ms, 10s or 2m, at most 1h";
    public const string HoldForm = "a time such as 1h, 7d or 0 (no hold)";
    public const string ScopeForm = "window or flow";
    private const int DaysMax = 3650;

    public static Option<string[]> Option()
    {
        var option = new Option<string[]>("--trigger")
        {
            Description = "What protects the packets around it and gives them out: NAME;when=EXPR[;before=10s][;after=30s]"
                + "[;scope=window|flow][;hold=1d].",
            HelpName = "TRIGGER",
        };
        option.Validators.Add(result =>
        {
            if (ParseAll(result.GetValueOrDefault<string[]>() ?? [], out var mistake) is null)
            {
                result.AddError(mistake!);
            }
        });
        return option;
    }

    /// <summary>All of them; null and the first mistake.</summary>
    public static IReadOnlyList<TriggerPlan>? ParseAll(IReadOnlyList<string> texts, out string? mistake)
    {
        var plans = new List<TriggerPlan>();
        mistake = null;
        foreach (var text in texts)
        {
            if (Parse(text, out mistake) is not { } plan)
            {
                return null;
            }

            plans.Add(plan);
        }

        mistake = MistakeIn(plans);
        return mistake is null ? plans : null;
    }

    /// <summary>What is wrong with triggers that stand together.</summary>
    public static string? MistakeIn(IReadOnlyList<TriggerPlan> plans) =>
        plans.Count > Limits.TriggersMax ? $"There are {plans.Count} triggers; {Limits.TriggersMax} are possible."
        : plans.GroupBy(p => p.Name).FirstOrDefault(g => g.Count() > 1) is { } twice ? $"Two triggers are named {twice.Key}."
        : null;

    /// <summary>One trigger; null and one sentence.</summary>
    public static TriggerPlan? Parse(string text, out string? mistake)
    {
        var parts = text.Split(';');
        var plan = new TriggerPlan { Name = parts[0].Trim(), When = "" };
        mistake = null;
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (part.Trim(), "") : (part[..equals].Trim(), part[(equals + 1)..].Trim());
            var next = name switch
            {
                "when" => plan with { When = value },
                "before" when ParseSpan(value) is { } ns => plan with { BeforeNs = ns },
                "after" when ParseSpan(value) is { } ns => plan with { AfterNs = ns },
                "scope" when ParseScope(value) is { } scope => plan with { Scope = scope },
                "hold" when ParseHold(value) is { } ns => plan with { HoldNs = ns },
                _ => null,
            };
            if (next is null)
            {
                mistake = $"--trigger does not understand \"{TerminalText.Printable(part)}\"; it takes NAME;when=EXPR, and before=, after= "
                    + $"({SpanForm}), scope= ({ScopeForm}), hold= ({HoldForm}).";
                return null;
            }

            plan = next;
        }

        mistake = plan.Mistake() is { } wrong ? $"--trigger: {wrong}" : null;
        return mistake is null ? plan : null;
    }

    /// <summary>Nanoseconds of `500ms`, `10s`, `2m`, `1h`; null for anything else.</summary>
    public static long? ParseSpan(string text)
    {
        var isMilliseconds = text.EndsWith("ms", StringComparison.Ordinal);
        var number = isMilliseconds ? text[..^2] : text.Length > 0 ? text[..^1] : "";
        if (text == "0")
        {
            return 0;
        }

        var seconds = isMilliseconds ? 0.001 : text.Length < 2 ? 0 : Quantity.SecondsOf(text[^1]);
        return seconds > 0 && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value * seconds <= Limits.TriggerSpanNsMax / (double)Clock.SecondNs
            ? (long)(value * seconds * Clock.SecondNs) : null;
    }

    /// <summary>How long windows are held; 0 = not.</summary>
    public static long? ParseHold(string text) =>
        text == "0" ? 0
        : text.Length >= 2 && Quantity.SecondsOf(text[^1]) is > 0 and var unit
            && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value * unit is > 0 and <= DaysMax * 86_400d
            ? (long)(value * unit * Clock.SecondNs) : null;

    public static TriggerScope? ParseScope(string text) => text switch
    {
        "window" => TriggerScope.Window,
        "flow" => TriggerScope.Flow,
        _ => null,
    };

    /// <summary>A span as the readers above take it.</summary>
    public static string Text(long ns) => ns == 0 ? "0" : ns % Clock.SecondNs == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{ns / Clock.SecondNs}s")
        : string.Create(CultureInfo.InvariantCulture, $"{ns / 1_000_000}ms");

    public static string Text(TriggerScope scope) => scope == TriggerScope.Flow ? "flow" : "window";
}

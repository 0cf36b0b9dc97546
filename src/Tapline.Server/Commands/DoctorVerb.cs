// `tapline doctor`: is this host fit, and what mends it if not. The checks are in Capture/Doctor; here they are printed.
using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Tapline.Base;
using Tapline.Capture.Doctor;

namespace Tapline.Server.Commands;

/// <summary>The verb `doctor`.</summary>
internal static class DoctorVerb
{
    private const int PipeColumns = 240;

    public static Command Build()
    {
        var data = new Option<string?>("--data")
        {
            Description = "The data folder whose disk is to be examined (64 MiB are written and removed).",
        };
        var budget = new Option<string?>("--ring-budget") { Description = "Ring memory that the engine will be given, e.g. 512M." };
        var json = new Option<bool>("--json") { Description = "Prints one JSON object a line." };
        budget.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !Quantity.TryParseBytes(text, out _))
            {
                result.AddError($"--ring-budget wants a size such as 512M, not `{text}`.");
            }
        });
        var command = new Command("doctor", "Examines kernel, privileges, memory, clock, ports and disk, and names the mend.")
        {
            data, budget, json,
        };
        command.Examples(
            ("tapline doctor", "One line per check; exit code 1 when something essential is missing."),
            ("tapline doctor --data .", "With free space and speed of the disk under this folder."));
        command.SetAction(parsed => Run(parsed.GetValue(data), parsed.GetValue(budget), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string? data, string? budget, bool json)
    {
        var budgetBytes = budget is not null && Quantity.TryParseBytes(budget, out var bytes)
            ? bytes
            : Limits.RingBudgetBytesDefault;
        List<CheckResult> results = [.. HostDoctor.Examine(data, budgetBytes), .. RecordingCheck.Examine(data)];
        if (json)
        {
            foreach (var result in results)
            {
                Console.WriteLine(ToJson(result));
            }
        }
        else
        {
            Print(results);
        }

        return results.Any(r => r.Level == CheckLevel.Bad) ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static void Print(IReadOnlyList<CheckResult> results)
    {
        _ = TerminalWidth.Take(PipeColumns);
        var table = new Table().Border(TableBorder.Simple).AddColumn("").AddColumn("check").AddColumn("finding and mend");
        foreach (var result in results)
        {
            var (mark, colour) = result.Level switch
            {
                CheckLevel.Ok => ("ok", "green"),
                CheckLevel.Warn => ("warn", "yellow"),
                _ => ("bad", "red"),
            };
            var mend = result.Mend is null ? "" : $" [bold]{Markup.Escape(result.Mend)}[/]";
            table.AddRow($"[{colour}]{mark}[/]", Markup.Escape(result.Name), Markup.Escape(result.Finding) + mend);
        }

        AnsiConsole.Write(table);
        var bad = results.Count(r => r.Level == CheckLevel.Bad);
        var warnings = results.Count(r => r.Level == CheckLevel.Warn);
        Console.WriteLine(bad > 0
            ? $"Not fit for live capture: {bad} essential check(s) failed, {warnings} warning(s)."
            : $"Fit for live capture, {warnings} warning(s).");
    }

    private static string ToJson(CheckResult result)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("check", result.Name);
            writer.WriteString("level", result.Level switch { CheckLevel.Ok => "ok", CheckLevel.Warn => "warn", _ => "bad" });
            writer.WriteString("finding", result.Finding);
            if (result.Mend is not null)
            {
                writer.WriteString("mend", result.Mend);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}

// `tapline import`: captures into a recording, with their own time, so that queries find their packets like recorded ones. Needs
// no engine, and does not disturb one that records into the same data folder.
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Record.Evidence;
using Tapline.Server.Config;
using Tapline.Workers.Imports;

namespace Tapline.Server.Commands;

/// <summary>The verb `import`.</summary>
internal static class ImportVerb
{
    public static Command Build()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Captures (pcap, pcapng, also gzip-compressed), in any order; - is standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var data = new Option<string>("--data")
        {
            Description = "The data folder; made where it is missing.", Required = true, HelpName = "DIR",
        };
        var name = new Option<string?>("--name")
        {
            Description = "What the import is called; the first capture's name when not given.", HelpName = "NAME",
        };
        var budget = new Option<string?>("--budget")
        {
            Description = "Disk space that all imports may take together, e.g. 20G; what the disk has when not given.", HelpName = "SIZE",
        };
        var keep = RetentionWords.KeepOption();
        keep.Description = "Removes the import after this time, e.g. 30d; it stays when not given.";
        var filter = new Option<string?>("--filter") { Description = "Imports only frames that match.", HelpName = "EXPR" };
        var again = new Option<bool>("--again") { Description = "Takes captures that were imported before once more." };
        var json = new Option<bool>("--json") { Description = "Prints the account as one JSON object." };
        budget.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && (!Quantity.TryParseBytes(text, out var bytes) || bytes <= 0))
            {
                result.AddError("--budget wants a size, e.g. 500M or 20G.");
            }
        });
        var verb = new Command("import", "Put captures into a recording.") { files, data, name, budget, keep, filter, again, json };
        verb.Examples(
            ("tapline import case.pcapng --data rec", "the capture's packets, found by `tapline query` from now on"),
            ("tapline import dump_*.pcap.gz --data rec --name friday --keep 30d",
                "a row of captures as one import, removed after thirty days"),
            ("ssh host tcpdump -w - | tapline import - --data rec --name host --filter 'not port 22'",
                "a capture as it comes over a pipe"));
        verb.SetAction(parsed => Run(
            new ImportOptions
            {
                Files = parsed.GetValue(files)!,
                Recording = new DataFolder(Path.GetFullPath(parsed.GetValue(data)!)).RecordingThere,
                Name = parsed.GetValue(name),
                BudgetBytes = parsed.GetValue(budget) is { } size && Quantity.TryParseBytes(size, out var bytes) ? bytes : 0,
                KeepNs = parsed.GetValue(keep) is { } time ? RetentionWords.ParseKeep(time)!.Value : 0,
                FilterText = parsed.GetValue(filter),
                TakesAgain = parsed.GetValue(again),
            },
            new DataFolder(Path.GetFullPath(parsed.GetValue(data)!)),
            parsed.GetValue(json)));
        return verb;
    }

    private static int Run(ImportOptions options, DataFolder data, bool isJson)
    {
        if (CompiledFilter.Compile(options.FilterText, LinkType.Ethernet, out var mistake) is not { } filter)
        {
            return Refuse(mistake!, ExitCodes.Usage);
        }

        if (options.Name is { } name && !ImportShelf.IsName(name))
        {
            return Refuse(
                $"--name \"{name}\": letters, digits, dots, dashes and underscores, 64 at most, and no dot in front.", ExitCodes.Usage);
        }

        if (!TryMake(data, out mistake))
        {
            return Refuse(mistake, ExitCodes.Failed);
        }

        using var signals = new StopSignals();
        using var key = NodeKey.TryOpenOrMake(data.SigningKey, out var unsealed);
        if (key is null)
        {
            Console.Error.WriteLine($"tapline: {TerminalText.Printable($"{unsealed} The import is not sealed.")}");
        }

        options = options with { Filter = filter, Evidence = key is null ? null : new EvidenceOptions(key) { IsImport = true } };
        var report = Import(options, signals.Token, out var notes, out var error);
        foreach (var note in notes)
        {
            Console.Error.WriteLine($"tapline: {TerminalText.Printable(note)}");
        }

        if (report is null)
        {
            return Refuse(error, ExitCodes.Failed);
        }

        Console.WriteLine(isJson ? Json(report) : Text(report, data));
        return report.Captures.Any(c => c.Fault is not null) ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static ImportReport? Import(ImportOptions options, CancellationToken stop, out IReadOnlyList<string> notes, out string error)
    {
        using var progress = new ProgressLine();
        return CaptureImport.Run(options, progress.Show, stop, out notes, out error);
    }

    private static bool TryMake(DataFolder data, out string mistake)
    {
        mistake = "";
        try
        {
            data.Make();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistake = $"The data folder {data.Root} can't be made: {e.Message}";
            return false;
        }
    }

    private static string Text(ImportReport report, DataFolder data)
    {
        var text = new StringBuilder();
        text.Append(
            $"Imported {Quantity.Count(report.Frames)} frames of {report.Captures.Count} capture{(report.Captures.Count == 1 ? "" : "s")} "
            + $"as {report.Name}: {Quantity.Count(report.Segments)} segment{(report.Segments == 1 ? "" : "s")}, "
            + Quantity.Bytes(report.Bytes));
        text.Append(report.Frames == 0 ? "." : $", {TimeText.Text(report.FirstNs)} to {TimeText.Text(report.LastNs)}.");
        text.Append(report.Filtered > 0 ? $" {Quantity.Count(report.Filtered)} frames were not wanted." : "");
        var behind = report.Captures.Sum(c => c.OutOfOrder);
        text.Append(behind > 0 ? $" {Quantity.Count(behind)} frames were out of order and have their place now." : "");
        text.Append(report.TimeSteps > 0
            ? $" Time steps back {Quantity.Count(report.TimeSteps)} times by more than could be put right." : "");
        text.Append($"\nAsk for them with `tapline query EXPR --data {TerminalText.Printable(data.Root)}`.");
        return text.ToString();
    }

    private static string Json(ImportReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            ImportAccount.Write(json, report);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static int Refuse(string sentence, int code)
    {
        Console.Error.WriteLine($"tapline: {TerminalText.Printable(sentence)}");
        return code;
    }
}

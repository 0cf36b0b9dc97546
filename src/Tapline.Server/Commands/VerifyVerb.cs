// `tapline verify`: proves that a recording, or an extract, is as it was sealed, or says where it is not. Needs no engine and changes
// nothing; an engine may record meanwhile. Exit code 0 = intact, 1 = not intact or not provable, 2 = asked wrongly.
using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Evidence;
using Tapline.Server.Config;
using Tapline.Workers.Indexing;

namespace Tapline.Server.Commands;

/// <summary>The verb `verify`.</summary>
internal static class VerifyVerb
{
    private const int FindingsShown = 100;

    public static Command Build()
    {
        var file = new Argument<string?>("EXTRACT")
        {
            Description = "An extract of `tapline query --write`, verified by its manifest; left out for a recording.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var data = new Option<string?>("--data")
        {
            Description = "The data folder whose recording is verified, or whose key and seals an extract is compared with.",
            HelpName = "DIR",
        };
        var since = new Option<string?>("--since")
        {
            Description = "Packets from this time on: 10m (ago), RFC 3339, '2026-11-26 01:00' (UTC). Chains are checked as a whole.",
            HelpName = "T",
        };
        var until = new Option<string?>("--until") { Description = "Packets before this time.", HelpName = "T" };
        var key = new Option<string?>("--key")
        {
            Description = "File of the public keys that are trusted; node.pub of the data folder when not given.", HelpName = "PUB",
        };
        var anchor = new Option<string?>("--anchor")
        {
            Description = "A copy of recording/evidence.json kept elsewhere: the recording must go on from it.", HelpName = "FILE",
        };
        var skip = new Option<bool>("--skip-indexes")
        {
            Description = "Does not make indexes anew that no seal covers, to compare them (slower than packets).",
        };
        var json = new Option<bool>("--json") { Description = "Prints the result as one JSON object." };
        var verb = new Command("verify", "Prove that a recording or an extract was not altered.")
        {
            file, data, since, until, key, anchor, skip, json,
        };
        verb.Examples(
            ("tapline verify --data /var/lib/tapline", "all segments, their chains and what retention removed"),
            ("tapline verify --data rec --since 1d --key /mnt/safe/node.pub --anchor /mnt/safe/evidence.json",
                "a day's packets, by a key and a journal that were kept elsewhere"),
            ("tapline verify case.pcapng --key node.pub", "an extract by its manifest case.pcapng.manifest.json"));
        verb.SetAction(parsed => Run(
            parsed.GetValue(file), parsed.GetValue(data), parsed.GetValue(since), parsed.GetValue(until), parsed.GetValue(key),
            parsed.GetValue(anchor), parsed.GetValue(skip), parsed.GetValue(json)));
        return verb;
    }

    private static int Run(
        string? file, string? data, string? since, string? until, string? key, string? anchor, bool skipsIndexes, bool isJson)
    {
        var now = Clock.NowNs();
        var (sinceNs, untilNs) = (long.MinValue, long.MaxValue);
        if ((since is not null && !Moment.TryParse(since, now, out sinceNs))
            || (until is not null && !Moment.TryParse(until, now, out untilNs)))
        {
            return Refuse($"--since and --until: {Moment.Mend}", ExitCodes.Usage);
        }

        if (file is null && data is null)
        {
            return Refuse("Name a data folder with --data, or an extract.", ExitCodes.Usage);
        }

        if (file is not null && (since ?? until ?? anchor) is not null)
        {
            return Refuse("--since, --until and --anchor are for recordings; leave them out for an extract.", ExitCodes.Usage);
        }

        var folder = data is null ? null : new DataFolder(Path.GetFullPath(data));
        var keyFile = key ?? (folder is null ? null : NodeKey.PublicPathOf(folder.SigningKey));
        string? error = null;
        using var keys = keyFile is null ? null : PublicKeys.TryRead(keyFile, out error);
        if (error is not null && (key is not null || file is null))
        {
            return Refuse(
                error + (key is null ? " Either nothing was ever sealed here (recorded with evidence off), "
                    + "and nothing can be proven; or the key is elsewhere: name it with --key." : ""), ExitCodes.Failed);
        }

        var started = Stopwatch.GetTimestamp();
        using var signals = new StopSignals();
        VerifyReport? report;
        if (file is not null)
        {
            report = File.Exists(file) ? ExtractVerifier.Run(file, keys, folder?.RecordingThere) : null;
            error = $"There is no file {file}.";
        }
        else
        {
            using var progress = new ProgressLine();
            report = RecordingVerifier.Run(
                new VerifyOptions
                {
                    Folder = folder!.RecordingThere, Keys = keys!, SinceNs = sinceNs, UntilNs = untilNs, Anchor = anchor,
                    MakeIndex = skipsIndexes ? null
                        : (segment, index) => SegmentIndexer.TryIndex(segment, out _, signals.Token, index),
                },
                out error, r => progress.Show(r.Segments, r.Bytes, r.BytesAll, "segments"), signals.Token);
        }

        if (report is null)
        {
            return Refuse(error!, ExitCodes.Failed);
        }

        if (key is null && keys is not null && file is null)
        {
            report.Note("The key lies beside the recording: who can replace both can make both. Give --key with a copy kept elsewhere.");
        }

        Console.WriteLine(isJson ? ToJson(report) : ToText(report, Stopwatch.GetElapsedTime(started)));
        return report.IsIntact ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static int Refuse(string sentence, int code)
    {
        Console.Error.WriteLine($"tapline: {TerminalText.Printable(sentence)}");
        return code;
    }

    private static string ToText(VerifyReport report, TimeSpan time)
    {
        var text = new StringBuilder();
        foreach (var finding in report.Findings.Take(FindingsShown))
        {
            text.AppendLine($"{Word(finding.Kind),-10} {TerminalText.Printable(finding.Sentence)}");
            if (finding.SinceNs is { } sinceNs)
            {
                text.AppendLine($"{"",-10} time: {TimeText.Text(sinceNs)}"
                    + (finding.UntilNs is { } untilNs ? $" to {TimeText.Text(untilNs)}" : " on"));
            }
        }

        var more = report.Findings.Count - FindingsShown + report.FindingsBeyond;
        if (more > 0)
        {
            text.AppendLine($"… and {Quantity.Count(more)} more; --json lists up to {Quantity.Count(Limits.VerifyFindingsMax)}.");
        }

        foreach (var note in report.Notes.Take(FindingsShown))
        {
            text.AppendLine($"{"note",-10} {TerminalText.Printable(note)}");
        }

        foreach (var chain in report.Chains)
        {
            var of = chain.Folder.Length == 0 ? "" : $" of {TerminalText.Printable(chain.Folder)}";
            text.AppendLine($"{"chain",-10} worker {chain.Worker}{of}: "
                + (chain.Sequence == 0 ? "none sealed" : $"{Quantity.Count(chain.Sequence)} sealed, the last {chain.Link}"));
        }

        var what = report.Chains.Count == 0 && report.Segments == 0 ? Quantity.Bytes(report.Bytes)
            : $"{Quantity.Count(report.Segments)} segments with {Quantity.Bytes(report.Bytes)}";
        text.Append($"{what} verified in {Quantity.Duration(time)}");
        text.Append(report.Removed > 0 ? $", {Quantity.Count(report.Removed)} removed by rules: " : ": ");
        text.Append(report.IsIntact ? "intact" : report.IsStopped ? "stopped before the end" : "NOT intact");
        text.Append(report.NotSealedYet > 0 ? $"; {Quantity.Count(report.NotSealedYet)} segments are not sealed yet." : ".");
        return text.ToString();
    }

    private static string ToJson(VerifyReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteBoolean("intact", report.IsIntact);
            json.WriteBoolean("stopped", report.IsStopped);
            json.WriteNumber("segments", report.Segments);
            json.WriteNumber("bytes", report.Bytes);
            json.WriteNumber("removed_by_rules", report.Removed);
            json.WriteNumber("recovered", report.Recovered);
            json.WriteNumber("imported", report.Imported);
            json.WriteNumber("unsealed", report.Unsealed);
            json.WriteNumber("not_sealed_yet", report.NotSealedYet);
            json.WriteNumber("removed_unsealed", report.RemovedUnsealed);
            json.WriteNumber("indexes_rebuilt", report.IndexesMade);
            json.WriteNumber("findings_not_listed", report.FindingsBeyond);
            WriteFindings(json, report);
            json.WriteStartArray("notes");
            foreach (var note in report.Notes)
            {
                json.WriteStringValue(note);
            }

            json.WriteEndArray();
            json.WriteStartArray("chains");
            foreach (var chain in report.Chains)
            {
                json.WriteStartObject();
                json.WriteString("folder", chain.Folder);
                json.WriteNumber("worker", chain.Worker);
                json.WriteString("chain", chain.Chain);
                json.WriteNumber("sequence", chain.Sequence);
                json.WriteString("link", chain.Link);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteFindings(Utf8JsonWriter json, VerifyReport report)
    {
        json.WriteStartArray("findings");
        foreach (var finding in report.Findings)
        {
            json.WriteStartObject();
            json.WriteString("kind", Word(finding.Kind));
            json.WriteString("summary", finding.Sentence);
            Text("file", finding.File);
            Number("offset_first", finding.OffsetFirst);
            Number("offset_last", finding.OffsetLast);
            Text("since", finding.SinceNs is { } since ? TimeText.Text(since) : null);
            Text("until", finding.UntilNs is { } until ? TimeText.Text(until) : null);
            json.WriteEndObject();
        }

        json.WriteEndArray();

        void Text(string name, string? value)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }

        void Number(string name, long? value)
        {
            if (value is { } number)
            {
                json.WriteNumber(name, number);
            }
        }
    }

    private static string Word(FindingKind kind) => kind.ToString().ToLowerInvariant();
}

// `tapline query`: what a recording holds of an expression, as packets, a count or flows. Needs no engine, and reads while one
// records. Standard output carries the answer alone: a pcapng stream when it is a pipe; the account goes to standard error.
using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Tapline.Base;
using Tapline.Capture.Identity;
using Tapline.Record.Extract;
using Tapline.Server.Config;
using Tapline.Workers.Indexing;
using Tapline.Workers.Offline;

namespace Tapline.Server.Commands;

/// <summary>The verb that searches recordings.</summary>
internal static class QueryVerb
{
    private const string Packets = "packets";
    private const string Count = "count";
    private const string Flows = "flows";
    private const string Transactions = "transactions";

    public static Command Build()
    {
        var expression = new Argument<string>("EXPR")
        {
            Description = "What is wanted, in the language of filters; '' is everything.",
        };
        var data = new Option<string>("--data")
        {
            Description = "The data folder, whose folder `recording` is read; or a recording's own folder.", Required = true,
        };
        var since = new Option<string?>("--since")
        {
            Description = "From this time on: 10m (ago), RFC 3339, '2026-11-26 01:00' (UTC).", HelpName = "T",
        };
        var until = new Option<string?>("--until") { Description = "Before this time, written likewise.", HelpName = "T" };
        var write = new Option<string?>("--write", "-w")
        {
            Description = "Write packets to this pcapng file; - is standard output.", HelpName = "F",
        };
        var force = new Option<bool>("--force") { Description = "Writes over a file that is there." };
        var what = new Option<string>("--what")
        {
            Description = "What to give: packets, count, flows or transactions.", HelpName = "WHAT", DefaultValueFactory = _ => Packets,
        };
        what.AcceptOnlyFromAmong(Packets, Count, Flows, Transactions);
        var limit = new Option<long?>("--limit", "-c") { Description = "Ends after so many packets.", HelpName = "N" };
        var wire = new Option<bool>("--wire")
        {
            Description = "Packets as a wire carries them: super-frames in segments, checksums complete.",
        };
        var json = new Option<bool>("--json") { Description = "Prints flows, or the account, as JSON." };
        var noManifest = new Option<bool>("--no-manifest")
        {
            Description = "Leaves out F.manifest.json, by which `tapline verify F` proves the extract.",
        };
        var note = new Option<string?>("--note") { Description = "A sentence that the file carries in its section.", HelpName = "TEXT" };
        var verb = new Command("query", "Search a recording.")
        {
            expression, data, since, until, write, what, limit, wire, json, force, noManifest, note, AtRestOptions.Key,
        };
        foreach (var shape in ShapeOptions.ForAnswers)
        {
            verb.Options.Add(shape);
        }

        verb.Examples(
            ("tapline query 'host 10.0.0.5 and tcp port 443' --data /var/lib/tapline --since 10m --write case.pcapng",
                "one server's TLS of the last ten minutes, as a file with its own account of completeness"),
            ("tapline query 'vm web01' --data rec --since '2026-11-26 01:00' --until '2026-11-26 01:05' | wireshark -k -i -",
                "five minutes of a VM, in Wireshark while they are read"),
            ("tapline query 'tcp[tcpflags] & tcp-rst != 0' --data rec --what count --json",
                "how many resets were recorded, and what is missing"),
            ("tapline query 'port 5432 and retransmissions > 3' --data rec --since 1h --write slow.pcapng",
                "all packets of the database connections that lost data"),
            ("tapline query 'host 10.0.0.5' --data rec --since 1h --slice l4+64 --anonymise key.bin --write for-support.pcapng",
                "an hour of one host for people who must not see addresses or payload"),
            ("tapline query 'tag pci and not net 10.0.0.0/8' --data rec --since 1d --what flows --json",
                "who talked to the outside today, one flow a line"));
        verb.SetAction(parsed => !AtRestOptions.LearnKeys(parsed) ? ExitCodes.Failed : Run(
            new Question(
                parsed.GetValue(expression)!, Path.GetFullPath(parsed.GetValue(data)!), parsed.GetValue(since), parsed.GetValue(until),
                parsed.GetValue(write), parsed.GetValue(what)!, parsed.GetValue(limit), parsed.GetValue(wire), parsed.GetValue(json))
            {
                Shape = ShapeOptions.Read(parsed), MayOverwrite = parsed.GetValue(force), HasManifest = !parsed.GetValue(noManifest),
                Note = parsed.GetValue(note),
            }));
        return verb;
    }

    private static int Run(Question question)
    {
        if (Check(question, out var mistake) is not { } options)
        {
            return Refuse(mistake!);
        }

        if (ExtractPlan.Make(options, out var error) is not { } plan)
        {
            Console.Error.WriteLine($"tapline: {error}");
            return ExitCodes.Failed;
        }

        var started = Stopwatch.GetTimestamp();
        using var signals = new StopSignals();
        var report = question.What switch
        {
            Count => CountFrames(plan, options, signals.Token),
            Flows => FollowFlows(plan, options, question.IsJson, signals.Token),
            _ => WritePackets(plan, options, question, signals.Token),
        };
        if (report is null)
        {
            return ExitCodes.Failed;
        }

        if (question.IsJson && question.What != Flows && question.Write != "-")
        {
            Console.WriteLine(Json(report));
        }
        else if (question.What == Count)
        {
            Console.WriteLine(report.Selected);
        }

        Tell(report, Stopwatch.GetElapsedTime(started));
        return ExitCodes.Ok;
    }

    private static ExtractOptions? Check(Question question, out string? mistake)
    {
        if (!Moment.TryWindow(question.Since, question.Until, out var sinceNs, out var untilNs, out mistake))
        {
            return null;
        }

        mistake = question.What == Transactions ? "this build knows no transactions yet: ask for --what flows, or packets."
            : question.Limit is <= 0 ? "--limit wants a number above 0."
            : question.Write is not null && question.What != Packets ? $"--write takes packets; leave it out with --what {question.What}."
            : question.Shape is not null && question.What != Packets ? $"shapes change packets; leave them out with --what {question.What}."
            : question.Shape is { } words ? ShapedFrames.FindMistake(words)
            : question.IsWire && question.What != Packets ? $"--wire is for packets; leave it out with --what {question.What}."
            : question.What == Packets && question.Write is null or "-" && !Console.IsOutputRedirected
                ? "packets are not for a terminal: give --write F.pcapng, or a pipe, or ask for --what count or flows."
            : null;
        if (mistake is not null || ExtractFilter.Compile(question.Expression, out mistake) is not { } filter)
        {
            return null;
        }

        return new ExtractOptions
        {
            Folder = new DataFolder(question.Data).RecordingThere,
            Filter = filter,
            SinceNs = sinceNs,
            UntilNs = untilNs,
            Limit = question.Limit ?? long.MaxValue,
            IsOrdered = question.What != Count,
            MakeIndex = path => SegmentIndexer.TryIndex(path, out _),
        };
    }

    private static int Refuse(string mistake)
    {
        Console.Error.WriteLine($"tapline: {TerminalText.Printable(mistake)}");
        return ExitCodes.Usage;
    }

    private static ExtractReport Extract(ExtractPlan plan, ExtractOptions options, IExtractSink sink, CancellationToken stop)
    {
        using var progress = new ProgressLine();
        return Extraction.Run(plan, options, sink, Show, stop);

        void Show(ExtractReport report)
        {
            if (report.SegmentsAsked > 0)
            {
                progress.Show(report.SegmentsAsked, plan.SegmentsWanted, "segments asked for facts of flows");
            }
            else
            {
                progress.Show(report.Examined, report.PassedBytes, plan.Bytes);
            }
        }
    }

    private static ExtractReport CountFrames(ExtractPlan plan, ExtractOptions options, CancellationToken stop) =>
        Extract(plan, options, new NoSink(), stop);

    private static ExtractReport FollowFlows(ExtractPlan plan, ExtractOptions options, bool isJson, CancellationToken stop)
    {
        using var flows = new ExtractFlows();
        var report = Extract(plan, options, flows, stop);
        using var result = flows.End(report);
        using var output = new AnswerOutput();
        if (isJson)
        {
            ReadJson.Flows(result, VmInventory.Empty, output);
        }
        else
        {
            ReadText.Flows(result, VmInventory.Empty, output);
        }

        output.Flush();
        return report;
    }

    private static ExtractReport? WritePackets(ExtractPlan plan, ExtractOptions options, Question question, CancellationToken stop)
    {
        if (AnswerFile.TryOpen(question.Write, question.MayOverwrite, out var mistake) is not { } file)
        {
            Console.Error.WriteLine($"tapline: {TerminalText.Printable(mistake)}");
            return null;
        }

        using (file)
        {
            var manifest = question.Write is { } path && path != "-" && question.HasManifest
                ? new QueryManifest(path, file.Stream, plan) : null;
            var answer = new PcapngAnswer(
                manifest?.Stream ?? file.Stream, question.Expression.Length == 0 ? "everything" : question.Expression);
            var wire = question.IsWire ? new WireFrames(answer) : null;
            using var shape = question.Shape is null ? null : ShapedFrames.TryMake(question.Shape, wire, answer, out mistake);
            answer.Change = shape?.Change;
            answer.Note = question.Note;
            try
            {
                var report = Extract(plan, options, shape ?? wire ?? (IExtractSink)answer, stop);
                answer.End(report);
                TellChange(shape, wire);
                if (manifest?.Write(question.Expression, question.IsWire, shape?.Change, new DataFolder(question.Data), options, report)
                    is { } problem)
                {
                    Console.Error.WriteLine($"tapline: {TerminalText.Printable(problem)}");
                }

                return report;
            }
            catch (IOException e)
            {
                Console.Error.WriteLine($"tapline: {TerminalText.Printable(file.Fail(e, answer.Bytes))}");
                return null;
            }
        }
    }

    private static void TellChange(ShapedFrames? shape, WireFrames? wire)
    {
        if (shape is { LeftOut: > 0 })
        {
            Console.Error.WriteLine($"{Quantity.Count(shape.LeftOut)} frames were left out by the shape.");
        }

        if (shape is { Withheld: > 0 })
        {
            Console.Error.WriteLine(
                $"{Quantity.Count(shape.Withheld)} frames did not leave: what must be hidden or taken off can't be found in them.");
        }

        if (wire is { LeftAsRecorded: > 0 })
        {
            Console.Error.WriteLine(
                $"{Quantity.Count(wire.LeftAsRecorded)} super-frames can't be re-segmented: their bytes were cut.");
        }
    }

    private static void Tell(ExtractReport report, TimeSpan time)
    {
        Console.Error.WriteLine(
            $"{Quantity.Count(report.Selected)} frames ({Quantity.Bytes(report.SelectedBytes)}) of {Quantity.Count(report.Examined)} "
            + $"examined, {Quantity.Bytes(report.ReadBytes)} read in {Quantity.Duration(time)}"
            + (report.IsStopped ? "; stopped." : report.IsLimited ? "; the limit was reached." : "."));
        foreach (var sentence in PcapngAnswer.Account(report.Plan).Concat(report.Faults).Concat(report.UnknownNames))
        {
            Console.Error.WriteLine(TerminalText.Printable(sentence));
        }

        foreach (var (point, counts) in report.Points)
        {
            Console.Error.WriteLine(
                $"  {TerminalText.Printable(point.Name)}: arrived {Quantity.Count(counts.Arrived)}, "
                + $"dropped {Quantity.Count(counts.DroppedRing + counts.DroppedRecorder)}, recorded {Quantity.Count(counts.Recorded)}, "
                + $"selected {Quantity.Count(counts.Selected)}");
        }

        if (report.OutOfOrder > 0)
        {
            Console.Error.WriteLine($"{Quantity.Count(report.OutOfOrder)} frames stand behind a later one: reordercap puts them right.");
        }
    }

    private static void WriteSentences(Utf8JsonWriter json, string name, IEnumerable<string> sentences)
    {
        json.WriteStartArray(name);
        foreach (var sentence in sentences)
        {
            json.WriteStringValue(sentence);
        }

        json.WriteEndArray();
    }

    private static string Json(ExtractReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("frames", report.Selected);
            json.WriteNumber("bytes", report.SelectedBytes);
            json.WriteNumber("examined", report.Examined);
            json.WriteNumber("read_bytes", report.ReadBytes);
            json.WriteNumber("segments", report.SegmentsRead);
            json.WriteNumber("segments_by_index", report.SegmentsByIndex);
            json.WriteNumber("segments_refused", report.SegmentsRefused);
            json.WriteNumber("out_of_order", report.OutOfOrder);
            json.WriteBoolean(
                "complete", !report.IsStopped && !report.IsLimited && report.Plan.Holes.Count + report.Faults.Count == 0);
            json.WriteStartObject("ledger");
            json.WriteNumber("arrived", report.Plan.Arrived);
            json.WriteNumber("dropped_ring", report.Plan.DroppedRing);
            json.WriteNumber("filtered_recorder", report.Plan.Filtered);
            json.WriteNumber("dropped_recorder", report.Plan.DroppedRecorder);
            json.WriteNumber("recorded", report.Plan.Recorded);
            json.WriteNumber("sliced", report.Plan.Sliced);
            json.WriteEndObject();
            WriteSentences(json, "holes", report.Plan.Holes.Concat(report.Faults));
            WriteSentences(json, "unknown_names", report.UnknownNames);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    private sealed record Question(
        string Expression, string Data, string? Since, string? Until, string? Write, string What, long? Limit, bool IsWire, bool IsJson)
    {
        public string? Shape { get; init; }

        public bool MayOverwrite { get; init; }

        public bool HasManifest { get; init; }

        public string? Note { get; init; }
    }

    private sealed class NoSink : IExtractSink
    {
        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
        {
        }

        public void Rest()
        {
        }
    }
}

// `tapline read`: capture files and recordings in, a summary, flows or a ledger out. Needs no privilege, no engine and no console.
// Standard output carries the answer and nothing else; progress and faults go to standard error.
using System.CommandLine;
using Tapline.Base;
using Tapline.Capture.Identity;
using Tapline.Filter;
using Tapline.Workers;
using Tapline.Workers.Offline;

namespace Tapline.Server.Commands;

/// <summary>The verb that analyses capture files.</summary>
internal static class ReadVerb
{
    private const string Summary = "summary";
    private const string Flows = "flows";
    private const string Ledger = "ledger";
    private const string Transactions = "transactions";
    private const string Events = "events";

    public static Command Build()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Capture files (pcap, pcapng, also gzip-compressed) and segments, in order; - is standard input. A data folder "
                + "or a recording's folder: all of its segments.",
            Arity = ArgumentArity.OneOrMore,
        };
        var filter = new Option<string?>("--filter") { Description = "Analyse only frames that match.", HelpName = "EXPR" };
        var since = new Option<string?>("--since")
        {
            Description = "From this time on: 10m (ago), RFC 3339, '2026-11-26 01:00' (UTC).", HelpName = "T",
        };
        var until = new Option<string?>("--until") { Description = "Before this time, written likewise.", HelpName = "T" };
        var what = new Option<string>("--what")
        {
            Description = "What to print: summary, flows, ledger, transactions or events.",
            HelpName = "WHAT",
            DefaultValueFactory = _ => Summary,
        };
        what.AcceptOnlyFromAmong(Summary, Flows, Ledger, Transactions, Events);
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var workers = new Option<int>("--workers")
        {
            Description = "Threads that share the work; the result is the same for any number (default: all processors).",
            HelpName = "N",
        };
        var verb = new Command("read", "Analyse capture files and recordings.")
        {
            files, filter, since, until, what, json, workers, IdentityOptions.Inventory, AtRestOptions.Key,
        };
        verb.Examples(
            ("tapline read trace.pcap", "what is in the file: protocols, applications, busiest addresses, what is missing"),
            ("tapline read a.pcapng b.pcap.gz --what flows --json", "every flow of both files as one JSON object a line"),
            ("tapline read trace.pcap --what flows --inventory vms.csv", "the same with the names of the VMs at both ends"),
            ("tapline read /var/lib/tapline --since 1h --what flows", "the last hour of a recording, analysed anew"),
            ("ssh host tcpdump -w - | tapline read -", "a capture as it comes over a pipe"),
            ("tapline read trace.pcap --filter 'tcp port 443' --what ledger", "per second: captured, analysed, not decodable"));
        verb.SetAction(parsed => IdentityOptions.Read(parsed) is not { } vms ? ExitCodes.Usage
            : !AtRestOptions.LearnKeys(parsed) ? ExitCodes.Failed : Run(
            new Question(
                parsed.GetValue(files)!, parsed.GetValue(filter), parsed.GetValue(since), parsed.GetValue(until), parsed.GetValue(what)!,
                parsed.GetValue(json), parsed.GetValue(workers), vms)));
        return verb;
    }

    private static int Run(Question question)
    {
        if (question.Workers < 0 || question.Workers > Limits.WorkersMax)
        {
            return Refuse($"--workers takes 1 to {Limits.WorkersMax}.");
        }

        if (!Moment.TryWindow(question.Since, question.Until, out var sinceNs, out var untilNs, out var error))
        {
            return Refuse(error);
        }

        if (question.What is Transactions or Events)
        {
            Console.Error.WriteLine($"tapline: this build knows no {question.What} yet; nothing is printed. Use --what flows.");
        }

        if (CompiledFilter.Compile(question.Filter, LinkType.Ethernet, out error!) is not { } filter)
        {
            return Refuse(error);
        }

        if (RecordingSources.Find(question.Files, sinceNs, untilNs, out error!) is not { } sources)
        {
            Console.Error.WriteLine($"tapline: {TerminalText.Printable(error)}");
            return ExitCodes.Failed;
        }

        using var result = Analyse(Options(question, sources, filter) with { SinceNs = sinceNs, UntilNs = untilNs });
        using var output = new AnswerOutput();
        Print(result, question.What, question.IsJson, question.Vms, output);
        output.Flush();
        foreach (var fault in sources.Holes.Concat(result.Faults))
        {
            Console.Error.WriteLine($"tapline: {TerminalText.Printable(fault)}");
        }

        return result.Faults.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static int Refuse(string mistake)
    {
        Console.Error.WriteLine($"tapline: {TerminalText.Printable(mistake)}");
        return ExitCodes.Usage;
    }

    private static OfflineOptions Options(Question question, RecordingSources sources, CompiledFilter filter)
    {
        var options = new OfflineOptions
        {
            Files = sources.Files,
            Chains = sources.Chains,
            Filter = filter,
            Workers = question.Workers == 0 ? Math.Min(Environment.ProcessorCount, Limits.WorkersMax) : question.Workers,
            KeepFlows = question.What == Flows,
            KeepLedger = question.What == Ledger,
        };
        var names = FilterNames.Of(new VmDirectory([], [], question.Vms), []);
        filter.Bind(names);
        if (filter.NeedsDirectory && question.Vms.Vms.Count == 0 && sources.Chains.Count == 0)
        {
            Console.Error.WriteLine("tapline: a capture file names no machines, so `vm` and `tag` select nothing; give --inventory FILE.");
        }

        return sources.Chains.Count == 0 ? options : options with
        {
            Machines = filter.NeedsDirectory || question.What == Flows ? sources.Machines() : [],
            PointsAdded = filter.NeedsDirectory ? points => filter.Bind(sources.Directory(names, points)) : null,
        };
    }

    private static OfflineResult Analyse(OfflineOptions options)
    {
        if (Console.IsErrorRedirected)
        {
            return OfflineAnalysis.Run(options);
        }

        using var progress = new ProgressLine();
        return OfflineAnalysis.Run(options, progress.Show);
    }

    private static void Print(OfflineResult result, string what, bool isJson, VmInventory vms, AnswerOutput output)
    {
        switch (what)
        {
            case Flows when isJson:
                ReadJson.Flows(result, vms, output);
                break;
            case Flows:
                ReadText.Flows(result, vms, output);
                break;
            case Ledger when isJson:
                ReadJson.Ledger(result, output);
                break;
            case Ledger:
                ReadText.Ledger(result, output);
                break;
            case Summary when isJson:
                ReadJson.Summary(result, output);
                break;
            case Summary:
                ReadText.Summary(result, output);
                break;
        }
    }

    private sealed record Question(
        IReadOnlyList<string> Files, string? Filter, string? Since, string? Until, string What, bool IsJson, int Workers, VmInventory Vms);
}

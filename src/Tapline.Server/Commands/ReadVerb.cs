// `tapline read`: capture files in, a summary, flows or a ledger out. Needs no privilege, no engine and no console.
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
            Description = "Capture files (pcap, pcapng, also gzip-compressed) and segments, in order; - is standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var filter = new Option<string?>("--filter") { Description = "Analyse only frames that match.", HelpName = "EXPR" };
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
        var verb = new Command("read", "Analyse capture files.")
        {
            files, filter, what, json, workers, IdentityOptions.Inventory, AtRestOptions.Key,
        };
        verb.Examples(
            ("tapline read trace.pcap", "what is in the file: protocols, applications, busiest addresses, what is missing"),
            ("tapline read a.pcapng b.pcap.gz --what flows --json", "every flow of both files as one JSON object a line"),
            ("tapline read trace.pcap --what flows --inventory vms.csv", "the same with the names of the VMs at both ends"),
            ("ssh host tcpdump -w - | tapline read -", "a capture as it comes over a pipe"),
            ("tapline read trace.pcap --filter 'tcp port 443' --what ledger", "per second: captured, analysed, not decodable"));
        verb.SetAction(parsed => IdentityOptions.Read(parsed) is not { } vms ? ExitCodes.Usage
            : !AtRestOptions.LearnKeys(parsed) ? ExitCodes.Failed : Run(
            parsed.GetValue(files)!, parsed.GetValue(filter), parsed.GetValue(what)!, parsed.GetValue(json),
            parsed.GetValue(workers), vms));
        return verb;
    }

    private static int Run(string[] files, string? expression, string what, bool isJson, int workers, VmInventory vms)
    {
        if (workers < 0 || workers > Limits.WorkersMax)
        {
            Console.Error.WriteLine($"tapline: --workers takes 1 to {Limits.WorkersMax}.");
            return ExitCodes.Usage;
        }

        if (what is Transactions or Events)
        {
            Console.Error.WriteLine($"tapline: this build knows no {what} yet; nothing is printed. Use --what flows.");
        }

        var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
        if (filter is null)
        {
            Console.Error.WriteLine($"tapline: {error}");
            return ExitCodes.Usage;
        }

        filter.Bind(FilterNames.Of(new VmDirectory([], [], vms), []));
        if (filter.NeedsDirectory && vms.Vms.Count == 0)
        {
            Console.Error.WriteLine("tapline: a capture file names no machines, so `vm` and `tag` select nothing; give --inventory FILE.");
        }

        using var result = Analyse(files, filter, what, workers);
        using var output = new AnswerOutput();
        Print(result, what, isJson, vms, output);
        output.Flush();
        foreach (var fault in result.Faults)
        {
            Console.Error.WriteLine($"tapline: {fault}");
        }

        return result.Faults.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static OfflineResult Analyse(string[] files, CompiledFilter filter, string what, int workers)
    {
        var options = new OfflineOptions
        {
            Files = files,
            Filter = filter,
            Workers = workers == 0 ? Math.Min(Environment.ProcessorCount, Limits.WorkersMax) : workers,
            KeepFlows = what == Flows,
            KeepLedger = what == Ledger,
        };
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
}

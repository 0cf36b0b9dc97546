// `tapline demo`: a virtual switch with a multi-tier application on namespaces or QEMU guests, and a node on it. The work is in Demo/;
// here are the options and how the result is printed.
using System.CommandLine;
using Tapline.Server.Demo;

namespace Tapline.Server.Commands;

/// <summary>The verb `demo`.</summary>
internal static class DemoVerb
{
    private const string Namespaces = "namespaces";
    private const string Qemu = "qemu";

    public static Command Build()
    {
        var vms = new Option<string>("--vms")
        {
            Description = "What the VMs are: namespaces (network namespaces with nginx, PostgreSQL, Redis), or qemu (real guests).",
            DefaultValueFactory = _ => Namespaces,
        };
        var seconds = new Option<double?>("--seconds") { Description = "Ends by itself after so many seconds of traffic." };
        var json = new Option<bool>("--json") { Description = "Prints the summary as one JSON object." };
        var keep = new Option<bool>("--keep") { Description = "Keeps the demo's folder: recording, spool, the tool's copies." };
        var listen = new Option<string?>("--listen") { Description = "Where the console listens, ADDRESS:PORT." };
        vms.AcceptOnlyFromAmong(Namespaces, Qemu);
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is <= 0)
            {
                result.AddError("--seconds wants a number above 0.");
            }
        });
        var command = new Command("demo", "A virtual switch with a multi-tier application on it, and a node that watches it.")
        {
            vms, seconds, json, keep, listen,
        };
        command.Examples(
            ("./tapline demo", "Runs until Ctrl-C; prints where the console is, and at the end what became of each frame."),
            ("./tapline demo --vms qemu", "The same with four real virtual machines, which are found by their names in QEMU."),
            ("./tapline demo --seconds 15 --json", "Fifteen seconds of traffic, then the account as one JSON object."));
        command.SetAction(parsed => RunAsync(
            parsed.GetValue(vms) == Qemu, parsed.GetValue(seconds), parsed.GetValue(json), parsed.GetValue(keep), parsed.GetValue(listen)));
        return command;
    }

    private static async Task<int> RunAsync(bool isQemu, double? seconds, bool json, bool keep, string? listen)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Console.Error.WriteLine("The demo needs root: it makes a bridge and network namespaces. Run it with sudo.");
            return ExitCodes.Failed;
        }

        // Sentences go where they do not mix with the object that a program reads.
        var words = json ? Console.Error : Console.Out;
        var isWatched = !Console.IsErrorRedirected && !Console.IsOutputRedirected;
        var orders = new DemoOrders
        {
            IsQemu = isQemu,
            Seconds = seconds,
            Keep = keep,
            Listen = listen,
            Say = words.WriteLine,
            Status = isWatched ? text => Console.Error.Write($"\r\u001b[K{text}") : null,
        };
        using var signals = new StopSignals();
        try
        {
            var summary = await DemoRun.RunAsync(orders, signals.Token);
            orders.Status?.Invoke("");
            Console.WriteLine(json ? summary.ToJson() : summary.ToText());
            return summary.Balanced && summary.NodeExitCode == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }
        catch (DemoException problem)
        {
            orders.Status?.Invoke("");
            Console.Error.WriteLine($"tapline: {problem.Message}");
            return ExitCodes.Failed;
        }
        catch (OperationCanceledException)
        {
            orders.Status?.Invoke("");
            Console.Error.WriteLine("Stopped before the demo was under way; nothing is left behind.");
            return ExitCodes.Failed;
        }
    }
}

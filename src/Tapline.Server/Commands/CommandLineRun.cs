// From arguments to exit code. A wrong command line gets its mistakes, one a line, and where to look; a command that
// fails unexpectedly gets one sentence, never a stack trace on an operator's terminal (TAPLINE_TRACE=1 shows it).
using System.CommandLine;
using System.CommandLine.Parsing;

namespace Tapline.Server.Commands;

/// <summary>Parses and runs one command.</summary>
internal static class CommandLineRun
{
    /// <returns>The exit code: 0 ok, 1 failed, 2 usage.</returns>
    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        HelpExamples.ShowIn(root);
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0 && parsed.Action is null or System.CommandLine.Invocation.ParseErrorAction)
        {
            return ReportMistakes(parsed);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Signals are StopSignals' alone: the library's own handler would hold them back until its time is over.
                ProcessTerminationTimeout = null,
            });
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Ok;
        }
        catch (IOException) when (Console.IsOutputRedirected && IsOutputClosed())
        {
            // `tapline read … | head`: the reader has seen enough.
            return ExitCodes.Ok;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(Environment.GetEnvironmentVariable("TAPLINE_TRACE") == "1" ? e : $"tapline: {e.Message}");
            return ExitCodes.Failed;
        }
    }

    private static int ReportMistakes(ParseResult parsed)
    {
        foreach (ParseError error in parsed.Errors)
        {
            Console.Error.WriteLine($"tapline: {error.Message}");
        }

        var words = "";
        for (SymbolResult? verb = parsed.CommandResult; verb is CommandResult { Command: not RootCommand } word; verb = verb.Parent)
        {
            words = $" {word.Command.Name}{words}";
        }

        Console.Error.WriteLine($"Try: tapline{words} --help");
        return ExitCodes.Usage;
    }

    private static bool IsOutputClosed()
    {
        try
        {
            Console.Out.Flush();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}

// `tapline console`: web pages, API and store over one data folder. Needs no privilege beyond reading that folder.
using System.CommandLine;
using System.Net;
using Tapline.Server.Config;
using Tapline.Server.WebConsole;

namespace Tapline.Server.Commands;

/// <summary>The verb of the second half of a node.</summary>
internal static class ConsoleVerb
{
    public static Command Build()
    {
        var data = new Option<string>("--data")
        {
            Description = "Data folder, shared with the engine.",
            HelpName = "DIR",
            DefaultValueFactory = _ => DataFolder.Default,
        };
        var listen = ListenOption();
        var retention = new Option<int>("--retention-days")
        {
            Description = "Age at which records leave the store; 0 keeps them for ever.",
            DefaultValueFactory = _ => 30,
        };
        var verb = new Command("console", "Web pages, API and store over a data folder.") { data, listen, retention };
        verb.Examples(
            ("tapline console --data /var/lib/tapline",
                "pages at http://127.0.0.1:7777, the token is printed at the first start"),
            ("tapline console --data /tmp/t --listen 127.0.0.1:0", "on a free port that the kernel chooses"));
        verb.SetAction((parsed, _) => RunAsync(
            parsed.GetValue(data)!, parsed.GetValue(listen)!, parsed.GetValue(retention)));
        return verb;
    }

    /// <summary><c>--listen ADDR:PORT</c>, shared with <c>up</c>.</summary>
    internal static Option<IPEndPoint?> ListenOption() => new("--listen")
    {
        Description = "Address and port of the console (default 127.0.0.1:7777).",
        HelpName = "ADDR:PORT",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (IPEndPoint.TryParse(text, out var endPoint) && text.Contains(':', StringComparison.Ordinal))
            {
                return endPoint;
            }

            result.AddError($"'{text}' is not ADDR:PORT, e.g. 127.0.0.1:7777 or [::1]:7777.");
            return null;
        },
    };

    private static async Task<int> RunAsync(string folder, IPEndPoint? listen, int retentionDays)
    {
        using var signals = new StopSignals();
        var data = new DataFolder(Path.GetFullPath(folder));
        try
        {
            data.Make();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(
                $"tapline: the data folder cannot be used: {e.Message} Name another with --data.");
            return ExitCodes.Failed;
        }

        var options = new ConsoleOptions { Data = data, RetentionDays = retentionDays };
        return await ConsoleHost.RunAsync(
            listen is null ? options : options with { Listen = listen }, Console.Out, signals.Token);
    }
}

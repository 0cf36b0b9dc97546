// `tapline top`: the engine's live figures on a terminal, once a second, straight from its socket; no console needed.
// q or Ctrl-C leaves. Where standard output is not a terminal, one picture is printed.
using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Tapline.Server.Config;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Commands;

/// <summary>The live terminal view.</summary>
internal static class TopVerb
{
    private const int BusiestFlowsMax = 20;
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    public static Command Build()
    {
        var data = new Option<string>("--data")
        {
            Description = "Data folder of the engine.", HelpName = "DIR", DefaultValueFactory = _ => DataFolder.Default,
        };
        var json = new Option<bool>("--json") { Description = "Print one snapshot as one JSON object and end." };
        var verb = new Command("top", "Live terminal view of the engine's points, mirrors and busiest flows.") { data, json };
        verb.Examples(
            ("tapline top", "the engine on this host; q leaves"),
            ("tapline top --data /tmp/t --json", "one snapshot for a script"));
        verb.SetAction((parsed, _) => RunAsync(new DataFolder(parsed.GetValue(data)!), parsed.GetValue(json)));
        return verb;
    }

    private static async Task<int> RunAsync(DataFolder data, bool json)
    {
        using var signals = new StopSignals();
        await using var engine = new EngineClient(data.EngineSocket);
        try
        {
            if (json)
            {
                var snapshot = await engine.SnapshotAsync(signals.Token);
                Console.WriteLine(JsonSerializer.Serialize(snapshot, TelemetryJson.Default.EngineSnapshot));
            }
            else if (Console.IsOutputRedirected || Console.IsInputRedirected)
            {
                await PrintOnceAsync(engine, signals.Token);
            }
            else
            {
                await WatchAsync(engine, signals.Token);
            }

            return ExitCodes.Ok;
        }
        catch (EngineUnavailableException e)
        {
            await Console.Error.WriteLineAsync($"tapline: {e.Message}");
            return ExitCodes.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Ok;
        }
    }

    /// <summary>Two readings one interval apart, so that there are rates.</summary>
    private static async Task PrintOnceAsync(EngineClient engine, CancellationToken stop)
    {
        var meter = new RateMeter();
        _ = await ReadAsync(engine, meter, stop);
        await Task.Delay(s_interval, stop);
        var state = await ReadAsync(engine, meter, stop);
        AnsiConsole.Console.Profile.Width = Math.Max(AnsiConsole.Console.Profile.Width, 140);
        AnsiConsole.Write(TopView.Draw(state, rows: 0));
        Console.WriteLine();
    }

    private static async Task WatchAsync(EngineClient engine, CancellationToken stop)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var meter = new RateMeter();
        var state = await ReadAsync(engine, meter, stop);
        Console.Write("\x1b[?1049h\x1b[?25l\x1b[H");
        try
        {
            while (!leaving.IsCancellationRequested)
            {
                DrawScreen(state);
                await WaitAsync(leaving);
                state = await ReadOrKeepAsync(engine, meter, state, leaving.Token);
            }
        }
        finally
        {
            Console.Write("\x1b[?25h\x1b[?1049l");
        }
    }

    // Every line is cleared to its end and the rest of the screen after the last one: no flicker, no leftovers.
    private static void DrawScreen(LiveState state)
    {
        var text = new StringWriter();
        var rows = Console.WindowHeight;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(text), Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = Console.WindowWidth;
        console.Write(TopView.Draw(state, rows - 1));
        var lines = text.ToString().TrimEnd('\n').Split('\n').Take(rows - 1);
        Console.Write("\x1b[H" + string.Join("\x1b[K\r\n", lines) + "\x1b[K\r\n\x1b[90mq leaves\x1b[0m\x1b[J");
    }

    /// <summary>One interval, cut short by q.</summary>
    private static async Task WaitAsync(CancellationTokenSource leaving)
    {
        const int KeyPollMs = 50;
        for (var waited = 0; waited < s_interval.TotalMilliseconds && !leaving.IsCancellationRequested; waited += KeyPollMs)
        {
            while (Console.KeyAvailable)
            {
                if (Console.ReadKey(intercept: true).KeyChar is 'q' or 'Q')
                {
                    await leaving.CancelAsync();
                }
            }

            await Task.Delay(KeyPollMs, CancellationToken.None);
        }
    }

    private static async Task<LiveState> ReadAsync(EngineClient engine, RateMeter meter, CancellationToken stop)
    {
        var snapshot = await engine.SnapshotAsync(stop);
        var flows = await engine.FlowsAsync(BusiestFlowsMax, stop);
        return new LiveState { Snapshot = snapshot, Rates = meter.Advance(snapshot), BusiestFlows = flows };
    }

    /// <summary>An engine that goes away leaves its last figures on the screen, with the reason.</summary>
    private static async Task<LiveState> ReadOrKeepAsync(
        EngineClient engine, RateMeter meter, LiveState last, CancellationToken stop)
    {
        try
        {
            return await ReadAsync(engine, meter, stop);
        }
        catch (EngineUnavailableException e)
        {
            meter.Reset();
            return last with { Trouble = e.Message, Rates = new Dictionary<int, PointRate>() };
        }
        catch (OperationCanceledException)
        {
            return last;
        }
    }
}

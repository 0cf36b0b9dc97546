// `tapline mirror … --since T --data DIR`: a session of the node that runs on DIR, for as long as this command runs. The node
// reads its recording and hands over to live; here the session is ordered, followed on a terminal, taken away at the end, and its
// ledger printed.
using System.Diagnostics;
using System.Text.Json;
using Tapline.Server.Config;
using Tapline.Server.Telemetry;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>A session in a running node, of this command's life.</summary>
internal static class PastSession
{
    private const int LookMs = 500;
    private const string List = "{\"verb\":\"mirrors\"}\n";

    /// <summary>Runs it until a signal or for so many seconds.</summary>
    public static async Task<int> RunAsync(MirrorPlan plan, string data, double? seconds, bool isJson)
    {
        await using var engine = new EngineClient(new DataFolder(Path.GetFullPath(data)).EngineSocket, TimeSpan.FromSeconds(30));
        using var signals = new StopSignals();
        var requests = MirrorControl.Requests(plan);
        try
        {
            await engine.MirrorsAsync(requests.Add);
        }
        catch (EngineUnavailableException e)
        {
            await Console.Error.WriteLineAsync($"tapline: {e.Message} A recording without its node is played by `tapline replay`.");
            return ExitCodes.Failed;
        }

        await Console.Error.WriteLineAsync("ready");
        EngineSnapshot.Mirror? last = null;
        try
        {
            last = await FollowAsync(engine, plan.Session, seconds, signals.Token);
            await engine.MirrorsAsync(requests.Remove);
        }
        catch (EngineUnavailableException e)
        {
            await Console.Error.WriteLineAsync($"tapline: {e.Message}");
        }

        Print(last, isJson);
        return last is null ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static async Task<EngineSnapshot.Mirror?> FollowAsync(
        EngineClient engine, string session, double? seconds, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        EngineSnapshot.Mirror? last = null;
        var wasLive = false;
        while (true)
        {
            last = (await engine.MirrorsAsync(List)).Mirrors.FirstOrDefault(m => m.Session == session);
            var isLive = last?.Past?.State == "live";
            if (isLive && !wasLive)
            {
                await Console.Error.WriteLineAsync("tapline: live");
                wasLive = true;
            }

            if (last is null || stop.IsCancellationRequested || watch.Elapsed.TotalSeconds >= (seconds ?? double.MaxValue))
            {
                return last;
            }

            try
            {
                await Task.Delay(LookMs, stop);
            }
            catch (OperationCanceledException)
            {
                // One more look, at the ledger as it ends.
            }
        }
    }

    private static void Print(EngineSnapshot.Mirror? mirror, bool isJson)
    {
        if (mirror is null)
        {
            Console.Error.WriteLine("tapline: the node has no such session any more.");
        }
        else if (isJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(mirror, TelemetryJson.Default.Mirror));
        }
        else
        {
            MirrorControl.Print([mirror]);
        }
    }
}

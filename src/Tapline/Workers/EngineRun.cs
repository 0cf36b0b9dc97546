// One call that runs a data plane from its orders to its last drained frame. The verbs `engine`, `mirror` and `record`
// differ only in the options they pass and in how they print the report.
namespace Tapline.Workers;

/// <summary>Runs an engine on the calling thread until it is stopped, its time is over or it fails.</summary>
public static class EngineRun
{
    private const int StuckExitCode = 1;
    private static readonly TimeSpan s_progressTime = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Starts the engine, calls <paramref name="ready"/> once all points are attached, waits for
    /// <paramref name="stop"/>, drains the rings, closes segments and spool, and reports.
    /// </summary>
    /// <param name="options">The orders.</param>
    /// <param name="stop">Cancelled by SIGINT or SIGTERM.</param>
    /// <param name="ready">Called on this thread with the engine when frames are being seen; may be null.</param>
    /// <returns>The ledger; <see cref="EngineReport.Fault"/> says what went wrong. Does not throw for bad orders.</returns>
    /// <param name="recorded">Called a few times a second with what was recorded, on a thread of the pool; may be null.</param>
    /// <param name="ending">Called on this thread before the engine ends; it must not be used after that.</param>
    public static EngineReport Run(
        EngineOptions options, CancellationToken stop, Action<Engine>? ready = null, Action<RecorderReport>? recorded = null,
        Action? ending = null)
    {
        if (options.DataFolder is { } data)
        {
            Directory.CreateDirectory(data);
        }

        using var engine = Engine.Start(options, EndProcess, out var fault);
        if (engine is null)
        {
            return fault!;
        }

        foreach (var notice in engine.Notices)
        {
            Console.Error.WriteLine($"tapline: {notice}");
        }

        ready?.Invoke(engine);
        var timer = recorded is null ? null : new Timer(_ => recorded(engine.RecorderNow()!), null, s_progressTime, s_progressTime);
        engine.WaitForStop(stop, options.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        timer?.DisposeAsync().AsTask().Wait();
        ending?.Invoke();
        return engine.Finish();
    }

    private static void EndProcess(string sentence)
    {
        Console.Error.WriteLine($"tapline: {sentence}");

        // Not Environment.Exit: that waits for threads that a stuck worker may hold up.
        Base.Native.ProcessEnd.Now(StuckExitCode);
    }
}

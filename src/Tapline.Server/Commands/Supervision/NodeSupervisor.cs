// A node: engine and console as two children. They end in order: first the engine, which drains its rings and writes its
// last records, then the console, which takes those into the store. When this process dies, the kernel tells both.
namespace Tapline.Server.Commands.Supervision;

/// <summary>Runs both halves until told to stop or one of them is done.</summary>
internal static class NodeSupervisor
{
    /// <returns>The exit code: the engine's, unless only the console failed.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> engineArguments, IReadOnlyList<string> consoleArguments, bool consoleToError,
        TextWriter log, CancellationToken stop)
    {
        using var spawner = new SpawnThread();
        var engine = new SupervisedChild("engine", engineArguments, spawner, log) { MayEnd = true };
        var console = new SupervisedChild("console", consoleArguments, spawner, log) { OutputToError = consoleToError };

        var engineRun = engine.RunAsync();
        var consoleRun = console.RunAsync();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stop.Register(told.SetResult);
        await Task.WhenAny(told.Task, engineRun, consoleRun);

        engine.Stop();
        var engineCode = await engineRun;
        console.Stop();
        var consoleCode = await consoleRun;
        return engineCode != ExitCodes.Ok ? engineCode : consoleCode;
    }
}

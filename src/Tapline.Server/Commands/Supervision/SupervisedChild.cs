// One half of a node as a child process: started, started again when it falls, asked to end, ended by force when it will
// not. A child that refuses its orders (exit code 2), or falls at once at its very first start, is not tried again:
// an operator at the terminal wants the reason, not a loop.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base.Native;

namespace Tapline.Server.Commands.Supervision;

/// <summary>A child that is kept running. <see cref="RunAsync"/> is its whole life.</summary>
internal sealed class SupervisedChild(string name, IReadOnlyList<string> arguments, SpawnThread spawner, TextWriter log)
{
    private static readonly TimeSpan s_endingTimeMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_firstStartTime = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _stop = new();
    private readonly BackOff _backOff = new();

    public string Name => name;

    /// <summary>0 while it is not running.</summary>
    public int ProcessId { get; private set; }

    public int Starts { get; private set; }

    /// <summary>True when its standard output must not mix with the supervisor's own.</summary>
    public bool OutputToError { get; init; }

    /// <summary>True when an exit with code 0 is the end of its work, not a fall.</summary>
    public bool MayEnd { get; init; }

    /// <summary>Keeps the child running until <see cref="Stop"/>, its own good end, or a refusal.</summary>
    /// <returns>The exit code to report: 0 after an orderly end.</returns>
    public async Task<int> RunAsync()
    {
        while (true)
        {
            var started = Stopwatch.GetTimestamp();
            var code = await RunOnceAsync();
            var run = Stopwatch.GetElapsedTime(started);
            if (_stop.IsCancellationRequested || (code == ExitCodes.Ok && MayEnd))
            {
                return code;
            }

            if (code == ExitCodes.Usage || (Starts == 1 && code == ExitCodes.Failed && run < s_firstStartTime))
            {
                return code;
            }

            var wait = _backOff.After(run);
            await log.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"tapline: the {name} ended with code {code} after {Quantity.Duration(run)};")
                + string.Create(CultureInfo.InvariantCulture, $" starting it again in {wait.TotalSeconds:0.##} s."));
            try
            {
                await Task.Delay(wait, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return ExitCodes.Ok;
            }
        }
    }

    /// <summary>Asks it to end, now or before its next start. <see cref="RunAsync"/> returns when it has.</summary>
    public void Stop() => _stop.Cancel();

    private async Task<int> RunOnceAsync()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = OutputToError,
        };
        // Under `dotnet Tapline.Server.dll` the process is the host, and its first argument is the program.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Insert(0, Environment.GetCommandLineArgs()[0]);
        }

        start.Environment[SupervisorTie.Variable] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        using var process = await spawner.StartAsync(start);
        Starts++;
        ProcessId = process.Id;
        process.StandardInput.Close();
        if (OutputToError)
        {
            process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is not null)
                {
                    log.WriteLine(line.Data);
                }
            };
            process.BeginOutputReadLine();
        }

        using var ending = _stop.Token.Register(() => SupervisorTie.AskToEnd(process.Id));
        try
        {
            await process.WaitForExitAsync(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            await AwaitEndAsync(process);
        }

        ProcessId = 0;
        return process.ExitCode;
    }

    private async Task AwaitEndAsync(Process process)
    {
        using var limit = new CancellationTokenSource(s_endingTimeMax);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            await log.WriteLineAsync(
                $"tapline: the {name} did not end within {s_endingTimeMax.TotalSeconds:0} s; ended by force.");
            SupervisorTie.EndNow(process.Id);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }
}

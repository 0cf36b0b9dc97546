// One program of the demo: started (in a namespace or not), its lines kept, stopped by its own id with SIGTERM and a
// time limit. In: argument list. Out: lines. The journal knows it from its first moment.
using System.Diagnostics;

namespace Tapline.Server.Demo;

/// <summary>A program under way.</summary>
internal sealed class DemoProcess
{
    private const int LinesMax = 200;
    private static readonly TimeSpan s_stopTimeMax = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private readonly string _name;
    private readonly Queue<string> _lines = new();

    private DemoProcess(string name, Process process)
    {
        _name = name;
        _process = process;
    }

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines of both its streams.</summary>
    public string[] Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Starts a program; <paramref name="space"/> null means the demo's own namespace.</summary>
    public static DemoProcess Start(DemoJournal journal, string name, string? space, params string[] command)
    {
        var process = StartOpen(journal, name, space, command);
        process._process.StandardInput.Close();
        return process;
    }

    /// <summary>Starts a program in the demo's own namespace that <see cref="Write"/> talks to.</summary>
    public static DemoProcess StartWithInput(DemoJournal journal, string name, params string[] command) =>
        StartOpen(journal, name, space: null, command);

    /// <summary>Writes to its standard input; what has ended does not hear it.</summary>
    public void Write(string text)
    {
        try
        {
            _process.StandardInput.Write(text);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // Its end is found by who waits for an answer.
        }
    }

    /// <summary>Waits until a line contains <paramref name="text"/>, or the condition holds when that is given instead.</summary>
    public async Task WaitAsync(Func<DemoProcess, bool> isReady, TimeSpan limit, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        while (!isReady(this))
        {
            if (_process.HasExited)
            {
                throw new DemoException($"{_name} ended by itself: {string.Join(" / ", Lines.TakeLast(5))}");
            }

            if (watch.Elapsed > limit)
            {
                throw new DemoException($"{_name} was not ready after {limit.TotalSeconds:F0} s: {string.Join(" / ", Lines.TakeLast(5))}");
            }

            await Task.Delay(20, stop);
        }
    }

    public Task WaitForLineAsync(string text, TimeSpan limit, CancellationToken stop) =>
        WaitAsync(process => process.Lines.Any(line => line.Contains(text, StringComparison.Ordinal)), limit, stop);

    /// <summary>Asks it to end and waits; ends it the hard way after the limit. Returns the exit code.</summary>
    public async Task<int> StopAsync(string signal = "TERM")
    {
        if (!_process.HasExited)
        {
            DemoShell.Signal(signal, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            using var limit = new CancellationTokenSource(s_stopTimeMax);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.WaitForExit(); // the readers of its streams have come to their ends too
        return _process.ExitCode;
    }

    private static DemoProcess StartOpen(DemoJournal journal, string name, string? space, string[] command)
    {
        // `ip netns exec` becomes the program by exec, so the process id is the program's own.
        string[] place = space is null ? [] : ["ip", "netns", "exec", space];
        var start = DemoShell.Describe([.. place, .. command]);
        var process = new DemoProcess(name, new Process { StartInfo = start });
        process._process.OutputDataReceived += (_, line) => process.Keep(line.Data);
        process._process.ErrorDataReceived += (_, line) => process.Keep(line.Data);
        process._process.Start();
        journal.Process(process._process.Id);
        process._process.BeginOutputReadLine();
        process._process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesMax)
            {
                _lines.Dequeue();
            }
        }
    }
}

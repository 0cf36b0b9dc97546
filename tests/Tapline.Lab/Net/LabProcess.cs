// One program that runs beside a test: started, watched line by line, stopped by its own process id.
// In: argument list. Out: its lines so far, and a wait for a line that a condition is true for.
// Owner: whoever started it; Dispose ends it (SIGTERM, then SIGKILL after five seconds). Reader threads append, any thread reads.
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tapline.Lab.Net;

/// <summary>A program under way.</summary>
public sealed partial class LabProcess : IDisposable
{
    private const int Sigterm = 15;
    private const int Sigkill = 9;
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly List<string> _errors = [];
    private bool _disposed;

    private LabProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_lines, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The process id; the same process that a namespace wrapper became by exec.</summary>
    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>What it printed so far.</summary>
    public string Output => Joined(_lines);

    /// <summary>What it printed to standard error so far.</summary>
    public string Error => Joined(_errors);

    /// <summary>Where its standard input can be written.</summary>
    public StreamWriter Input => _process.StandardInput;

    public static LabProcess Start(params string[] command) => Start(command, environment: null);

    public static LabProcess Start(string[] command, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var argument in command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new LabProcess(new Process { StartInfo = start });
    }

    /// <summary>Waits until a line of either stream satisfies the condition; throws with the output when none comes.</summary>
    public string WaitForLine(Func<string, bool> condition, TimeSpan? limit = null)
    {
        var found = "";
        LabWait.Until(
            () =>
            {
                lock (_lines)
                {
                    found = _lines.Concat(_errors).FirstOrDefault(condition) ?? "";
                }

                return found.Length > 0 || _process.HasExited;
            },
            () => $"a line of the program; so far: {Output}{Error}",
            limit);
        return found.Length > 0
            ? found
            : throw new InvalidOperationException($"the program ended with {ExitCode}: {Output}{Error}");
    }

    /// <summary>Waits for its end; returns the exit code.</summary>
    public int WaitForExit(TimeSpan? limit = null)
    {
        LabWait.Until(() => _process.HasExited, () => $"the end of the program; so far: {Output}{Error}", limit);
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Sends a signal by number: 2 = SIGINT, 9 = SIGKILL, 15 = SIGTERM.</summary>
    public void Signal(int signal)
    {
        if (!_process.HasExited)
        {
            _ = kill(_process.Id, signal);
        }
    }

    /// <summary>What a terminal does at Ctrl-C: the signal goes to all of a process group that this program leads.</summary>
    public void SignalGroup(int signal) => _ = kill(-_process.Id, signal);

    /// <summary>SIGTERM and wait; returns the exit code.</summary>
    public int Stop(TimeSpan? limit = null)
    {
        Signal(Sigterm);
        return WaitForExit(limit);
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Signal(Sigterm);
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            Signal(Sigkill);
            _process.WaitForExit(TimeSpan.FromSeconds(5));
        }

        _process.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    private void Append(List<string> to, string? line)
    {
        if (line is not null)
        {
            lock (_lines)
            {
                to.Add(line);
            }
        }
    }

    private string Joined(List<string> lines)
    {
        lock (_lines)
        {
            return string.Join('\n', lines) + (lines.Count > 0 ? "\n" : "");
        }
    }
}

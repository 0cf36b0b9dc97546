// Runs one small system program to its end (`ip`, `install`, `initdb`). In: an argument list, never a shell line.
// Out: what it printed. A failure is a DemoException whose sentence has the program's own words.
using System.Diagnostics;

namespace Tapline.Server.Demo;

/// <summary>System programs as calls.</summary>
internal static class DemoShell
{
    private static readonly TimeSpan s_timeLimit = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program; throws when it fails.</summary>
    public static string Run(params string[] command)
    {
        var (exitCode, output, error) = Try(command);
        return exitCode == 0
            ? output
            : throw new DemoException($"`{string.Join(' ', command)}` failed: {(error.Length > 0 ? error : output).Trim()}");
    }

    /// <summary>Runs a program and reports how it ended.</summary>
    public static (int ExitCode, string Output, string Error) Try(params string[] command)
    {
        Process process;
        try
        {
            process = Process.Start(Describe(command))!;
        }
        catch (System.ComponentModel.Win32Exception problem)
        {
            return (-1, "", $"{command[0]}: {problem.Message}");
        }

        using var owned = process;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_timeLimit))
        {
            process.Kill(entireProcessTree: true);
            return (-1, "", $"no end within {s_timeLimit.TotalSeconds:F0} s");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Sends a signal by name. By the shell's own `kill`: a small Debian has no other.</summary>
    public static void Signal(string signal, string processId) => Try("sh", "-c", $"kill -s {signal} {processId}");

    /// <summary>
    /// A program with all its streams redirected, in a session of its own: the terminal's Ctrl-C is for the demo alone,
    /// which stops its parts itself, in order. `setsid` becomes the program by exec, so the process id is its own.
    /// </summary>
    public static ProcessStartInfo Describe(string[] command)
    {
        var start = new ProcessStartInfo("setsid")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command)
        {
            start.ArgumentList.Add(argument);
        }

        // System tools lie in folders that an ordinary user's PATH may lack.
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin";
        return start;
    }
}

// Runs one program to its end and hands back what it printed. In: argument list (never a shell line). Out: standard output.
// A failing program is an exception with both its streams, because in the lab a failed `ip` means a broken test, not data.
// Any thread. Every call has a time limit, so that a test cannot hang on a tool.
using System.Diagnostics;
using System.Text;

namespace Tapline.Lab.Net;

/// <summary>Programs run to their end.</summary>
public static class LabCommand
{
    private static readonly TimeSpan s_timeLimit = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program; throws when it fails. Returns its standard output.</summary>
    public static string Run(params string[] command)
    {
        var (exitCode, output, error) = TryRun(command);
        if (exitCode != 0)
        {
            throw new InvalidOperationException(
                $"`{string.Join(' ', command)}` ended with {exitCode}: {error.Trim()} {output.Trim()}");
        }

        return output;
    }

    /// <summary>Runs a program and reports how it ended instead of throwing.</summary>
    public static (int ExitCode, string Output, string Error) TryRun(params string[] command)
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

        using var process = new Process { StartInfo = start };
        var output = new StringBuilder();
        var error = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(error, line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(s_timeLimit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"`{string.Join(' ', command)}` did not end within {s_timeLimit.TotalSeconds} s");
        }

        process.WaitForExit();
        return (process.ExitCode, output.ToString(), error.ToString());
    }

    /// <summary>True when a program of that name can be found.</summary>
    public static bool Exists(string program) => Find(program) is not null;

    /// <summary>The path of a program, looked for in PATH and in the folders where root's tools live.</summary>
    public static string? Find(string program)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Concat(["/usr/sbin", "/sbin", "/usr/local/sbin"])
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
    }

    private static void Append(StringBuilder to, string? line)
    {
        if (line is not null)
        {
            to.Append(line).Append('\n');
        }
    }
}

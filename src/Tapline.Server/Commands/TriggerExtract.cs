// The packets of an incident, by a `tapline query` of its own: another process at the lowest priority, so that neither its memory nor
// its processor time is the engine's. Bounded in time; ends when the engine does.
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Commands;

/// <summary>Makes extracts of incidents.</summary>
internal static class TriggerExtract
{
    private const int SentenceMax = 400;
    private static readonly TimeSpan s_timeMax = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_lookTime = TimeSpan.FromMilliseconds(100);

    /// <summary>What an engine over this data folder calls.</summary>
    public static IncidentExtract Of(string data) => (incident, file, stop) => Make(data, incident, file, stop);

    private static string? Make(string data, Incident incident, string file, WaitHandle stop)
    {
        // Made beside and renamed: whoever sees the file has all of it.
        var hidden = Path.Combine(Path.GetDirectoryName(file)!, "." + Path.GetFileName(file));
        try
        {
            using var process = Start(
                "query", incident.Query, "--data", data, "--since", TimeText.Text(incident.SinceNs), "--until",
                TimeText.Text(incident.UntilNs), "--limit", Limits.TriggerPacketsMax.ToString(CultureInfo.InvariantCulture),
                "--write", hidden);
            var problem = Await(process, stop);
            if (problem is null)
            {
                File.Move(hidden, file, overwrite: true);
            }
            else
            {
                File.Delete(hidden);
            }

            return problem;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception)
        {
            return $"The extract could not be made: {e.Message}";
        }
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Under `dotnet Tapline.Server.dll` the process is the host, and its first argument is the program.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Insert(0, Environment.GetCommandLineArgs()[0]);
        }

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        try
        {
            process.PriorityClass = ProcessPriorityClass.Idle;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            // It has ended already, or priorities are not ours to set: it is short either way.
        }

        return process;
    }

    private static string? Await(Process process, WaitHandle stop)
    {
        var told = process.StandardError.ReadToEndAsync();
        var started = Stopwatch.GetTimestamp();
        while (!process.WaitForExit(TimeSpan.Zero))
        {
            var isOver = stop.WaitOne(s_lookTime);
            if (isOver || Stopwatch.GetElapsedTime(started) > s_timeMax)
            {
                process.Kill();
                process.WaitForExit();
                return isOver ? "The engine ended meanwhile." : $"It took longer than {s_timeMax.TotalMinutes:0} minutes.";
            }
        }

        process.WaitForExit();
        var text = told.GetAwaiter().GetResult().Trim();
        return process.ExitCode == ExitCodes.Ok ? null
            : text.Length == 0 ? $"`tapline query` ended with code {process.ExitCode}."
            : TerminalText.Printable(text.Length <= SentenceMax ? text : text[..SentenceMax]);
    }
}

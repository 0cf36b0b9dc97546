// The file of a trigger, made by `tapline query` as a process of its own at the lowest priority: its garbage collections stop no
// worker, its faults end nothing else, and it dies with the engine. Written in a hidden folder and moved when it is whole, its manifest
// first; one that grows beyond its limit is asked to end there, which leaves a valid file.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Evidence;
using Tapline.Record.Holds;
using Tapline.Server.Config;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Commands;

/// <summary>Makes files of triggers in `DATA/triggers`.</summary>
/// <param name="data">The data folder; the recording is in its folder `recording`.</param>
internal sealed class TriggerExtract(string data) : ITriggerExtract
{
    private const int LookMs = 200;
    private const int SentenceCharactersMax = 300;
    private static readonly TimeSpan s_timeMax = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_endingTimeMax = TimeSpan.FromSeconds(10);

    /// <summary>For a recording that `query` can find; null for one of another name: its triggers only hold.</summary>
    public static TriggerExtract? For(string? recording) =>
        recording is not null && Path.GetDirectoryName(Path.GetFullPath(recording)) is { } data
            && new DataFolder(data).Recording == Path.GetFullPath(recording) ? new TriggerExtract(data) : null;

    public string Folder { get; } = Path.Combine(data, "triggers");

    public string? Run(TriggerFiring firing, bool isHurried, CancellationToken stop)
    {
        var making = Path.Combine(Folder, ".making");
        var hidden = Path.Combine(making, firing.FileName);
        var file = Path.Combine(Folder, firing.FileName);
        try
        {
            if (Directory.Exists(making))
            {
                Directory.Delete(making, recursive: true); // a crash left it
            }

            Directory.CreateDirectory(making);
            var mistake = Extract(firing, hidden, isHurried, stop);
            if (mistake is null)
            {
                if (File.Exists(hidden + ExtractManifest.Ending))
                {
                    File.Move(hidden + ExtractManifest.Ending, file + ExtractManifest.Ending, overwrite: true);
                }

                File.Move(hidden, file, overwrite: true);
            }

            Directory.Delete(making, recursive: true);
            return mistake;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return e.Message;
        }
    }

    private string? Extract(TriggerFiring firing, string hidden, bool isHurried, CancellationToken stop)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };

        // Under `dotnet Tapline.Server.dll` the process is the host, and its first argument is the program.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        }

        string[] words =
        [
            "query", firing.Expression, "--data", data, "--since", HoldText.Time(firing.SinceNs),
            "--until", HoldText.Time(firing.UntilNs + 1), "--write", hidden, "--note", firing.Note,
        ];
        Array.ForEach(words, start.ArgumentList.Add);

        // This thread lives as long as the engine, so the child does not outlive it.
        start.Environment[SupervisorTie.Variable] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        using var child = Process.Start(start)!;
        child.StandardInput.Close();
        var said = child.StandardError.ReadToEndAsync(CancellationToken.None);
        _ = child.StandardOutput.ReadToEndAsync(CancellationToken.None);
        if (!isHurried)
        {
            Lower(child);
        }

        var began = Stopwatch.GetTimestamp();
        while (!child.WaitForExit(LookMs))
        {
            if (stop.IsCancellationRequested || Stopwatch.GetElapsedTime(began) > s_timeMax
                || (new FileInfo(hidden) is { Exists: true } file && file.Length > Limits.TriggerFileBytesMax))
            {
                SupervisorTie.AskToEnd(child.Id);
                if (!child.WaitForExit(s_endingTimeMax))
                {
                    child.Kill();
                    child.WaitForExit();
                }

                break;
            }
        }

        return stop.IsCancellationRequested ? "the engine ends."
            : child.ExitCode == 0 && File.Exists(hidden) ? null : Sentence(said.GetAwaiter().GetResult());
    }

    private static void Lower(Process child)
    {
        try
        {
            child.PriorityClass = ProcessPriorityClass.Idle;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended already.
        }
    }

    private static string Sentence(string said)
    {
        var text = said.Trim();
        return text.Length == 0 ? "the query ended without a word."
            : text.Length > SentenceCharactersMax ? text[..SentenceCharactersMax] : text;
    }
}

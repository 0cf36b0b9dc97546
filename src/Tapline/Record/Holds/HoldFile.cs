// The file of a recording's holds, `holds.json` in its folder. Commands change it under a lock and replace it by rename, so
// that the engine, which looks once a second, never reads half of it. Files of other people's making are bounded and checked.
using Tapline.Base;

namespace Tapline.Record.Holds;

/// <summary>Reads and changes the holds of a recording, whether an engine runs or not. Any thread.</summary>
public static class HoldFile
{
    public const string Name = "holds.json";
    private const string LockName = ".holds.lock";
    private const int LockWaitMs = 5000;
    private const int LockPauseMs = 20;

    /// <summary>The holds; an empty list where there is no file, null and a sentence where it can't be understood.</summary>
    public static HoldList? TryRead(string folder, out string? error)
    {
        var path = Path.Combine(folder, Name);
        error = null;
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return HoldList.Empty;
            }

            string? mistake;
            if (file.Length > Limits.HoldFileBytesMax)
            {
                mistake = $"it has {file.Length} bytes, and {Limits.HoldsMax} holds need no more than {Limits.HoldFileBytesMax}";
            }
            else if (HoldText.TryRead(File.ReadAllBytes(path), out mistake) is { } list)
            {
                return list;
            }

            error = $"The holds in {path} can't be read: {mistake}. Mend it, or move it away to hold nothing.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The holds in {path} can't be read: {e.Message}";
        }

        return null;
    }

    /// <summary>Adds a hold and gives it its number; null and a sentence when that can't be.</summary>
    public static Hold? TryAdd(string folder, Hold wanted, out string? error)
    {
        Hold? added = null;
        error = HoldText.MistakeIn(wanted.By, "--by") ?? HoldText.MistakeIn(wanted.Why, "--why");
        error ??= wanted.SinceNs > wanted.UntilNs ? "The window ends before it begins; exchange --since and --until." : null;
        error ??= Change(folder, list =>
        {
            list = list.At(wanted.AddedNs); // those whose time is over leave the file with the next that comes
            if (list.Holds.Count >= Limits.HoldsMax)
            {
                return (null, $"There are {list.Holds.Count} holds already; remove those that nobody needs (`tapline hold list`).");
            }

            added = wanted with { Id = list.NextId };
            return (new HoldList([.. list.Holds, added], list.NextId + 1), null);
        });
        return error is null ? added : null;
    }

    /// <summary>Gives a hold another end; a sentence when that can't be.</summary>
    public static string? TryEnd(string folder, long id, long untilNs) => Change(folder, list =>
        list.Holds.Any(h => h.Id == id && h.SinceNs <= untilNs)
            ? (new HoldList([.. list.Holds.Select(h => h.Id == id ? h with { UntilNs = untilNs } : h)], list.NextId), null)
            : (null, $"There is no hold {id} on {folder} that could end then."));

    /// <summary>Removes a hold; a sentence when that can't be.</summary>
    public static string? TryRemove(string folder, long id) => Change(folder, list =>
        list.Holds.Any(h => h.Id == id)
            ? (new HoldList([.. list.Holds.Where(h => h.Id != id)], list.NextId), null)
            : (null, $"There is no hold {id} on {folder}; `tapline hold list` shows them."));

    /// <summary>A sentence when there is no recording that could have holds.</summary>
    public static string? FindProblem(string folder) =>
        Directory.Exists(folder) ? null : $"There is no recording {folder}; name its data folder with --data.";

    private static string? Change(string folder, Func<HoldList, (HoldList? Next, string? Mistake)> change)
    {
        if (FindProblem(folder) is { } problem)
        {
            return problem;
        }

        try
        {
            using var guard = Lock(folder);
            if (TryRead(folder, out var error) is not { } before)
            {
                return error;
            }

            var (next, mistake) = change(before);
            if (next is null)
            {
                return mistake;
            }

            var path = Path.Combine(folder, Name);
            var beside = Path.Combine(folder, "." + Name + ".new");
            using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write))
            {
                file.Write(HoldText.Write(next));
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The holds of {folder} can't be changed: {e.Message}";
        }
    }

    private static FileStream Lock(string folder)
    {
        var deadline = Environment.TickCount64 + LockWaitMs;
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException) when (Environment.TickCount64 < deadline)
            {
                Thread.Sleep(LockPauseMs);
            }
        }
    }
}

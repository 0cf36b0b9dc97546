// The imports of a recording: each is a folder of segments below `imported`, with its own account in it. An import is made in a
// folder of hidden name and becomes visible by a rename, whole or not at all; what an interrupted one left behind is removed by
// the next. Control threads.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Holds;

namespace Tapline.Workers.Imports;

/// <summary>The folder of imports.</summary>
public static class ImportShelf
{
    private const int NameCharactersMax = 64;
    private const int NamesMax = 10_000;

    /// <summary>Where the imports of a recording are.</summary>
    public static string PathOf(string recording) => Path.Combine(recording, RecordingFolders.Imported);

    /// <summary>True for what may name an import: letters, digits, dot, dash and underscore, no dot in front.</summary>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= NameCharactersMax && name[0] != '.'
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
    }

    /// <summary>The accounts of all imports that are there; those that can't be read are left out. Throws what listing throws.</summary>
    public static IReadOnlyList<ImportReport> List(string recording)
    {
        var shelf = new DirectoryInfo(PathOf(recording));
        return shelf.Exists
            ? [.. shelf.EnumerateDirectories().Where(d => IsName(d.Name)).OrderBy(d => d.Name, StringComparer.Ordinal)
                .Select(d => ImportAccount.TryRead(d.FullName)).OfType<ImportReport>()]
            : [];
    }

    /// <summary>Bytes that all imports take.</summary>
    public static long BytesUsed(string recording)
    {
        var shelf = new DirectoryInfo(PathOf(recording));
        return shelf.Exists ? shelf.EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length) : 0;
    }

    /// <summary>Removes imports whose time is over, unless a hold keeps any of their segments. Says what it did, a sentence each.</summary>
    public static IReadOnlyList<string> RemoveExpired(string recording, long nowNs)
    {
        var done = new List<string>();
        try
        {
            foreach (var import in List(recording))
            {
                if (import.KeepNs > 0 && nowNs - import.MadeNs > import.KeepNs && !IsHeld(recording, import.Name)
                    && TryRemove(Path.Combine(PathOf(recording), import.Name)))
                {
                    done.Add($"The import {import.Name} was removed: its time is over.");
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            done.Add($"Imports whose time is over can't be removed: {e.Message}");
        }

        return done;
    }

    /// <summary>
    /// Removes what interrupted imports left behind, or publishes it where only the rename was missing; those under way stay. A
    /// sentence each.
    /// </summary>
    internal static IReadOnlyList<string> SettleLeftovers(string recording)
    {
        var shelf = new DirectoryInfo(PathOf(recording));
        var done = new List<string>();
        try
        {
            foreach (var folder in shelf.Exists ? shelf.GetDirectories(".*") : [])
            {
                var name = folder.Name[1..];
                if (IsName(name) && ImportAccount.TryRead(folder.FullName) is not null && TryPublish(folder.FullName))
                {
                    done.Add($"The import {name} had been interrupted when it was whole; it is there now.");
                }
                else if (IsName(name) && TryRemove(folder.FullName))
                {
                    done.Add($"The import {name} had been interrupted; what it left was removed.");
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            done.Add($"What interrupted imports left can't be removed: {e.Message}");
        }

        return done;
    }

    /// <summary>Makes a whole import visible; false when it is still written, or its name is taken.</summary>
    private static bool TryPublish(string hidden)
    {
        var path = Path.Combine(Path.GetDirectoryName(hidden)!, Path.GetFileName(hidden)[1..]);
        using var alone = FolderLock.TryTake(hidden, "import", out _);
        if (alone is null || Directory.Exists(path))
        {
            return false;
        }

        Directory.Move(hidden, path);
        return true;
    }

    /// <summary>A name that is free: the first capture's, with a number where it is taken.</summary>
    internal static string FreeName(string recording, string file)
    {
        var stem = file == "-" ? "stdin" : Path.GetFileName(file);
        foreach (var ending in (ReadOnlySpan<string>)[".gz", ".pcapng", ".pcap", ".cap"])
        {
            stem = stem.Length > ending.Length && stem.EndsWith(ending, StringComparison.Ordinal) ? stem[..^ending.Length] : stem;
        }

        stem = string.Concat(stem.Take(NameCharactersMax - 8).Select(c => IsName($"{c}") ? c : '_')).TrimStart('_');
        stem = stem.Length == 0 ? "import" : stem;
        for (var number = 1; number < NamesMax; number++)
        {
            var name = number == 1 ? stem : $"{stem}-{number}";
            if (!Directory.Exists(Path.Combine(PathOf(recording), name)))
            {
                return name;
            }
        }

        return $"{stem}-{Guid.NewGuid():N}"[..NameCharactersMax];
    }

    /// <summary>Removes a folder that nobody writes; hides it first, so that no query meets half of it.</summary>
    internal static bool TryRemove(string folder)
    {
        using var alone = FolderLock.TryTake(folder, "import", out _);
        if (alone is null)
        {
            return false;
        }

        var name = Path.GetFileName(folder);
        var hidden = name[0] == '.' ? folder : Path.Combine(Path.GetDirectoryName(folder)!, "." + name);
        if (hidden != folder)
        {
            Directory.Move(folder, hidden);
        }

        Directory.Delete(hidden, recursive: true);
        return true;
    }

    // Holds that can't be read might keep anything.
    private static bool IsHeld(string recording, string name) => HoldFile.TryRead(recording, out _)?.At(Clock.NowNs()) is not { } holds
        || (holds.Holds.Count > 0 && Directory.EnumerateFiles(Path.Combine(PathOf(recording), name)).Any(
            f => SegmentName.TryParse(Path.GetFileName(f), out var segment, out _) && holds.Keeps(segment.StartNs)));
}

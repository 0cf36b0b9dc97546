// The spool's folder, shared by all workers' writers: its lock, its budget, and what a crash left behind. The console
// removes batches after ingest without telling, so the used space is an upper estimate that is counted afresh only when
// it reaches the budget. Thread-safe; nothing here runs per record.
using System.Globalization;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Store;

/// <summary>The folder through which the engine hands records to the console. Thread-safe.</summary>
public sealed class SpoolFolder : IDisposable
{
    private readonly FolderLock _lock;
    private readonly Lock _gate = new();
    private long _usedBytes;

    private SpoolFolder(string path, long budgetBytes, FolderLock folderLock)
    {
        Path = path;
        BudgetBytes = Math.Max(budgetBytes, Limits.SpoolBudgetBytesMin);
        _lock = folderLock;
    }

    /// <summary>The folder's path as given.</summary>
    public string Path { get; }

    /// <summary>Disk space that waiting batches may take, those set aside as damaged included.</summary>
    public long BudgetBytes { get; }

    /// <summary>Whole batches that a crash had left hidden and that were published at start.</summary>
    public int Recovered { get; private set; }

    /// <summary>Torn batches of a crash, removed at start: up to a second of records each.</summary>
    public int Discarded { get; private set; }

    /// <summary>First sequence that no batch in the folder has.</summary>
    internal long FirstSequence { get; private set; }

    /// <summary>Creates the folder where missing, locks it, sweeps leftovers; null and a sentence when it cannot.</summary>
    public static SpoolFolder? TryOpen(string path, long budgetBytes, out string? error)
    {
        var folderLock = FolderLock.TryTake(path, "spool", out error);
        if (folderLock is null)
        {
            return null;
        }

        var folder = new SpoolFolder(path, budgetBytes, folderLock);
        try
        {
            folder.Sweep();
            folder.Recount();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            folderLock.Dispose();
            error = $"The spool {path} can't be read: {e.Message}";
            return null;
        }

        return folder;
    }

    /// <summary>Gives the lock back. All writers must be closed before.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>Takes room for a batch; false when the spool is full. May list the folder: a writer's thread only.</summary>
    internal bool TryReserve(long bytes)
    {
        lock (_gate)
        {
            if (_usedBytes + bytes > BudgetBytes)
            {
                Recount();
            }

            if (_usedBytes + bytes > BudgetBytes)
            {
                return false;
            }

            _usedBytes += bytes;
            return true;
        }
    }

    /// <summary>Gives room back for a batch that could not be written.</summary>
    internal void Release(long bytes)
    {
        lock (_gate)
        {
            _usedBytes = Math.Max(0, _usedBytes - bytes);
        }
    }

    private void Recount()
    {
        long sum = 0;
        foreach (var file in new DirectoryInfo(Path).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            sum += LengthOf(file);
        }

        _usedBytes = sum;
    }

    private void Sweep()
    {
        var highest = -1L;
        foreach (var file in new DirectoryInfo(Path).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            var name = file.Name.TrimStart('.');
            if (!name.EndsWith(SpoolLayout.Extension, StringComparison.Ordinal))
            {
                continue;
            }

            var dash = name.IndexOf('-', StringComparison.Ordinal);
            if (dash > 0
                && long.TryParse(name.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
            {
                highest = Math.Max(highest, sequence);
            }

            if (file.Name[0] == '.')
            {
                SettleLeftover(file, name);
            }
        }

        FirstSequence = highest + 1;
    }

    // A crash between the last byte and the rename leaves a whole batch under its hidden name: nothing of it is lost.
    private void SettleLeftover(FileInfo file, string name)
    {
        var isWhole = file.Length <= Limits.BatchFileBytesMax
            && SpoolDecoder.TryDecode(File.ReadAllBytes(file.FullName), out _, out _);
        var target = System.IO.Path.Combine(Path, name);
        if (isWhole && !File.Exists(target))
        {
            file.MoveTo(target);
            Recovered++;
        }
        else
        {
            file.Delete();
            Discarded++;
        }
    }

    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return 0; // ingested meanwhile
        }
    }
}

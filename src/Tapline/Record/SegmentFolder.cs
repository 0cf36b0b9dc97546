// The folder of a recording, shared by the recorders of all workers: its lock, its budget with oldest-first removal, and
// what a crash left behind. Removal happens on the writers' threads when one of them asks for room; no worker ever waits
// for it. Files that are not named like segments are left alone and not counted. Thread-safe.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Index;

namespace Tapline.Record;

/// <summary>A recording's folder. Thread-safe.</summary>
public sealed class SegmentFolder : IDisposable
{
    private readonly FolderLock _lock;
    private readonly Lock _gate = new();
    private readonly SegmentCatalog _catalog = new();
    private readonly PathBuffer _path;
    private long _usedBytes;
    private long _removed;

    private SegmentFolder(string path, long budgetBytes, FolderLock folderLock)
    {
        Path = path;
        BudgetBytes = budgetBytes;
        WantedBytes = budgetBytes;
        _lock = folderLock;
        _path = new PathBuffer(path);
    }

    /// <summary>The folder's path as given.</summary>
    public string Path { get; }

    /// <summary>Disk space that all segments together may take; exceeded by at most a reservation per worker.</summary>
    /// <remarks>Less than <see cref="WantedBytes"/> where the disk had not so much to give at the start.</remarks>
    public long BudgetBytes { get; private set; }

    /// <summary>The budget that was asked for.</summary>
    public long WantedBytes { get; }

    /// <summary>Disk space taken, with what is reserved for segments under way.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>Segments removed to keep the budget since the folder was opened.</summary>
    public long Removed => Volatile.Read(ref _removed);

    /// <summary>Finished segments.</summary>
    public int Segments
    {
        get
        {
            lock (_gate)
            {
                return _catalog.Count;
            }
        }
    }

    /// <summary>Time of the first frame kept, ns since the epoch; 0 = none.</summary>
    public long OldestNs
    {
        get
        {
            lock (_gate)
            {
                return _catalog.Count == 0 ? 0 : _catalog.Oldest.StartNs;
            }
        }
    }

    /// <summary>Segments of a crash that were published at start, cut to their last whole block.</summary>
    public int Recovered { get; private set; }

    /// <summary>Creates the folder where missing, locks it, repairs leftovers; null and a sentence when it cannot.</summary>
    public static SegmentFolder? TryOpen(string path, long budgetBytes, out string? error)
    {
        if (budgetBytes < Limits.RecordBudgetBytesMin)
        {
            error = $"A recording needs a budget of at least {Limits.RecordBudgetBytesMin} bytes, not {budgetBytes}.";
            return null;
        }

        var folderLock = FolderLock.TryTake(path, "recording", out error);
        if (folderLock is null)
        {
            return null;
        }

        var folder = new SegmentFolder(path, budgetBytes, folderLock);
        try
        {
            folder.Load();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            folder.Dispose();
            error = $"The recording {path} can't be read: {e.Message}";
            return null;
        }

        return folder;
    }

    /// <summary>Paths of all finished segments, newest first. Any thread; allocates.</summary>
    public IReadOnlyList<string> ListSegments() =>
    [
        .. new DirectoryInfo(Path).EnumerateFiles()
            .Select(f => f.Name)
            .Where(n => SegmentName.TryParse(n, out _, out var isHidden) && !isHidden)
            .OrderDescending(StringComparer.Ordinal)
            .Select(n => System.IO.Path.Combine(Path, n)),
    ];

    /// <summary>An index has been made for a segment that is here: its bytes count from now on. It goes where the segment has
    /// gone meanwhile. Any thread.</summary>
    public void CountIndex(string segmentPath)
    {
        var index = new FileInfo(SegmentIndex.PathOf(segmentPath));
        lock (_gate)
        {
            if (!index.Exists)
            {
                return;
            }

            if (!SegmentName.TryParse(System.IO.Path.GetFileName(segmentPath), out var name, out _)
                || !_catalog.TryFind(name, out var place))
            {
                index.Delete();
                return;
            }

            ref var entry = ref _catalog[place];
            _usedBytes += index.Length - entry.IndexBytes;
            entry.IndexBytes = index.Length;
        }
    }

    /// <summary>Gives the lock back. All recorders must be closed before.</summary>
    public void Dispose()
    {
        _catalog.Dispose();
        _lock.Dispose();
    }

    /// <summary>Takes room for a segment under way; the oldest segments make it. A writer's thread.</summary>
    internal void Reserve(DiskCalls disk, long bytes)
    {
        lock (_gate)
        {
            _usedBytes += bytes;
            while (_usedBytes > BudgetBytes && TryRemoveOldest(disk))
            {
            }
        }
    }

    /// <summary>Gives room back: a segment needed less than it had reserved.</summary>
    internal void Release(long bytes)
    {
        lock (_gate)
        {
            _usedBytes -= bytes;
            Invariant.Check(_usedBytes >= 0);
        }
    }

    /// <summary>Takes over a published segment whose bytes are reserved already.</summary>
    internal void Add(DiskCalls disk, in SegmentName name, long bytes, long indexBytes = 0)
    {
        lock (_gate)
        {
            while (_catalog.IsFull && TryRemoveOldest(disk))
            {
            }

            if (!_catalog.IsFull)
            {
                _catalog.Add(EntryOf(name, bytes, indexBytes));
            }
        }
    }

    /// <summary>Removes the oldest segment because the disk is full although the budget is not. A writer's thread.</summary>
    internal bool MakeRoom(DiskCalls disk)
    {
        lock (_gate)
        {
            return TryRemoveOldest(disk);
        }
    }

    private static SegmentCatalog.Entry EntryOf(in SegmentName name, long bytes, long indexBytes) => new()
    {
        StartNs = name.StartNs,
        Worker = name.Worker,
        IsRecovered = name.IsRecovered,
        Bytes = bytes,
        IndexBytes = indexBytes,
    };

    private bool TryRemoveOldest(DiskCalls disk)
    {
        if (_catalog.Count == 0)
        {
            return false;
        }

        var oldest = _catalog.Oldest;
        oldest.Name.AddTo(_path.Reset(), isHidden: false);
        var result = disk.Remove(_path.Path);
        if (result < 0 && result != -NativeFile.ENOENT)
        {
            return false; // a read-only file system, say: what can't be removed keeps its place
        }

        // Where this fails an index without a segment stays, which the next start removes.
        oldest.Name.AddTo(_path.Reset(), isHidden: false, isIndex: true);
        _ = disk.Remove(_path.Path);

        _catalog.RemoveOldest();
        _usedBytes -= oldest.Bytes + oldest.IndexBytes;
        _removed++;
        return true;
    }

    private void Load()
    {
        foreach (var path in Directory.GetFiles(Path))
        {
            var file = System.IO.Path.GetFileName(path);
            if (SegmentName.TryParse(file, out var name, out var isHidden) && isHidden)
            {
                Recovered += SegmentRepair.TrySettle(Path, path, name, out _, out _) ? 1 : 0;
            }
        }

        var disk = new DiskCalls();
        var indexes = TakeIndexes();
        foreach (var file in new DirectoryInfo(Path).EnumerateFiles())
        {
            if (SegmentName.TryParse(file.Name, out var name, out var isHidden) && !isHidden)
            {
                var indexBytes = indexes.Remove(name, out var index) ? index.Length : 0;
                _usedBytes += file.Length + indexBytes;
                Add(disk, name, file.Length, indexBytes);
            }
        }

        foreach (var orphan in indexes.Values)
        {
            orphan.Delete();
        }

        FitToDisk();
        Reserve(disk, 0);
    }

    // Visible indexes by name; those under way when a crash came are removed: the segment is indexed anew.
    private Dictionary<SegmentName, FileInfo> TakeIndexes()
    {
        var indexes = new Dictionary<SegmentName, FileInfo>();
        foreach (var file in new DirectoryInfo(Path).GetFiles())
        {
            if (!SegmentName.TryParseIndex(file.Name, out var name, out var isHidden))
            {
                continue;
            }

            if (isHidden)
            {
                file.Delete();
            }
            else
            {
                indexes[name] = file;
            }
        }

        return indexes;
    }

    // A budget beyond the disk would end in one large segment that fills it and that nothing can be removed for. Some of
    // the disk is left for file system and neighbours.
    private void FitToDisk()
    {
        var available = new DriveInfo(System.IO.Path.GetFullPath(Path)).AvailableFreeSpace;
        var fitting = (_usedBytes + available) / 20 * 19;
        if (fitting < BudgetBytes && fitting >= Limits.RecordBudgetBytesMin)
        {
            BudgetBytes = fitting;
        }
    }
}

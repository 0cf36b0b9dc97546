// The folder of a recording, shared by the recorders of all workers: its lock, its rules with oldest-first removal, and
// what a crash left behind. Removal happens on the writers' threads when one of them asks for room, and once a second on the
// keeper's (RetentionKeeper); no worker ever waits for it. Files that are not named like segments or their companions are
// left alone and not counted. Thread-safe.
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Evidence;
using Tapline.Record.Holds;
using Tapline.Record.Index;
using Tapline.Record.Summary;

namespace Tapline.Record;

/// <summary>A recording's folder. Thread-safe.</summary>
public sealed class SegmentFolder : IDisposable
{
    private readonly FolderPlace _place;
    private readonly Lock _gate = new();
    private readonly SegmentCatalog _catalog = new();
    private readonly SegmentCatalog _held = new();
    private readonly AgeClock _ages = new();
    private readonly HoldWatch _holds;
    private readonly RecordingDisk _disk;
    private readonly PathBuffer _path;
    private readonly FolderSummary _summary;
    private readonly long[] _removed = new long[3];
    private long _usedBytes;
    private byte[] _machines = [];
    private long _heldBytes;
    private long _keptNs;
    private long _insertedNs;
    private string? _absence;
    private string? _mishap;
    private volatile bool _isHeldUp;

    private SegmentFolder(string path, RetentionRules rules, FolderPlace place, string holdsFolder, RecordingDisk disk)
    {
        Path = path;
        Rules = rules;
        BudgetBytes = rules.BudgetBytes;
        _place = place;
        _path = new PathBuffer(path);
        _summary = new FolderSummary(path);
        _holds = new HoldWatch(holdsFolder);
        _disk = disk;
    }

    /// <summary>The folder's path as given.</summary>
    public string Path { get; }

    /// <summary>What is kept and when segments go.</summary>
    public RetentionRules Rules { get; }

    /// <summary>Disk space that all segments together may take; exceeded by at most a reservation per worker, and by what
    /// holds keep beyond it.</summary>
    /// <remarks>Less than the rules say where the disk had not so much to give at the start.</remarks>
    public long BudgetBytes { get; private set; }

    /// <summary>Disk space taken, with what is reserved for segments under way.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>Of it, what holds keep.</summary>
    public long HeldBytes => Volatile.Read(ref _heldBytes);

    /// <summary>Segments removed since the folder was opened.</summary>
    public long Removed => RemovedBy(RemovalReason.Budget) + RemovedBy(RemovalReason.Age) + RemovedBy(RemovalReason.FreeDisk);

    /// <summary>Finished segments.</summary>
    public int Segments
    {
        get
        {
            lock (_gate)
            {
                return _catalog.Count + _held.Count;
            }
        }
    }

    /// <summary>Finished segments that holds keep.</summary>
    public int HeldSegments => _held.Count; // one number, read alone

    /// <summary>Time of the first frame kept, ns since the epoch; 0 = none.</summary>
    public long OldestNs
    {
        get
        {
            lock (_gate)
            {
                var oldest = _catalog.Count == 0 ? long.MaxValue : _catalog.Oldest.StartNs;
                oldest = _held.Count == 0 ? oldest : Math.Min(oldest, _held.Oldest.StartNs);
                return oldest == long.MaxValue ? 0 : oldest;
            }
        }
    }

    /// <summary>Segments of a crash that were published at start, cut to their last whole block.</summary>
    public int Recovered { get; private set; }

    /// <summary>What was repaired at the start, as one sentence; null = nothing had to be.</summary>
    public string? Repairs { get; private set; }

    /// <summary>The block that says who the machines are; the recorders write it when it has changed. Control thread; empty = nobody
    /// told.</summary>
    internal byte[] Machines => Volatile.Read(ref _machines);

    /// <summary>Tells who the machines are, for the segments from now on. Any thread; allocates.</summary>
    public void SetMachines(IReadOnlyList<RecordedMachine> machines)
    {
        var block = MachinesBlock.Make(machines);
        if (!block.AsSpan().SequenceEqual(_machines))
        {
            Volatile.Write(ref _machines, block);
        }
    }

    /// <summary>Seals the segments; null = nobody does.</summary>
    internal FolderEvidence? Evidence { get; private set; }

    /// <summary>Number of holds in force.</summary>
    public int Holds => _holds.Holds.Holds.Count;

    /// <summary>What keeps a rule from being kept, as one sentence with the mend; null = all are. Any thread.</summary>
    public string? Notice =>
        Shortage ?? _holds.Problem ?? HoldsNotice ?? _ages.Notice ?? Evidence?.Notice ?? Volatile.Read(ref _mishap);

    /// <summary>Why nothing may be written at the moment; null = it may. Any thread.</summary>
    internal string? Shortage => Volatile.Read(ref _absence) ?? _disk.Shortage;

    /// <summary>Which part of its budget it uses and could give; 0 = no segment may go. Any thread.</summary>
    internal double Fullness
    {
        get
        {
            lock (_gate)
            {
                return _catalog.Count == 0 ? 0 : (double)(_usedBytes - _heldBytes) / BudgetBytes;
            }
        }
    }

    // What no hold keeps has a part of the budget in any case; beyond it the recording outgrows its budget.
    private long UnheldBytesMin => BudgetBytes / Limits.UnheldPartOfBudget;

    private string? HoldsNotice => HeldBytes + UnheldBytesMin <= BudgetBytes ? null
        : "Holds keep so much that the recording goes beyond its budget; remove holds that nobody needs "
            + "(`tapline hold list`), or give it a larger budget.";

    /// <summary>Creates the folder where missing, locks it, repairs leftovers; null and a sentence when it cannot.</summary>
    public static SegmentFolder? TryOpen(string path, long budgetBytes, out string? error) =>
        TryOpen(path, new RetentionRules { BudgetBytes = budgetBytes }, out error);

    /// <summary>The same with all rules.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="rules">What is kept.</param>
    /// <param name="error">Why it can't be opened.</param>
    /// <param name="holdsFolder">Where the holds are that keep its segments; null = in the folder itself.</param>
    /// <param name="evidence">How its segments are sealed; null = they are not.</param>
    public static SegmentFolder? TryOpen(
        string path, RetentionRules rules, out string? error, string? holdsFolder = null, EvidenceOptions? evidence = null) =>
        TryOpen(path, rules, out error, holdsFolder ?? path, null, evidence);

    /// <summary>The same for one of several folders of a recording.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="rules">What is kept.</param>
    /// <param name="error">Why it can't be opened.</param>
    /// <param name="holdsFolder">Where the holds are that keep its segments.</param>
    /// <param name="shared">The disk that it shares with the others, for which its budget has been fitted; null = it is alone.</param>
    /// <param name="evidence">How its segments are sealed; null = they are not.</param>
    internal static SegmentFolder? TryOpen(
        string path, RetentionRules rules, out string? error, string holdsFolder, RecordingDisk? shared, EvidenceOptions? evidence = null)
    {
        if (rules.BudgetBytes < Limits.RecordBudgetBytesMin)
        {
            error = $"A recording needs a budget of at least {Limits.RecordBudgetBytesMin} bytes, not {rules.BudgetBytes}.";
            return null;
        }

        var place = FolderPlace.TryTake(path, out error);
        if (place is null)
        {
            return null;
        }

        var folder = new SegmentFolder(path, rules, place, holdsFolder, shared ?? new RecordingDisk(rules.MinFree));
        try
        {
            folder.Evidence = evidence is null ? null : FolderEvidence.TryOpen(path, evidence);

            // Unknown holds might keep anything: nothing may go before they are understood.
            _ = folder._holds.Look(Clock.NowNs());
            error = folder._holds.Problem;
            if (error is null)
            {
                folder.Load(isAlone: shared is null);
                folder._disk.Join(folder);
                return folder;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The recording {path} can't be read: {e.Message}";
        }

        folder.Dispose();
        return null;
    }

    /// <summary>Paths of all finished segments, newest first. Any thread; allocates.</summary>
    public IReadOnlyList<string> ListSegments() => RecordingFolders.SegmentsOf(Path);

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
                || CatalogOf(name, out var place) is not { } catalog)
            {
                index.Delete();
                return;
            }

            ref var entry = ref catalog[place];
            var more = index.Length - entry.IndexBytes;
            _usedBytes += _summary.Note(new DiskCalls(), name, OldestNs, Segments);
            entry.Bytes += more;
            entry.IndexBytes = index.Length;
            _usedBytes += more;
            _heldBytes += catalog == _held ? more : 0;
        }
    }

    /// <summary>Segments removed since the folder was opened, by rule. Any thread.</summary>
    public long RemovedBy(RemovalReason reason) => Volatile.Read(ref _removed[(int)reason]);

    /// <summary>Gives the lock back. All recorders must be closed before.</summary>
    public void Dispose()
    {
        _disk.Leave(this);
        if (!_isHeldUp)
        {
            Evidence?.Close();
            _catalog.Dispose();
            _held.Dispose();
        }

        _place.Dispose();
    }

    /// <summary>A writer's thread hangs in a call to the disk and may come back: what it uses of the folder is never released.</summary>
    internal void KeepForHangingWriter() => _isHeldUp = true;

    /// <summary>Before a segment is begun: the folder is where it was, or is taken anew because it was removed or replaced. A
    /// writer's thread.</summary>
    /// <returns>False while it can't be; <see cref="Shortage"/> says why.</returns>
    internal bool TryEnter(DiskCalls disk)
    {
        lock (_gate)
        {
            var isHere = _place.IsHere(disk);
            Volatile.Write(ref _absence, isHere ? null : _place.Return());
            if (!isHere && _absence is null)
            {
                _usedBytes -= _catalog.Clear() + _held.Clear() + _summary.Bytes;
                _heldBytes = 0;
                Enumerate(disk);
                Volatile.Write(ref _mishap, FolderPlace.Replaced);
            }

            return _absence is null;
        }
    }

    /// <summary>Takes room for a segment under way; the oldest segments make it. A writer's thread.</summary>
    /// <returns>False when the disk would have less free than it must: then nothing was taken.</returns>
    internal bool TryReserve(DiskCalls disk, long bytes)
    {
        if (!_disk.TryKeepFree(disk, bytes))
        {
            return false;
        }

        lock (_gate)
        {
            _usedBytes += bytes;
            Fit(disk);
            return true;
        }
    }

    /// <summary>Takes room for what is on disk already. A writer's thread.</summary>
    internal void Retake(long bytes)
    {
        lock (_gate)
        {
            _usedBytes += bytes;
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

    /// <summary>Takes over a published segment whose bytes are reserved already; its companions are counted here.</summary>
    internal void Add(DiskCalls disk, in SegmentName name, long bytes)
    {
        var summarised = _summary.Note(disk, name, OldestNs, Segments);
        lock (_gate)
        {
            _usedBytes += summarised;
            Insert(disk, name, bytes);
            Fit(disk);
        }
    }

    /// <summary>Removes a segment because the disk is full although the budget is not. A writer's thread.</summary>
    internal bool MakeRoom(DiskCalls disk) => _disk.MakeRoom(disk);

    /// <summary>Removes the oldest segment for the disk's sake; its bytes, 0 = none may go.</summary>
    internal long RemoveForDisk(DiskCalls disk)
    {
        lock (_gate)
        {
            var bytes = _catalog.Count == 0 ? 0 : _catalog.Oldest.Bytes;
            return bytes > 0 && TryRemoveOldest(disk, RemovalReason.FreeDisk) ? bytes : 0;
        }
    }

    /// <summary>Follows the holds, and removes what has become too old or what the disk needs. Once a second, one thread.</summary>
    internal void Keep(DiskCalls disk, long nowNs)
    {
        lock (_gate)
        {
            if (_holds.Look(nowNs))
            {
                _heldBytes = _catalog.Partition(_held, _holds.Holds);
            }

            LookAtClock(nowNs, ref _keptNs);
            Evidence?.Settle(disk);
            _ages.Tick(nowNs, Rules.KeepNs, _ages.IsFirst ? _catalog.NewestNs : 0);
        }

        _ = _disk.TryKeepFree(disk, 0);

        // The lock is given back between two removals: a hold that is removed, or a week that has passed, may cost many.
        while (TryRemoveAged(disk) || TryRemoveBeyondBudget(disk))
        {
        }
    }

    private void Insert(DiskCalls disk, in SegmentName name, long bytes)
    {
        Invariant.Check(_catalog.Count + _held.Count <= Limits.SegmentsMax);
        if (_catalog.Count + _held.Count == Limits.SegmentsMax && !TryRemoveOldest(disk, RemovalReason.Budget))
        {
            return; // a million segments, all held: the file stays, and the next start counts it
        }

        LookAtClock(Clock.NowNs(), ref _insertedNs);
        var companions = SegmentCompanions.BytesOf(disk, name, _path, out var indexBytes);
        _usedBytes += companions;
        var isHeld = _holds.Holds.Keeps(name.StartNs);
        _heldBytes += isHeld ? bytes + companions : 0;
        var orderNs = Math.Min(name.StartNs, _insertedNs);
        (isHeld ? _held : _catalog).Add(new SegmentCatalog.Entry(name, orderNs, bytes + companions, indexBytes));
    }

    // A clock that was ahead and is set right has left segments of a time to come: they are no younger than now, and must not
    // outlive (nor, under a full budget, at once remove) those that are recorded from now on.
    private void LookAtClock(long nowNs, ref long beforeNs)
    {
        if (nowNs < beforeNs)
        {
            _catalog.NoneIsYoungerThan(nowNs);
            _held.NoneIsYoungerThan(nowNs);
        }

        beforeNs = nowNs;
    }

    private bool TryRemoveAged(DiskCalls disk)
    {
        lock (_gate)
        {
            return _catalog.Count > 0 && _ages.IsTooOld(_catalog.Oldest.OrderNs) && TryRemoveOldest(disk, RemovalReason.Age);
        }
    }

    private bool TryRemoveBeyondBudget(DiskCalls disk)
    {
        lock (_gate)
        {
            return _usedBytes > Math.Max(BudgetBytes, _heldBytes + UnheldBytesMin) && TryRemoveOldest(disk, RemovalReason.Budget);
        }
    }

    private void Fit(DiskCalls disk)
    {
        while (TryRemoveBeyondBudget(disk))
        {
        }
    }

    // Who keeps a segment, and at which place of it; null = it is gone.
    private SegmentCatalog? CatalogOf(in SegmentName name, out int place) =>
        _catalog.TryFind(name, out place) ? _catalog : _held.TryFind(name, out place) ? _held : null;

    private bool TryRemoveOldest(DiskCalls disk, RemovalReason reason)
    {
        SegmentCatalog.Entry oldest;
        int result;
        do
        {
            if (_catalog.Count == 0)
            {
                return false;
            }

            oldest = _catalog.Oldest;
            Evidence?.NoteRemoval(disk, oldest.Name, reason);
            oldest.Name.AddTo(_path.Reset(), isHidden: false);
            result = disk.Remove(_path.Path);
        }
        while (result is -NativeFile.EPERM or -NativeFile.EACCES or -NativeFile.EBUSY or -NativeFile.EISDIR && SetAside(oldest));

        if (result < 0 && result != -NativeFile.ENOENT)
        {
            return false; // a read-only file system, say: what can't be removed keeps its place
        }

        for (var kind = 0; kind < SegmentCompanions.Kinds; kind++)
        {
            oldest.Name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Ending(kind));
            _ = disk.Remove(_path.Path);
        }

        Evidence?.Settle(disk);
        _catalog.RemoveOldest();
        _usedBytes -= oldest.Bytes;
        _removed[(int)reason]++;
        return true;
    }

    // This one file can't go (an immutable one, say): it counts with what holds keep until they change, and others go instead.
    private bool SetAside(in SegmentCatalog.Entry entry)
    {
        Volatile.Write(ref _mishap, $"Segment {Encoding.UTF8.GetString(_path.Path[..^1])} can't be removed; newer ones go instead. "
            + "Mend its attributes, or the folder's permissions.");
        _heldBytes += entry.Bytes;
        _held.Add(entry);
        _catalog.RemoveOldest();
        return true;
    }

    private void Load(bool isAlone)
    {
        (Recovered, Repairs) = FolderOpening.Settle(Path, out _mishap, Evidence);
        FolderOpening.RemoveOrphans(Path);
        if (isAlone && DiskBudget.Now([Path], Rules.MinFree) is >= Limits.RecordBudgetBytesMin and var fitting)
        {
            BudgetBytes = Math.Min(BudgetBytes, fitting);
        }

        Enumerate(new DiskCalls());
    }

    private void Enumerate(DiskCalls disk)
    {
        foreach (var file in new DirectoryInfo(Path).EnumerateFiles())
        {
            if (SegmentName.TryParse(file.Name, out var name, out var isHidden) && !isHidden)
            {
                _usedBytes += file.Length;
                Insert(disk, name, file.Length);
            }
        }

        _usedBytes += _summary.Settle(disk);
        Fit(disk);
    }
}

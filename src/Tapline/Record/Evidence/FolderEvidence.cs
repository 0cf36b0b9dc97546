// The evidence of one folder: its chains of seals and its journal. A segment is visible first and sealed then, in the order segment, seal,
// journal: a crash in between leaves a segment that the next start seals. A removal is noted before the file goes, and what is
// going is not sealed any more. Files are not made durable one by one: what a power cut may cost is in docs/limits.md.
// After the start nothing is allocated. Thread-safe; the lock is a leaf and is held for small writes only.
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Seals a folder's segments. Thread-safe.</summary>
internal sealed class FolderEvidence
{
    private readonly string _folder;
    private readonly EvidenceOptions _options;
    private readonly EvidenceJournal _journal;
    private readonly Lock _gate = new();
    private readonly SignedText _text = new();
    private readonly PathBuffer _path;
    private readonly PathBuffer _hidden;
    private byte[] _read = new byte[64 * 1024];
    private List<(SegmentName Name, long Bytes)> _waiting = [];
    private SegmentName _going;
    private bool _isGoing;
    private bool _isPending;
    private bool _isLeft;
    private bool _isReady;

    private FolderEvidence(string folder, EvidenceOptions options, EvidenceJournal journal)
    {
        _folder = folder;
        _options = options;
        _journal = journal;
        _path = new PathBuffer(folder);
        _hidden = new PathBuffer(folder);
    }

    /// <summary>What had to be said when it was opened; null = nothing.</summary>
    public string? Notice { get; private init; }

    /// <summary>True when new segments are sealed; otherwise removals of sealed ones are noted only.</summary>
    public bool IsSealing => _options.IsSealing;

    /// <summary>Opens a folder's journal, or begins one. Folder locked, before leftovers are repaired.</summary>
    /// <returns>Null when nothing is to be sealed and nothing ever was.</returns>
    public static FolderEvidence? TryOpen(string folder, EvidenceOptions options)
    {
        var path = Path.Combine(folder, EvidenceJournal.Name);
        if (!options.IsSealing && !File.Exists(path))
        {
            return null;
        }

        using var keys = options.Key.Known();
        var seals = new FoundSeals(folder, keys);
        string? notice = null;
        EvidenceJournal? journal = null;
        if (File.Exists(path))
        {
            var mistake = "it is too long";
            journal = new FileInfo(path).Length > Limits.EvidenceJournalBytesMax ? null
                : EvidenceJournal.TryRead(File.ReadAllBytes(path), keys, out mistake);
            if (journal is null)
            {
                File.Move(path, path + ".bad", overwrite: true);
                notice = $"The journal of seals {path} can't be believed: {mistake}. It was moved to {path}.bad and begun anew; "
                    + "`tapline verify` tells what is not known for that.";
            }

            journal ??= seals.Rebuild();
        }
        else
        {
            journal = seals.Rebuild();
            if (journal.Chains.Count == 0 && seals.Unsealed() is { } span)
            {
                // Recorded before sealing began: told from what somebody puts there later.
                journal.Pause(isPaused: true, span.SinceNs);
                journal.Pause(isPaused: false, span.UntilNs);
            }
        }

        seals.CatchUp(journal);
        seals.RemoveOrphans(journal);
        journal.Pause(!options.IsSealing, Clock.NowNs());
        return new FolderEvidence(folder, options, journal) { Notice = notice };
    }

    /// <summary>Finds what an end before its time left visible and without a seal, for the sealers that come. At the opening, when what
    /// was hidden has been published.</summary>
    public void FindWaiting()
    {
        if (IsSealing)
        {
            using var keys = _options.Key.Known();
            _waiting = new FoundSeals(_folder, keys).Waiting(_journal);
            _journal.IsOpen = true;
        }

        _isReady = true;
        WriteJournal(new DiskCalls());
    }

    /// <summary>A writer's sealer; null when nothing is sealed. Not on a hot path.</summary>
    public SegmentSealer? NewSealer(string folder, DiskCalls disk, ushort worker, long segmentBytes) =>
        IsSealing
            ? new SegmentSealer(folder, this, disk, worker, segmentBytes, _options.IsImport ? SealState.Imported : SealState.Complete)
            : null;

    /// <summary>Of what waits since the last end, a worker's part, oldest first; the first worker also has that of workers that are no
    /// more. Asked once for each worker, when it begins.</summary>
    public IReadOnlyList<(SegmentName Name, long Bytes)> TakeWaiting(ushort worker)
    {
        lock (_gate)
        {
            var its = _waiting.FindAll(w => w.Name.Worker == worker || (worker == 0 && w.Name.Worker >= _options.Workers));
            _waiting.RemoveAll(its.Contains);
            return its;
        }
    }

    /// <summary>Some segments keep waiting for their seals when the recorder ends: the next start seals them.</summary>
    public void LeaveOpen() => Volatile.Write(ref _isLeft, true);

    /// <summary>The recorders have ended. Where all is sealed, the journal says so. Control thread.</summary>
    public void Close()
    {
        if (!IsSealing || !_isReady)
        {
            return;
        }

        try
        {
            var isWhole = _waiting.Count == 0 && !Volatile.Read(ref _isLeft) && !FoundSeals.HasHidden(_folder);
            lock (_gate)
            {
                _journal.IsOpen = !isWhole;
                WriteJournal(new DiskCalls());
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder can't be read any more: what is left in it is for the next start.
        }
    }

    /// <summary>The chain that a worker's seals go on with. Not on a hot path: may begin one.</summary>
    public SealChain ChainOf(ushort worker)
    {
        lock (_gate)
        {
            if (_journal.LastOf(worker) is { } known)
            {
                return known;
            }

            Span<byte> id = stackalloc byte[16];
            RandomNumberGenerator.Fill(id);
            var chain = new SealChain
            {
                Id = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(id), Worker = worker, BeganNs = Clock.NowNs(),
            };
            Invariant.Check(_journal.TryAdd(chain));
            WriteJournal(new DiskCalls()); // before its first segment: one that never gets a seal is then known to be the worker's
            return chain;
        }
    }

    /// <summary>Seals a visible segment; 0, or a negated errno and nothing has changed: -ENOENT when it is gone, -EBUSY while a rule is
    /// removing it, -EEXIST when somebody has put a seal there.</summary>
    /// <param name="disk">How files are written.</param>
    /// <param name="chain">The worker's chain.</param>
    /// <param name="name">The segment's name.</param>
    /// <param name="seal">Bytes, state and index of it; the rest is filled in.</param>
    /// <param name="blocks">Hashes of the whole file.</param>
    public int Seal(DiskCalls disk, SealChain chain, in SegmentName name, ref SegmentSeal seal, ReadOnlySpan<Hash256> blocks)
    {
        lock (_gate)
        {
            if (_isGoing && _going == name)
            {
                return -NativeFile.EBUSY;
            }

            name.AddTo(_path.Reset(), isHidden: false);
            var there = disk.LengthOf(_path.Path);
            if (there < 0)
            {
                return (int)there;
            }

            seal.Chain = chain.Id;
            seal.Worker = chain.Worker;
            seal.Sequence = chain.Next;
            seal.Previous = chain.Tip;
            seal.SealedNs = Clock.NowNs();
            seal.Link = SealText.Write(_text, seal, _path.Name, blocks, _options.Key);
            name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Seal);
            name.AddTo(_hidden.Reset(), isHidden: true, SegmentCompanions.Seal);
            var result = Write(disk, _text.Written);
            result = result == 0 ? disk.Publish(_hidden.Path, _path.Path) : result;
            if (result != 0)
            {
                _ = disk.Remove(_hidden.Path);
                return result;
            }

            chain.Next++;
            chain.Tip = seal.Link;
            WriteJournal(disk);
            return 0;
        }
    }

    /// <summary>Notes that retention is about to remove a segment. One without a seal of ours gets none any more, and is counted where
    /// it should have had one.</summary>
    public void NoteRemoval(DiskCalls disk, in SegmentName name, RemovalReason reason)
    {
        lock (_gate)
        {
            name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Seal);
            var length = Read();
            if (length > 0 && SealText.TryRead(_read.AsSpan(0, length), out var seal) && _journal.Find(seal.Chain) is { } chain
                && seal.Sequence < chain.Next)
            {
                _journal.Remove(seal, name.StartNs, reason, Clock.NowNs());
                WriteJournal(disk);
                return;
            }

            // Tried again where it could not be removed: it is counted once.
            if (IsSealing && _going != name && !_journal.IsPaused(name.StartNs))
            {
                _journal.RemovedUnsealed++;
                _isPending = true;
            }

            (_going, _isGoing) = (name, true);
        }
    }

    /// <summary>No removal is under way. Writes what could not be written before: the disk was full, say. Folder locked.</summary>
    public void Settle(DiskCalls disk)
    {
        if (Volatile.Read(ref _isPending) || Volatile.Read(ref _isGoing))
        {
            lock (_gate)
            {
                _isGoing = false;
                if (_isPending)
                {
                    WriteJournal(disk);
                }
            }
        }
    }

    // The file at _path; its length, 0 when it can't be read or is no seal by its length.
    private int Read()
    {
        var fd = NativeFile.Open(_path.Path, NativeFile.O_RDONLY, 0);
        if (fd < 0)
        {
            return 0;
        }

        var length = 0;
        while (true)
        {
            var read = NativeFile.Read(fd, _read.AsSpan(length), length);
            if (read <= 0 || length + read > Limits.SealBytesMax)
            {
                _ = NativeFile.Close(fd);
                return read < 0 || length + read > Limits.SealBytesMax ? 0 : length;
            }

            length += (int)read;
            if (length == _read.Length)
            {
                Array.Resize(ref _read, 2 * _read.Length); // a segment of many hundred megabytes
            }
        }
    }

    private void WriteJournal(DiskCalls disk)
    {
        _journal.Write(_text, _options.Key, Clock.NowNs());
        _hidden.Reset().Add(".evidence.json.new"u8);
        _path.Reset().Add("evidence.json"u8);
        _ = disk.Remove(_hidden.Path);
        var result = Write(disk, _text.Written);
        Volatile.Write(ref _isPending, (result == 0 ? disk.Replace(_hidden.Path, _path.Path) : result) != 0);
    }

    // All of a small file under the hidden name.
    private int Write(DiskCalls disk, ReadOnlySpan<byte> bytes)
    {
        var fd = disk.Open(_hidden.Path, NativeFile.O_RDWR | NativeFile.O_CREAT | NativeFile.O_EXCL);
        if (fd < 0)
        {
            return fd;
        }

        var result = disk.WriteAll(fd, bytes, 0);
        _ = disk.Close(fd);
        return result;
    }
}

// The evidence of one folder: its chains of seals and its journal. Segments are sealed on their writers' threads as they become visible,
// in the order seal, journal, segment: a crash in between leaves a seal whose segment the next start publishes under it. A
// removal is noted before the file goes. Files are not made durable one by one: what a power cut may cost is in docs/limits.md.
// After the start nothing is allocated. Thread-safe; the lock is a leaf and is held for small writes only.
using System.Security.Cryptography;
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Seals a folder's segments. Thread-safe.</summary>
internal sealed class FolderEvidence
{
    private readonly EvidenceOptions _options;
    private readonly EvidenceJournal _journal;
    private readonly Lock _gate = new();
    private readonly SignedText _text = new();
    private readonly PathBuffer _path;
    private readonly PathBuffer _hidden;
    private byte[] _read = new byte[64 * 1024];
    private bool _isPending;

    private FolderEvidence(string folder, EvidenceOptions options, EvidenceJournal journal)
    {
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
        var evidence = new FolderEvidence(folder, options, journal) { Notice = notice };
        evidence.WriteJournal(new DiskCalls());
        return evidence;
    }

    /// <summary>A writer's sealer; null when nothing is sealed. Not on a hot path.</summary>
    public SegmentSealer? NewSealer(SegmentFolder folder, DiskCalls disk, ushort worker, long segmentBytes) =>
        IsSealing
            ? new SegmentSealer(folder, this, disk, worker, segmentBytes, _options.IsImport ? SealState.Imported : SealState.Complete)
            : null;

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
            return chain;
        }
    }

    /// <summary>Seals a segment that is about to become visible; 0, or a negated errno and nothing has changed.</summary>
    /// <param name="disk">How files are written.</param>
    /// <param name="chain">The worker's chain.</param>
    /// <param name="name">The segment's name.</param>
    /// <param name="fileName">The same as its file will be called.</param>
    /// <param name="seal">Bytes, state and index of it; the rest is filled in.</param>
    /// <param name="blocks">Hashes of the whole file.</param>
    public int Publish(
        DiskCalls disk, SealChain chain, in SegmentName name, ReadOnlySpan<byte> fileName, ref SegmentSeal seal,
        ReadOnlySpan<Hash256> blocks)
    {
        lock (_gate)
        {
            seal.Chain = chain.Id;
            seal.Worker = chain.Worker;
            seal.Sequence = chain.Next;
            seal.Previous = chain.Tip;
            seal.SealedNs = Clock.NowNs();
            seal.Link = SealText.Write(_text, seal, fileName, blocks, _options.Key);
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

    /// <summary>Takes a seal back: its segment could not get that name.</summary>
    public void Withdraw(DiskCalls disk, SealChain chain, in SegmentName name, in SegmentSeal seal)
    {
        lock (_gate)
        {
            if (chain.Next == seal.Sequence + 1)
            {
                Invariant.Check(chain.Tip == seal.Link);
                chain.Next = seal.Sequence;
                chain.Tip = seal.Previous;
            }
            else
            {
                _journal.Remove(seal, name.StartNs, RemovalReason.Budget, Clock.NowNs()); // another came after it meanwhile
            }

            name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Seal);
            _ = disk.Remove(_path.Path);
        }
    }

    /// <summary>Notes that retention is about to remove a segment. Does nothing for one without a seal of ours.</summary>
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
            }
        }
    }

    /// <summary>Writes what could not be written before: the disk was full, say.</summary>
    public void Settle(DiskCalls disk)
    {
        if (Volatile.Read(ref _isPending))
        {
            lock (_gate)
            {
                WriteJournal(disk);
            }
        }
    }

    /// <summary>
    /// Seals what a crash or a device error left, before it becomes visible: hashed from disk. Where a crash came between seal and
    /// segment, the seal is there already and stays when it is right. Allocates.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="name">The name that it gets.</param>
    /// <param name="target">The same as a path; when it is taken, nothing is done.</param>
    public void SealRecovered(string path, long bytes, in SegmentName name, PathBuffer target)
    {
        using var hashes = new BlockHashes(bytes);
        var disk = new DiskCalls();
        if (disk.LengthOf(target.Path) != -NativeFile.ENOENT
            || hashes.TryAddFrom(Encoding.UTF8.GetBytes(path + '\0'), bytes) != 0)
        {
            return;
        }

        hashes.Finish();
        if (IsSealed(name, bytes, hashes.Blocks) || !IsSealing)
        {
            return;
        }

        var chain = ChainOf(name.Worker);
        lock (_gate)
        {
            name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Seal);
            _ = disk.Remove(_path.Path);
        }

        var seal = new SegmentSeal { Bytes = bytes, State = SealState.Recovered };
        _ = Publish(disk, chain, name, target.Name, ref seal, hashes.Blocks);
    }

    private bool IsSealed(in SegmentName name, long bytes, ReadOnlySpan<Hash256> blocks)
    {
        using var keys = _options.Key.Known();
        lock (_gate)
        {
            name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Seal);
            var length = Read();
            var sealedBlocks = new List<Hash256>();
            return length > 0 && SealText.TryRead(_read.AsSpan(0, length), out var seal, sealedBlocks)
                && seal.Bytes == bytes && blocks.SequenceEqual(sealedBlocks.ToArray())
                && _journal.Find(seal.Chain) is { } chain && seal.Sequence < chain.Next
                && SignedText.IsSigned(_read.AsSpan(0, length), seal.Key, keys);
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

// Segments that were written faster than they could be hashed: hashed from disk by a thread of low priority, then sealed and made visible
// in the same order as others; at the end the writer's thread does what is left. So hashing never takes the time of a writer that
// is behind: it is not what drops frames. Until then they keep their hidden names, as those under way do; a crash leaves them to the
// next start. Limits: so many segments, and a part of the budget; beyond, a segment becomes visible without a seal, which is
// counted. Owns its thread; allocates nothing.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Seals a writer's segments later. Filled by the writer's thread.</summary>
internal sealed class LateSealer : IDisposable
{
    private const int SegmentsMax = 64;
    private const int PartOfBudget = 4;

    // An end does not wait for hashing longer than this: what is left then becomes visible without a seal.
    private const int EndMsMax = 4000;
    private readonly SegmentFolder _folder;
    private readonly FolderEvidence _evidence;
    private readonly DiskCalls _disk;
    private readonly SealChain _chain;
    private readonly SealState _state;
    private readonly BlockHashes _hashes;
    private readonly Entry[] _entries = new Entry[SegmentsMax];
    private readonly HandoverRing _waiting = new(SegmentsMax);
    private readonly HandoverRing _free = new(SegmentsMax);
    private readonly WakeSignal _wake = new();
    private readonly PathBuffer _hidden;
    private readonly PathBuffer _visible;
    private readonly Thread _thread;
    private long _waitingBytes;
    private long _lost;
    private int _interrupted = -1;
    private volatile bool _isEnd;

    public LateSealer(SegmentFolder folder, FolderEvidence evidence, DiskCalls disk, SealChain chain, long segmentBytes, SealState state)
    {
        _state = state;
        _folder = folder;
        _evidence = evidence;
        _disk = disk;
        _chain = chain;
        _hashes = new BlockHashes(segmentBytes);
        _hidden = new PathBuffer(folder.Path);
        _visible = new PathBuffer(folder.Path);
        for (var entry = 0; entry < SegmentsMax; entry++)
        {
            _free.Put(entry);
        }

        _thread = new Thread(Run) { Name = $"tl-seal-{chain.Worker}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Segments that became visible without a seal. Any thread.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Takes over a segment that is complete under its hidden name, and its index likewise; false when too many wait.</summary>
    public bool TryTake(in SegmentName name, long bytes, Hash256? index)
    {
        if (Interlocked.Read(ref _waitingBytes) + bytes > _folder.BudgetBytes / PartOfBudget || !_free.TryTake(out var entry))
        {
            return false;
        }

        Interlocked.Add(ref _waitingBytes, bytes);
        _entries[entry] = new Entry { Name = name, Bytes = bytes, HasIndex = index is not null, Index = index ?? default };
        _waiting.Put(entry);
        _wake.Set();
        return true;
    }

    /// <summary>The writer is behind: nothing is read or hashed for a moment. Writer's thread.</summary>
    public void HoldOff() => _hashes.HoldOff();

    /// <summary>Ends the thread and seals what is left, as far as time allows. Writer's thread; nothing comes after this.</summary>
    public void End()
    {
        _isEnd = true;
        _hashes.IsStopped = true;
        _wake.Set();
        _thread.Join();
        _hashes.IsStopped = false;
        var deadline = Environment.TickCount64 + EndMsMax;
        if (_interrupted >= 0)
        {
            _ = TrySeal(_entries[_interrupted]);
        }

        while (_waiting.TryTake(out var entry))
        {
            _ = TrySeal(_entries[entry], isHashed: Environment.TickCount64 < deadline);
        }
    }

    /// <summary>Releases what the thread used. Only after <see cref="End"/>.</summary>
    public void Dispose()
    {
        _wake.Dispose();
        _hashes.Dispose();
    }

    private void Run()
    {
        ThreadPlace.GiveWay();
        while (!_isEnd)
        {
            if (!_waiting.TryTake(out var entry))
            {
                _wake.Wait(-1);
            }
            else if (TrySeal(_entries[entry]))
            {
                Interlocked.Add(ref _waitingBytes, -_entries[entry].Bytes);
                _free.Put(entry);
            }
            else
            {
                _interrupted = entry;
            }
        }
    }

    // False when the end came first: then nothing was done.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // as in BlockHashes
    private bool TrySeal(in Entry entry, bool isHashed = true)
    {
        _hashes.Begin();
        entry.Name.AddTo(_hidden.Reset(), isHidden: true);
        var result = isHashed ? _hashes.TryAddFrom(_hidden.Path, entry.Bytes) : 0;
        if (result == -NativeFile.EINTR)
        {
            return false;
        }

        _hashes.Finish();
        var name = entry.Name;
        while (Publish(entry, name, isHashed && result == 0) == -NativeFile.EEXIST)
        {
            name = name with { StartNs = name.StartNs + 1 };
        }

        return true;
    }

    // Index, seal, segment, in this order; what went before is taken back when a name is taken.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Publish(in Entry entry, in SegmentName name, bool isHashed)
    {
        name.AddTo(_visible.Reset(), isHidden: false);
        var there = _disk.LengthOf(_visible.Path);
        if (there != -NativeFile.ENOENT)
        {
            return there >= 0 ? -NativeFile.EEXIST : (int)there; // a disk that died keeps the hidden name
        }

        var index = entry.HasIndex ? MoveIndex(entry.Name, name) : 0;
        if (index == -NativeFile.EEXIST)
        {
            return index;
        }

        var seal = new SegmentSeal
        {
            Bytes = entry.Bytes, State = _state, HasIndex = entry.HasIndex && index == 0, Index = entry.Index,
        };
        name.AddTo(_visible.Reset(), isHidden: false);
        var sealedAs = isHashed ? _evidence.Publish(_disk, _chain, name, _visible.Name, ref seal, _hashes.Blocks) : -NativeFile.EIO;
        if (sealedAs != 0)
        {
            Volatile.Write(ref _lost, _lost + 1);
        }

        entry.Name.AddTo(_hidden.Reset(), isHidden: true);
        name.AddTo(_visible.Reset(), isHidden: false);
        var result = _disk.Publish(_hidden.Path, _visible.Path);
        if (result == 0)
        {
            _folder.Add(_disk, name, entry.Bytes);
        }
        else if (result == -NativeFile.EEXIST)
        {
            TakeBack(entry, name, seal, sealedAs == 0);
        }

        return result;
    }

    private void TakeBack(in Entry entry, in SegmentName name, in SegmentSeal seal, bool isSealed)
    {
        if (isSealed)
        {
            _evidence.Withdraw(_disk, _chain, name, seal);
        }

        if (seal.HasIndex)
        {
            name.AddTo(_visible.Reset(), isHidden: false, SegmentCompanions.Index);
            entry.Name.AddTo(_hidden.Reset(), isHidden: true, SegmentCompanions.Index);
            _ = _disk.Publish(_visible.Path, _hidden.Path);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int MoveIndex(in SegmentName from, in SegmentName to)
    {
        from.AddTo(_hidden.Reset(), isHidden: true, SegmentCompanions.Index);
        to.AddTo(_visible.Reset(), isHidden: false, SegmentCompanions.Index);
        return _disk.Publish(_hidden.Path, _visible.Path);
    }

    private struct Entry
    {
        public SegmentName Name;
        public long Bytes;
        public bool HasIndex;
        public Hash256 Index;
    }
}

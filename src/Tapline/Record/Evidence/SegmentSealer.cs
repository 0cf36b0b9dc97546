// One writer's way to seals. Its segments are hashed as they are written; one that is hashed when it becomes visible is sealed at once.
// One that is not, because the writer had no time or the disk took no seal, waits, and all that follow wait behind it: a thread of low
// priority reads and hashes what is missing and seals them in the order of time. So neither hashing nor a full disk keeps a segment
// from being seen, and a writer that is behind loses no frame for it. What retention removes meanwhile is sealed no more. At the end
// the writer's thread seals what waits, for so long; the next start seals the rest, as it does after a crash. Limits: so many that wait;
// beyond, a segment stays without a seal, which is counted. Owns its hashes and thread; allocates nothing after the start.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Seals one worker's segments. Writer's thread.</summary>
internal sealed class SegmentSealer : IDisposable
{
    // Segments whose hashes, complete or begun, are kept while they wait; others are read from their beginning.
    private const int HashesKept = 8;

    // An end does not wait for hashing longer than this, but for imports, which nobody waits to record again.
    private const int EndMsMax = 4000;
    private const int PauseMsMin = 50;
    private const int PauseMsMax = 2000;

    // A file that can't be read keeps those behind it waiting for some seconds, and no longer.
    private const int ReadTriesMax = 8;
    private readonly FolderEvidence _evidence;
    private readonly DiskCalls _disk;
    private readonly SealChain _chain;
    private readonly SealState _state;
    private readonly HashReader _reader = new();
    private readonly BlockHashes[] _hashes = new BlockHashes[HashesKept + 1];
    private readonly HandoverRing _hashesFree = new(HashesKept);
    private readonly Entry[] _entries = new Entry[Limits.SealsWaitingMax];
    private readonly HandoverRing _entriesFree = new(Limits.SealsWaitingMax);
    private readonly HandoverRing _queue = new(Limits.SealsWaitingMax);
    private readonly IReadOnlyList<(SegmentName Name, long Bytes)> _leftBefore;
    private readonly WakeSignal _wake = new();
    private readonly PathBuffer _path;
    private readonly Thread _thread;
    private int _own = -1;
    private long _waiting;
    private long _lost;
    private volatile bool _isEnd;

    // What the late thread is at; afterwards the writer's, which comes after it.
    private Entry _now;
    private bool _hasNow;
    private int _leftBeforeTaken;
    private int _readTries;

    /// <param name="folder">Where the segments are.</param>
    /// <param name="evidence">The folder's.</param>
    /// <param name="disk">How files are written.</param>
    /// <param name="worker">Whose segments they are.</param>
    /// <param name="segmentBytes">How long a segment is at most.</param>
    /// <param name="state">What the seals say of how the segments came to be.</param>
    public SegmentSealer(string folder, FolderEvidence evidence, DiskCalls disk, ushort worker, long segmentBytes, SealState state)
    {
        _evidence = evidence;
        _disk = disk;
        _chain = evidence.ChainOf(worker);
        _state = state;
        _path = new PathBuffer(folder);
        _leftBefore = evidence.TakeWaiting(worker);
        _waiting = _leftBefore.Count;
        for (var index = 0; index < _hashes.Length; index++)
        {
            _hashes[index] = new BlockHashes(segmentBytes);
        }

        for (var index = 0; index < HashesKept; index++)
        {
            _hashesFree.Put(index);
        }

        for (var entry = 0; entry < Limits.SealsWaitingMax; entry++)
        {
            _entriesFree.Put(entry);
        }

        _thread = new Thread(Run) { Name = $"tl-seal-{worker}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Segments that stay without a seal. Any thread.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Segments that are visible and have no seal yet. Any thread.</summary>
    public long Waiting => Volatile.Read(ref _waiting);

    /// <summary>A new file begins.</summary>
    public void Begin()
    {
        if (_own < 0)
        {
            _ = _hashesFree.TryTake(out _own);
        }

        if (_own >= 0)
        {
            _hashes[_own].Begin();
        }
    }

    /// <summary>Bytes that are in the file now; those that were told before are skipped.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">Where in the file they begin.</param>
    /// <param name="isBehind">The writer has no time: they are left for later.</param>
    public void Take(ReadOnlySpan<byte> bytes, long offset, bool isBehind)
    {
        if (isBehind)
        {
            _reader.HoldOff();
        }
        else if (_own >= 0)
        {
            _hashes[_own].Add(bytes, offset);
        }
    }

    /// <summary>Seals the file that was told, which is visible now, at once or later.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="index">SHA-256 of its index; null = it has none.</param>
    public void Seal(in SegmentName name, long bytes, Hash256? index)
    {
        var entry = new Entry
        {
            Name = name, Bytes = bytes, State = _state, HasIndex = index is not null, Index = index ?? default, Hashes = _own,
        };
        if (_own >= 0 && _hashes[_own].Bytes > bytes)
        {
            _hashes[_own].Begin();
        }

        var isNext = Volatile.Read(ref _waiting) == 0;
        if (!isNext || _own < 0 || _hashes[_own].Bytes != bytes || Publish(entry, _hashes[_own]) != 0)
        {
            Put(entry);
        }
    }

    /// <summary>Seals a visible file later, as a failing device has left it.</summary>
    public void SealRecovered(in SegmentName name, long bytes) =>
        Put(new Entry { Name = name, Bytes = bytes, State = SealState.Recovered, Hashes = -1 });

    /// <summary>Seals what waits, as far as time allows; nothing comes after this.</summary>
    public void End()
    {
        _isEnd = true;
        _reader.StopAt(0);
        _wake.Set();
        _thread.Join();
        _reader.StopAt(_state == SealState.Imported ? long.MaxValue : Environment.TickCount64 + EndMsMax);
        while (TryNext() && TrySeal())
        {
        }

        if (_waiting > 0)
        {
            _evidence.LeaveOpen();
        }
    }

    /// <summary>Releases what the thread used. Only after <see cref="End"/>.</summary>
    public void Dispose()
    {
        _wake.Dispose();
        _reader.Dispose();
        foreach (var hashes in _hashes)
        {
            hashes.Dispose();
        }
    }

    private void Put(in Entry entry)
    {
        if (!_entriesFree.TryTake(out var place))
        {
            Interlocked.Increment(ref _lost);
            return;
        }

        _entries[place] = entry;
        _own = entry.Hashes >= 0 ? -1 : _own;
        Interlocked.Increment(ref _waiting);
        _queue.Put(place);
        _wake.Set();
    }

    private void Run()
    {
        ThreadPlace.GiveWay();
        var pauseMs = PauseMsMin;
        while (!_isEnd)
        {
            if (!TryNext())
            {
                _wake.Wait(-1);
            }
            else if (TrySeal())
            {
                pauseMs = PauseMsMin;
            }
            else if (!_isEnd)
            {
                _wake.Wait(pauseMs);
                pauseMs = Math.Min(pauseMs * 2, PauseMsMax);
            }
        }
    }

    // What was left by the last run comes first.
    private bool TryNext()
    {
        if (_hasNow)
        {
            return true;
        }

        if (_leftBeforeTaken < _leftBefore.Count)
        {
            var (name, bytes) = _leftBefore[_leftBeforeTaken++];
            _now = new Entry { Name = name, Bytes = bytes, State = SealState.Recovered, Hashes = -1 };
        }
        else if (_queue.TryTake(out var place))
        {
            _now = _entries[place];
            _entriesFree.Put(place);
        }
        else
        {
            return false;
        }

        if (_now.Hashes < 0)
        {
            _hashes[HashesKept].Begin();
        }

        _readTries = 0;
        return _hasNow = true;
    }

    // Hashes what is missing of what is at hand, and seals it. False = it is to be tried again.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // rare: it would be compiled for good, which allocates, long after the start
    private bool TrySeal()
    {
        var hashes = _hashes[_now.Hashes >= 0 ? _now.Hashes : HashesKept];
        _now.Name.AddTo(_path.Reset(), isHidden: false);
        var result = _reader.TryComplete(hashes, _path.Path, _now.Bytes);
        result = result == 0 && _now.State == SealState.Recovered ? HashIndex() : result;
        var isRead = result == 0;
        result = isRead ? Publish(_now, hashes) : result;
        var isTriedAgain = isRead
            ? result is not (0 or -NativeFile.ENOENT or -NativeFile.EEXIST)
            : result == -NativeFile.EINTR || (result != -NativeFile.ENOENT && !IsCut() && ++_readTries < ReadTriesMax);
        if (isTriedAgain)
        {
            return false;
        }

        if (result is not (0 or -NativeFile.ENOENT))
        {
            Interlocked.Increment(ref _lost);
        }

        if (_now.Hashes >= 0)
        {
            _hashesFree.Put(_now.Hashes);
        }

        _hasNow = false;
        Interlocked.Decrement(ref _waiting);
        return true;
    }

    // Somebody has cut the file: there is nothing to wait for.
    private bool IsCut()
    {
        _now.Name.AddTo(_path.Reset(), isHidden: false);
        var bytes = _disk.LengthOf(_path.Path);
        return bytes >= 0 && bytes < _now.Bytes;
    }

    // What was left has the index that was written with it, or none, or one that was made since.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int HashIndex()
    {
        _now.Name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Index);
        var result = _reader.TryHash(_path.Path, out _now.Index);
        _now.HasIndex = result == 0;
        return result == -NativeFile.ENOENT ? 0 : result;
    }

    private int Publish(in Entry entry, BlockHashes hashes)
    {
        hashes.Finish();
        var seal = new SegmentSeal { Bytes = entry.Bytes, State = entry.State, HasIndex = entry.HasIndex, Index = entry.Index };
        var chain = entry.Name.Worker == _chain.Worker ? _chain : _evidence.ChainOf(entry.Name.Worker);
        return _evidence.Seal(_disk, chain, entry.Name, ref seal, hashes.Blocks);
    }

    private struct Entry
    {
        public SegmentName Name;
        public long Bytes;
        public SealState State;
        public bool HasIndex;
        public Hash256 Index;

        // Which of the hashes are its own; -1 = none.
        public int Hashes;
    }
}

// One writer's way to seals: hashes the bytes of its segment as they are written, and seals it under the name that it gets. A file
// whose bytes were not all told, because the writer was behind, is left to LateSealer. Owns the hashes; the chain is the folder's.
// Writer's thread, no allocation.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Seals one worker's segments.</summary>
internal sealed class SegmentSealer : IDisposable
{
    private const long GapBytesMax = 16 << 20;
    private readonly FolderEvidence _evidence;
    private readonly DiskCalls _disk;
    private readonly SealChain _chain;
    private readonly BlockHashes _hashes;
    private readonly LateSealer _late;
    private readonly SealState _state;
    private SegmentName _name;
    private SegmentSeal _seal;
    private bool _isPublished;
    private long _lost;

    /// <param name="folder">Whose segments they are.</param>
    /// <param name="evidence">The folder's.</param>
    /// <param name="disk">How files are written.</param>
    /// <param name="worker">Whose segments they are.</param>
    /// <param name="segmentBytes">How long a segment is at most.</param>
    /// <param name="state">What the seals say of how the segments came to be.</param>
    public SegmentSealer(
        SegmentFolder folder, FolderEvidence evidence, DiskCalls disk, ushort worker, long segmentBytes, SealState state)
    {
        _evidence = evidence;
        _disk = disk;
        _chain = evidence.ChainOf(worker);
        _hashes = new BlockHashes(segmentBytes);
        _late = new LateSealer(folder, evidence, disk, _chain, segmentBytes, state);
        _state = state;
    }

    /// <summary>Segments that were published without a seal, because it could not be written. Any thread.</summary>
    public long Lost => Volatile.Read(ref _lost) + _late.Lost;

    /// <summary>A new file begins.</summary>
    public void Begin()
    {
        _hashes.Begin();
        _isPublished = false;
    }

    /// <summary>Bytes that are in the file now; those that were told before are skipped.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">Where in the file they begin.</param>
    /// <param name="isBehind">The writer has no time: they are left for later.</param>
    public void Take(ReadOnlySpan<byte> bytes, long offset, bool isBehind)
    {
        if (isBehind)
        {
            _late.HoldOff();
        }
        else
        {
            _hashes.Add(bytes, offset);
        }
    }

    /// <summary>Leaves a file that is not hashed yet to be sealed later; false when it is hashed, or too many wait.</summary>
    /// <param name="name">Its name; it and its index are complete under their hidden names.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="index">SHA-256 of its index; null = it has none.</param>
    public bool TryDefer(in SegmentName name, long bytes, Hash256? index) => _hashes.Bytes != bytes && _late.TryTake(name, bytes, index);

    /// <summary>Waits until all that was left for later is sealed. Nothing comes after this.</summary>
    public void End() => _late.End();

    /// <summary>Seals the file under the name that it is about to get; without a seal where that can't be written.</summary>
    /// <param name="name">The name.</param>
    /// <param name="path">The path as it will be.</param>
    /// <param name="hidden">The path as it is.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="index">SHA-256 of its index; null = it has none.</param>
    /// <returns>0, or -EEXIST when the name is taken.</returns>
    public int Publish(in SegmentName name, PathBuffer path, PathBuffer hidden, long bytes, Hash256? index)
    {
        Invariant.Check(!_isPublished);
        if (_disk.LengthOf(path.Path) != -NativeFile.ENOENT)
        {
            return -NativeFile.EEXIST;
        }

        // Too much waits already: what takes but a moment is hashed now.
        var result = bytes - _hashes.Bytes <= GapBytesMax ? _hashes.TryAddFrom(hidden.Path, bytes) : -NativeFile.EIO;
        _hashes.Finish();
        _seal = new SegmentSeal { Bytes = bytes, State = _state, HasIndex = index is not null, Index = index ?? default };
        _name = name;
        result = result == 0 ? _evidence.Publish(_disk, _chain, name, path.Name, ref _seal, _hashes.Blocks) : result;
        _isPublished = result == 0;
        if (result is not 0 and not -NativeFile.EEXIST)
        {
            Volatile.Write(ref _lost, _lost + 1);
            result = 0;
        }

        return result;
    }

    /// <summary>Takes the seal back: the segment gets another name.</summary>
    public void Withdraw()
    {
        if (_isPublished)
        {
            _evidence.Withdraw(_disk, _chain, _name, _seal);
            _isPublished = false;
        }
    }

    public void Dispose()
    {
        _late.Dispose();
        _hashes.Dispose();
    }
}

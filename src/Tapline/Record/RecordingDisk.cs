// What must stay free of a disk, kept by all folders of a recording that lie on it together. When the disk is short, the folder
// that is fullest by its own budget gives first: so all shrink in proportion to what the operator meant each to have, and
// the newest day of one class never costs the oldest day of another that has just as little. Locks: this one first, then a
// folder's; no folder asks while it holds its own. Writers' threads and the keeper's; no worker waits.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record;

/// <summary>The disk of one or more folders of a recording. Thread-safe.</summary>
internal sealed class RecordingDisk(FreeDisk minFree)
{
    private const long LookPauseNs = 2_000_000_000;
    private readonly Lock _gate = new();
    private readonly List<SegmentFolder> _folders = [];
    private PathBuffer? _path;
    private long _nextLookNs;
    private string? _shortage;

    /// <summary>Why nothing may be written at the moment; null = it may.</summary>
    public string? Shortage => Volatile.Read(ref _shortage);

    /// <summary>A folder is on this disk. Before its first frame.</summary>
    public void Join(SegmentFolder folder)
    {
        lock (_gate)
        {
            _path ??= new PathBuffer(folder.Path);
            _folders.Add(folder);
        }
    }

    /// <summary>A folder is closed: it gives nothing any more.</summary>
    public void Leave(SegmentFolder folder)
    {
        lock (_gate)
        {
            _ = _folders.Remove(folder);
        }
    }

    /// <summary>
    /// Removes what the disk is short of, then does not look again for a moment: a file that somebody reads gives its room back
    /// only when it is closed, and must not cost all others.
    /// </summary>
    /// <returns>False when the disk would have less free than it must, after so many bytes more.</returns>
    public bool TryKeepFree(DiskCalls disk, long bytes)
    {
        if (!minFree.IsWanted)
        {
            return true;
        }

        lock (_gate)
        {
            var now = Clock.MonotonicNs();
            if (now < _nextLookNs || disk.FileSystem(_path!.Reset().Path, out var total, out var available) < 0)
            {
                return _shortage is null;
            }

            var missing = minFree.Of(total) + bytes - available;
            var wasShort = missing > 0;
            while (missing > 0 && RemoveFromFullest(disk) is > 0 and var removed)
            {
                missing -= removed;
            }

            _nextLookNs = wasShort ? now + LookPauseNs : 0;
            Volatile.Write(ref _shortage, missing <= 0 ? null : _shortage ??
                "The disk has less free than the recording must leave, and no segment may go: recording waits, and frames are dropped "
                + "and counted. Free some, lower min_free, or remove a hold.");
            return missing <= 0;
        }
    }

    /// <summary>Removes one segment because the disk is full although no budget is; false when none may go.</summary>
    public bool MakeRoom(DiskCalls disk)
    {
        lock (_gate)
        {
            return RemoveFromFullest(disk) > 0;
        }
    }

    // Bytes of the segment that went; 0 = none may go. A folder that can't give (a read-only mount, say) is passed over.
    private long RemoveFromFullest(DiskCalls disk)
    {
        uint tried = 0;
        Invariant.Check(_folders.Count <= sizeof(uint) * 8);
        while (true)
        {
            var fullest = -1;
            var fullness = 0d;
            for (var index = 0; index < _folders.Count; index++)
            {
                var own = (tried & (1u << index)) != 0 ? 0 : _folders[index].Fullness;
                if (own > fullness)
                {
                    (fullest, fullness) = (index, own);
                }
            }

            if (fullest < 0)
            {
                return 0;
            }

            if (_folders[fullest].RemoveForDisk(disk) is > 0 and var removed)
            {
                return removed;
            }

            tried |= 1u << fullest;
        }
    }
}

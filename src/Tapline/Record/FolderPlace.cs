// Where a recording's folder is, and that it is ours: the lock on it, and what tells whether the path still leads there. A folder may be
// removed, moved away, put back from a copy or unmounted under a running recorder; it is then made and locked anew, but never on the
// disk below: what was a mounted disk must not become a folder of the one that it was mounted over. The lock file tells (its number
// can't be used again while it is open, unlike the folder's). Guarded by the folder's lock; writers' threads.
using System.Text;
using Tapline.Base.Native;

namespace Tapline.Record;

/// <summary>A folder's lock and place.</summary>
internal sealed class FolderPlace : IDisposable
{
    /// <summary>What became of a folder that had to be taken anew.</summary>
    public const string Replaced = "The recording's folder was removed or replaced while it was written to; what it held is gone "
        + "unless it is put back, and what was under way is counted as dropped.";

    private readonly string _path;
    private readonly byte[] _lockPath;
    private readonly ulong? _below;
    private FolderLock? _lock;
    private FileIdentity _lockFile;

    private FolderPlace(string path, FolderLock folderLock)
    {
        _path = Path.GetFullPath(path);
        _lock = folderLock;
        _lockPath = Native(FolderLock.PathOf(_path));
        _ = NativeFile.Identify(_lockPath, out _lockFile);
        _below = DeviceBelow(_path);
    }

    /// <summary>Makes the folder where missing and locks it; null and one sentence when that can't be.</summary>
    public static FolderPlace? TryTake(string path, out string? error) =>
        FolderLock.TryTake(path, "recording", out error) is { } taken ? new FolderPlace(path, taken) : null;

    /// <summary>The path still leads to the folder that is locked.</summary>
    public bool IsHere(DiskCalls disk) => _lock is not null && disk.Identify(_lockPath, out var now) == 0
        && now == _lockFile;

    /// <summary>Makes and locks the folder anew; a sentence with the mend when that can't be.</summary>
    public string? Return()
    {
        // A file that stays open would keep a dead disk from being mounted anew.
        _lock?.Dispose();
        _lock = null;
        if (_below is not null && NearestDevice() == _below)
        {
            return $"The folder {_path} of the recording is gone, and its disk too (unmounted?): recording waits, and frames are "
                + "dropped and counted. Mount it again; or restart, to record onto the disk that is there now.";
        }

        var taken = FolderLock.TryTake(_path, "recording", out var error);
        if (taken is null)
        {
            return error;
        }

        _lock = taken;
        _ = NativeFile.Identify(_lockPath, out _lockFile);
        return null;
    }

    public void Dispose() => _lock?.Dispose();

    // The device of the folder, or of what is left of the path to it.
    private ulong? NearestDevice()
    {
        for (var path = _path; path is not null; path = Path.GetDirectoryName(path))
        {
            if (DeviceOf(path) is { } device)
            {
                return device;
            }
        }

        return null;
    }

    // The device that the folder's disk is mounted over; null where all of the path is on one.
    private static ulong? DeviceBelow(string path)
    {
        var own = DeviceOf(path);
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (DeviceOf(folder) is { } device && device != own)
            {
                return device;
            }
        }

        return null;
    }

    private static ulong? DeviceOf(string path) => NativeFile.Identify(Native(path), out var identity) == 0 ? identity.Device : null;

    private static byte[] Native(string path) => Encoding.UTF8.GetBytes(path + '\0');
}

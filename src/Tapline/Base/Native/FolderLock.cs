// One writer per folder: an flock(2) on a hidden file. The kernel gives the lock back when the process dies, however it
// dies, so a leftover lock file never blocks a restart.
using System.Text;

namespace Tapline.Base.Native;

/// <summary>A held lock on a folder. Released by Dispose or by the end of the process.</summary>
internal sealed class FolderLock : IDisposable
{
    private const string LockName = ".lock";
    private int _fd;

    private FolderLock(int fd) => _fd = fd;

    /// <summary>The lock's file.</summary>
    public static string PathOf(string folder) => Path.Combine(folder, LockName);

    /// <summary>Creates the folder where missing and locks it; null and one sentence when that can't be.</summary>
    public static FolderLock? TryTake(string folder, string what, out string? error)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            error = $"The folder {folder} for the {what} can't be made: {e.Message}";
            return null;
        }

        var path = Encoding.UTF8.GetBytes(PathOf(folder) + '\0');
        var fd = NativeFile.Open(path, NativeFile.O_RDWR | NativeFile.O_CREAT, 0x180 /* 0600 */);
        if (fd < 0)
        {
            error = $"The folder {folder} can't be written: {NativeFile.Describe(fd)}; check its owner and permissions.";
            return null;
        }

        var locked = NativeFile.Lock(fd);
        if (locked < 0)
        {
            _ = NativeFile.Close(fd);
            error = locked == -NativeFile.EAGAIN
                ? $"Another Tapline process writes its {what} into {folder}; stop it or name another folder."
                : $"The folder {folder} can't be locked: {NativeFile.Describe(locked)}.";
            return null;
        }

        error = null;
        return new FolderLock(fd);
    }

    public void Dispose()
    {
        if (_fd >= 0)
        {
            // Closing alone would leave it for a moment to a child that is just being started.
            _ = NativeFile.Unlock(_fd);
            _ = NativeFile.Close(_fd);
            _fd = -1;
        }
    }
}

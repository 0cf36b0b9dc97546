// File system calls on preformatted UTF-8 paths, so that writers can open, rename and remove files without a managed
// string or exception. Every call returns its value, or the negated errno; EINTR is retried here and nowhere else.
// Any thread; nothing is owned here: descriptors belong to the caller. Constants as in <asm-generic/fcntl.h>.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Raw file calls. Paths are NUL-terminated UTF-8; results below zero are negated errno values.</summary>
internal static unsafe partial class NativeFile
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_DIRECT = 0x4000;
    public const int O_NOFOLLOW = 0x20000;
    public const int O_CLOEXEC = 0x80000;
    public const int FALLOC_FL_KEEP_SIZE = 0x01;
    public const int RENAME_NOREPLACE = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;
    public const int LOCK_UN = 8;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int ENOENT = 2;
    public const int EAGAIN = 11;
    public const int EPERM = 1;
    public const int EACCES = 13;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int EFBIG = 27;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int ENOSYS = 38;
    public const int EOPNOTSUPP = 95;
    public const int EDQUOT = 122;
    private const int POSIX_FADV_WILLNEED = 3;
    private const int AT_FDCWD = -100;
    private const int F_GETFL = 3;
    private const int F_SETFL = 4;

    /// <summary>open(2) with O_CLOEXEC and O_NOFOLLOW added; the descriptor, or a negated errno.</summary>
    public static int Open(ReadOnlySpan<byte> path, int flags, int mode)
    {
        CheckTerminated(path);
        fixed (byte* name = path)
        {
            int result;
            do
            {
                result = Result(open(name, flags | O_CLOEXEC | O_NOFOLLOW, mode));
            }
            while (result == -EINTR);
            return result;
        }
    }

    /// <summary>One pwrite(2); may write less than asked.</summary>
    public static long Write(int fd, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* start = bytes)
        {
            return Write(fd, (nint)start, bytes.Length, offset);
        }
    }

    /// <summary>One pwrite(2) from native memory; may write less than asked.</summary>
    public static long Write(int fd, nint address, int lengthBytes, long offset)
    {
        long result;
        do
        {
            var written = pwrite(fd, (void*)address, (nuint)lengthBytes, offset);
            result = written < 0 ? -Marshal.GetLastPInvokeError() : written;
        }
        while (result == -EINTR);
        return result;
    }

    /// <summary>One pread(2); 0 at the end of the file.</summary>
    public static long Read(int fd, Span<byte> bytes, long offset)
    {
        fixed (byte* start = bytes)
        {
            long result;
            do
            {
                var got = pread(fd, start, (nuint)bytes.Length, offset);
                result = got < 0 ? -Marshal.GetLastPInvokeError() : got;
            }
            while (result == -EINTR);
            return result;
        }
    }

    /// <summary>fallocate(2): reserves space; FALLOC_FL_KEEP_SIZE leaves the visible length alone.</summary>
    public static int Allocate(int fd, int mode, long lengthBytes) => Result(fallocate(fd, mode, 0, lengthBytes));

    /// <summary>ftruncate(2).</summary>
    public static int Truncate(int fd, long lengthBytes) => Result(ftruncate(fd, lengthBytes));

    /// <summary>fdatasync(2): contents and length are on the medium when it returns 0.</summary>
    public static int SyncData(int fd) => Result(fdatasync(fd));

    /// <summary>close(2); the descriptor is gone whatever the result.</summary>
    public static int Close(int fd) => Result(close(fd));

    /// <summary>lseek(2) to the end: the file's length in bytes.</summary>
    public static long Length(int fd)
    {
        var end = lseek(fd, 0, 2);
        return end < 0 ? -Marshal.GetLastPInvokeError() : end;
    }

    /// <summary>statfs(2): the file system's size, and what of it is free for everybody, in bytes.</summary>
    public static int FileSystem(ReadOnlySpan<byte> path, out long totalBytes, out long availableBytes)
    {
        CheckTerminated(path);
        Kernel.Statfs answer = default;
        fixed (byte* name = path)
        {
            var result = Result(statfs(name, &answer));
            totalBytes = (long)answer.f_blocks * answer.f_bsize;
            availableBytes = (long)answer.f_bavail * answer.f_bsize;
            return result;
        }
    }

    /// <summary>statx(2): which file a path names, links followed; 0, or a negated errno.</summary>
    public static int Identify(ReadOnlySpan<byte> path, out FileIdentity identity)
    {
        CheckTerminated(path);
        Kernel.Statx answer = default;
        fixed (byte* name = path)
        {
            var result = Result(statx(AT_FDCWD, name, 0, Kernel.Statx.STATX_INO, &answer));
            identity = new FileIdentity(((ulong)answer.stx_dev_major << 32) | answer.stx_dev_minor, answer.stx_ino);
            return result;
        }
    }

    /// <summary>unlink(2).</summary>
    public static int Remove(ReadOnlySpan<byte> path)
    {
        CheckTerminated(path);
        fixed (byte* name = path)
        {
            return Result(unlink(name));
        }
    }

    /// <summary>renameat2(2) with RENAME_NOREPLACE: never overwrites; -EEXIST when the new name is taken.</summary>
    /// <remarks>File systems without that flag (EINVAL) get rename(2); names there are unique by their time.</remarks>
    public static int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        CheckTerminated(from);
        CheckTerminated(to);
        fixed (byte* old = from)
        fixed (byte* name = to)
        {
            var result = Result(renameat2(AT_FDCWD, old, AT_FDCWD, name, RENAME_NOREPLACE));
            return result is -EINVAL or -ENOSYS ? Result(rename(old, name)) : result;
        }
    }

    /// <summary>rename(2): takes the place of a file of that name, at once.</summary>
    public static int Replace(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        CheckTerminated(from);
        CheckTerminated(to);
        fixed (byte* old = from)
        fixed (byte* name = to)
        {
            return Result(rename(old, name));
        }
    }

    /// <summary>flock(2) without waiting; -EAGAIN when another process holds the lock.</summary>
    public static int Lock(int fd) => Result(flock(fd, LOCK_EX | LOCK_NB));

    /// <summary>Gives the lock back, also for a child that has the descriptor from fork(2) and has not called exec(2) yet.</summary>
    public static int Unlock(int fd) => Result(flock(fd, LOCK_UN));

    /// <summary>Asks the kernel to fetch a part of a file that will soon be read (posix_fadvise(2), POSIX_FADV_WILLNEED); returns at once.
    /// A hint: where it can't be followed nothing is said.</summary>
    public static void WillNeed(int fd, long offset, long lengthBytes) => _ = posix_fadvise(fd, offset, lengthBytes, POSIX_FADV_WILLNEED);

    /// <summary>Takes O_DIRECT off an open descriptor (the device wants a larger alignment than ours).</summary>
    public static int ClearDirect(int fd)
    {
        var flags = Result(fcntl(fd, F_GETFL, 0));
        return flags < 0 ? flags : Result(fcntl(fd, F_SETFL, flags & ~O_DIRECT));
    }

    /// <summary>The errno of a failed call as a short phrase; allocates, for sentences only.</summary>
    public static string Describe(long negatedErrno) => negatedErrno switch
    {
        -ENOSPC => "no space left on the device",
        -EDQUOT => "the disk quota is used up",
        -EIO => "the device reported an input/output error",
        -EROFS => "the file system is read-only",
        _ => Marshal.GetPInvokeErrorMessage((int)-negatedErrno),
    };

    private static int Result(int value) => value < 0 ? -Marshal.GetLastPInvokeError() : value;

    private static void CheckTerminated(ReadOnlySpan<byte> path) => Invariant.Check(path.Length > 1 && path[^1] == 0);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int fd, void* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int fd, void* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(int fd, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int fd, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statfs(byte* path, Kernel.Statfs* answer);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int folder, byte* path, int flags, uint mask, Kernel.Statx* answer);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlink(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rename(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int renameat2(int fromFolder, byte* from, int toFolder, byte* to, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int fd, int operation);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(int fd, long offset, long length, int advice);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, long argument);
}

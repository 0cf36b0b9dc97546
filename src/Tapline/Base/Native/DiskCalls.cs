// The calls by which writers' threads touch the disk, behind one seam so that tests can make them fail: a full disk or a
// dying device can't be had on demand. Called a few times a second, never per frame, so a virtual call is free.
namespace Tapline.Base.Native;

/// <summary>File calls of a writer's thread. Results below zero are negated errno values.</summary>
internal class DiskCalls
{
    public virtual int Open(ReadOnlySpan<byte> path, int flags) => NativeFile.Open(path, flags, 0x1A0 /* 0640 */);

    public virtual long Write(int fd, ReadOnlySpan<byte> bytes, long offset) => NativeFile.Write(fd, bytes, offset);

    public virtual int Allocate(int fd, long lengthBytes) =>
        NativeFile.Allocate(fd, NativeFile.FALLOC_FL_KEEP_SIZE, lengthBytes);

    public virtual int Truncate(int fd, long lengthBytes) => NativeFile.Truncate(fd, lengthBytes);

    public virtual int SyncData(int fd) => NativeFile.SyncData(fd);

    public virtual int Close(int fd) => NativeFile.Close(fd);

    public virtual int Remove(ReadOnlySpan<byte> path) => NativeFile.Remove(path);

    public virtual int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => NativeFile.Publish(from, to);

    public virtual int Replace(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => NativeFile.Replace(from, to);

    public virtual int ClearDirect(int fd) => NativeFile.ClearDirect(fd);

    /// <summary>Size and free room of a path's file system, in bytes.</summary>
    public virtual int FileSystem(ReadOnlySpan<byte> path, out long totalBytes, out long availableBytes) =>
        NativeFile.FileSystem(path, out totalBytes, out availableBytes);

    /// <summary>Which file a path names; 0, or a negated errno.</summary>
    public virtual int Identify(ReadOnlySpan<byte> path, out FileIdentity identity) => NativeFile.Identify(path, out identity);

    /// <summary>A file's length, or a negated errno.</summary>
    public long LengthOf(ReadOnlySpan<byte> path)
    {
        var fd = NativeFile.Open(path, NativeFile.O_RDONLY, 0);
        if (fd < 0)
        {
            return fd;
        }

        var length = NativeFile.Length(fd);
        _ = NativeFile.Close(fd);
        return length;
    }

    /// <summary>Writes all of <paramref name="bytes"/>; 0, or the negated errno of the first failure.</summary>
    public int WriteAll(int fd, ReadOnlySpan<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            var written = Write(fd, bytes, offset);
            if (written <= 0)
            {
                // A write of nothing without an errno is what a device at its end reports.
                return written == 0 ? -NativeFile.ENOSPC : (int)written;
            }

            bytes = bytes[(int)written..];
            offset += written;
        }

        return 0;
    }
}

// The real disk calls with faults that can't be had on demand: a full disk, a dying device, short writes. Nothing is
// simulated beyond the fault itself; what is not failed on purpose goes to the file system.
using System.Text;
using Tapline.Base.Native;

namespace Tapline.Tests.Support;

/// <summary>Injects errors into a writer's disk calls. Settable from any thread while a writer runs.</summary>
internal sealed class FaultyDisk : DiskCalls
{
    private long _writes;

    /// <summary>errno for open, or 0.</summary>
    public volatile int OpenError;

    /// <summary>errno for write, or 0.</summary>
    public volatile int WriteError;

    /// <summary>errno for rename, or 0.</summary>
    public volatile int PublishError;

    /// <summary>errno for unlink of files whose path ends so, or 0.</summary>
    public volatile int RemoveError;

    public string RemoveErrorOf { get; set; } = "";

    /// <summary>Writes that succeed before <see cref="WriteError"/> bites.</summary>
    public long WritesBeforeError { get; set; }

    /// <summary>Only this many bytes of each write are done; 0 = all. Rounded down to 512 as a direct write would be.</summary>
    public int ShortWriteBytes { get; set; }

    /// <summary>Set: each write waits until it is reset, as a device that hangs.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    public long Writes => Interlocked.Read(ref _writes);

    public override int Open(ReadOnlySpan<byte> path, int flags) => OpenError != 0 ? -OpenError : base.Open(path, flags);

    public override long Write(int fd, ReadOnlySpan<byte> bytes, long offset)
    {
        var number = Interlocked.Increment(ref _writes);
        Gate.Wait();
        if (WriteError != 0 && number > WritesBeforeError)
        {
            return -WriteError;
        }

        var length = ShortWriteBytes > 0 && bytes.Length > ShortWriteBytes ? ShortWriteBytes : bytes.Length;
        return base.Write(fd, bytes[..length], offset);
    }

    /// <summary>Size and free room that the file system is said to have; 0 = what it has.</summary>
    public long TotalBytes { get; set; }

    public long AvailableBytes { get; set; }

    public override int FileSystem(ReadOnlySpan<byte> path, out long totalBytes, out long availableBytes)
    {
        var result = base.FileSystem(path, out totalBytes, out availableBytes);
        (totalBytes, availableBytes) = TotalBytes == 0 ? (totalBytes, availableBytes) : (TotalBytes, AvailableBytes);
        return result;
    }

    public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        PublishError != 0 ? -PublishError : base.Publish(from, to);

    public override int Remove(ReadOnlySpan<byte> path) =>
        RemoveError != 0 && Encoding.UTF8.GetString(path[..^1]).EndsWith(RemoveErrorOf, StringComparison.Ordinal)
            ? -RemoveError : base.Remove(path);
}

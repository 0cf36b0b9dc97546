// The data folder's disk: room, and speed of large aligned writes past the page cache as the recorder makes them.
// Writes one temporary file of 64 MiB and removes it at once (it is unlinked right after it was opened).
using System.Diagnostics;
using System.Runtime.InteropServices;
using Tapline.Base.Native;

namespace Tapline.Capture.Doctor;

/// <summary>Checks of the data folder.</summary>
internal static unsafe class DiskChecks
{
    private const int WriteBytes = 4 << 20;
    private const int Writes = 16;
    private const long FreeBytesMin = 10L << 30;
    private const double SlowBytesPerSecond = 200e6;
    private const int O_RDWR = 2;
    private const int O_CREAT = 0x40;
    private const int O_EXCL = 0x80;
    private const int O_CLOEXEC = 0x80000;
    private static readonly int s_oDirect = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    public static IEnumerable<CheckResult> Examine(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return
            [
                CheckResult.Warn(
                    "data_folder", $"The data folder `{folder}` does not exist yet.",
                    "It is made on first use; name an existing folder to have its disk examined."),
            ];
        }

        return [FreeSpace(folder), Speed(folder)];
    }

    private static CheckResult FreeSpace(string folder)
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        var finding = $"{free >> 30} GiB free in `{folder}`";
        return free >= FreeBytesMin
            ? CheckResult.Ok("disk_free", $"{finding}.")
            : CheckResult.Warn(
                "disk_free", $"{finding}: that is little for a recording.",
                "Use a larger disk or a smaller recording budget.");
    }

    private static CheckResult Speed(string folder)
    {
        var path = Path.Combine(folder, $".tapline-doctor-{Environment.ProcessId}");
        var descriptor = Open(path, s_oDirect, out var isDirect);
        if (descriptor < 0)
        {
            return CheckResult.Warn(
                "disk_speed", $"`{folder}` cannot be written: {SystemError.Describe(SystemCalls.LastError)}.",
                "Give this user write permission, or name another folder with --data.");
        }

        using var file = new FileDescriptor(descriptor);
        _ = SystemCalls.Unlink(path);
        var block = NativePages.Allocate(WriteBytes);
        try
        {
            new Span<byte>(block, WriteBytes).Fill(0x5A);
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < Writes; i++)
            {
                if (SystemCalls.WriteAt(file.Number, block, WriteBytes, (long)i * WriteBytes) != WriteBytes)
                {
                    return CheckResult.Warn(
                        "disk_speed", $"Writing to `{folder}` failed: {SystemError.Describe(SystemCalls.LastError)}.",
                        "Look at the disk's free space, quota and the kernel log.");
                }
            }

            _ = SystemCalls.SyncData(file.Number);
            return Judge(Writes * (double)WriteBytes / watch.Elapsed.TotalSeconds, isDirect);
        }
        finally
        {
            NativePages.Free(block, WriteBytes);
        }
    }

    private static int Open(string path, int direct, out bool isDirect)
    {
        var descriptor = SystemCalls.OpenFile(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | direct, 0x180);
        isDirect = descriptor >= 0;
        if (descriptor < 0 && SystemCalls.LastError == SystemCalls.EINVAL)
        {
            // tmpfs and some network file systems have no direct I/O; the file may have been made all the same.
            _ = SystemCalls.Unlink(path);
            descriptor = SystemCalls.OpenFile(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0x180);
        }

        return descriptor;
    }

    private static CheckResult Judge(double bytesPerSecond, bool isDirect)
    {
        var way = isDirect ? "direct writes" : "buffered writes (this file system has no direct I/O)";
        var finding = $"{bytesPerSecond / 1e6:0} MB/s with {way}, enough to record {bytesPerSecond * 8 / 1e9:0.#} Gbit/s";
        return bytesPerSecond >= SlowBytesPerSecond
            ? CheckResult.Ok("disk_speed", $"{finding}.")
            : CheckResult.Warn("disk_speed", $"{finding}.", "Record on a faster disk, or record less with --filter.");
    }
}

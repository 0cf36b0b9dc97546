// A disk of a test's own: an ext4 image in memory behind a loop device, which can be broken (as a dying device breaks it), taken
// away while files on it are open, and put back. Owner: the test; Dispose unmounts by exact path.
using System.Runtime.InteropServices;
using Tapline.Lab.Net;

namespace Tapline.Lab.Record;

/// <summary>An ext4 file system on a loop device.</summary>
internal sealed partial class LoopDisk : IDisposable
{
    private const uint Ext4IocShutdown = 0x8004_587D; // EXT4_IOC_SHUTDOWN, fs/ext4/ext4.h: _IOR('X', 125, __u32)
    private const uint LogFlush = 1; // EXT4_GOING_FLAGS_LOGFLUSH: the journal is written first
    private readonly string _root = Directory.CreateTempSubdirectory("tapline-lab-disk-").FullName;
    private readonly string _image;
    private string _device = "";
    private bool _isMounted;

    public LoopDisk(int megabytes)
    {
        var memory = Directory.CreateDirectory(Path.Combine(_root, "memory")).FullName;
        Folder = Directory.CreateDirectory(Path.Combine(_root, "disk")).FullName;
        _image = Path.Combine(memory, "disk.img");
        LabCommand.Run("mount", "-t", "tmpfs", "-o", $"size={megabytes + 8}M", LabNames.Next("disk"), memory);
        LabCommand.Run("truncate", "-s", $"{megabytes}M", _image);
        LabCommand.Run("mkfs.ext4", "-q", "-F", "-m", "0", _image);
        Mount();
    }

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>Its device as <c>7:0</c>.</summary>
    public string Device => LabCommand.Run("findmnt", "-n", "-o", "MAJ:MIN", Folder).Trim();

    /// <summary>Skips where there are no loop devices.</summary>
    public static void Needs()
    {
        LabNeeds.Tools("mkfs.ext4", "mount", "umount", "truncate", "findmnt", "nsenter", "losetup");
        if (!File.Exists("/dev/loop-control"))
        {
            Xunit.Assert.Skip("needs loop devices: the kernel has none");
        }
    }

    /// <summary>From now on every write to it fails, as on a device that has died.</summary>
    public void Break()
    {
        var flags = LogFlush;
        var folder = open(Folder, 0, 0);
        var result = ioctl(folder, Ext4IocShutdown, ref flags);
        _ = close(folder);
        if (result != 0)
        {
            throw new InvalidOperationException($"{Folder} can't be shut down: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    /// <summary>Takes it away although files on it are open; also from a program, which `ip netns exec` gave mounts of its own.</summary>
    public void TakeAway(int process)
    {
        LabCommand.Run("nsenter", "-m", "-t", $"{process}", "umount", "-l", Folder);
        LabCommand.Run("umount", "-l", Folder);
        _isMounted = false;
    }

    /// <summary>Puts it back, for a program as well.</summary>
    public void PutBack(int process)
    {
        Mount();
        LabCommand.Run("nsenter", "-m", "-t", $"{process}", "mount", _device, Folder);
    }

    public void Dispose()
    {
        if (_isMounted)
        {
            LabCommand.Run("umount", Folder);
        }

        // The mounts of a program that has just ended go a moment later.
        LabWait.Until(() => LabCommand.TryRun("umount", Path.Combine(_root, "memory")).ExitCode == 0, "the disk to be released");
        Directory.Delete(_root, recursive: true);
    }

    private void Mount()
    {
        // A device of its own each time: the one before may live on where somebody has a file or a mount of it.
        _device = LabCommand.Run("losetup", "-f", "--show", _image).Trim();
        LabCommand.Run("mount", _device, Folder);
        LabCommand.Run("losetup", "-d", _device); // as soon as it is not mounted any more
        _isMounted = true;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, ref uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);
}

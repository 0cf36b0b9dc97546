// A disk whose power can be cut without a machine that dies: an ext4 image that lies on btrfs, so that a copy of it at one
// instant (FICLONE) costs nothing and is what the device held then. The copy is mounted like any disk after a power cut: its
// journal is replayed. Everything is in memory (a tmpfs). Owner: the test; Dispose unmounts by exact path and removes all.
using Tapline.Lab.Net;

namespace Tapline.Lab.Record;

/// <summary>An ext4 file system of which instants can be kept.</summary>
internal sealed class CutDisk : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("tapline-lab-cut-").FullName;
    private readonly Stack<string> _mounted = new();

    public CutDisk(int megabytes)
    {
        try
        {
            // Room for as many instants as a test keeps: they share what has not changed.
            var memory = Make("memory");
            Mount(memory, "-t", "tmpfs", "-o", $"size={8 * megabytes}M", LabNames.Next("cut"));
            var outer = Path.Combine(memory, "outer.img");
            LabCommand.Run("truncate", "-s", $"{8 * megabytes}M", outer);
            LabCommand.Run("mkfs.btrfs", "-q", outer);
            Instants = Make("instants");
            Mount(Instants, "-o", "loop", outer);
            Image = Path.Combine(Instants, "disk.img");
            LabCommand.Run("truncate", "-s", $"{megabytes}M", Image);
            LabCommand.Run("mkfs.ext4", "-q", "-F", "-m", "0", Image);
            Folder = Make("disk");
            Mount(Folder, "-o", "loop,commit=1", Image); // the journal each second, so that a short test meets it
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where the disk is mounted.</summary>
    public string Folder { get; } = "";

    private string Image { get; } = "";

    private string Instants { get; } = "";

    /// <summary>Skips where this can't be made.</summary>
    public static void Needs()
    {
        LabNeeds.Tools("mkfs.btrfs", "mkfs.ext4", "mount", "truncate");
        if (!File.Exists("/dev/loop-control") || !File.ReadAllText("/proc/filesystems").Contains("\tbtrfs", StringComparison.Ordinal))
        {
            Xunit.Assert.Skip("needs loop devices and btrfs: the kernel has none");
        }
    }

    /// <summary>What the device holds at this instant; a name for <see cref="MountInstant"/>.</summary>
    public string Keep(int number)
    {
        var instant = Path.Combine(Instants, $"instant-{number}.img");
        LabCommand.Run("cp", "--reflink=always", Image, instant);
        return instant;
    }

    /// <summary>The disk as a machine finds it after its power was cut at that instant. Unmounted by the caller.</summary>
    public string MountInstant(string instant)
    {
        var folder = Make(Path.GetFileNameWithoutExtension(instant));
        Mount(folder, "-o", "loop", instant);
        return folder;
    }

    /// <summary>Unmounts what was mounted last. The kernel gives a loop device's file back a moment after its file system is unmounted:
    /// until then the disk that it lies on is busy.</summary>
    public void UnmountLast()
    {
        var folder = _mounted.Pop();
        var error = "";
        LabWait.Until(
            () =>
            {
                var run = LabCommand.TryRun("umount", folder);
                error = run.Error;
                return run.ExitCode == 0;
            },
            () => $"{folder} to be unmounted: {error}");
    }

    public void Dispose()
    {
        while (_mounted.Count > 0)
        {
            UnmountLast();
        }

        Directory.Delete(_root, recursive: true);
    }

    private string Make(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    private void Mount(string folder, params string[] what)
    {
        LabCommand.Run(["mount", .. what, folder]);
        _mounted.Push(folder);
    }
}

// What a lab guest boots: Debian's cloud kernel, unpacked beside the host's own and never installed, and a first file
// system of a static busybox, the virtio network modules and a script that offers services and obeys commands.
// Made once a machine and kernel version under the temporary folder, published by rename. Any process, any thread.
using System.Text;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Machines;

/// <summary>Kernel and first file system of the guests.</summary>
/// <param name="Kernel">Path of the kernel image.</param>
/// <param name="Initramfs">Path of the first file system.</param>
internal sealed record GuestSystem(string Kernel, string Initramfs)
{
    private const string MetaPackage = "linux-image-cloud-amd64";
    private static readonly Lock s_lock = new();
    private static GuestSystem? s_made;

    // In the order in which they need each other.
    private static readonly string[] s_modules =
    [
        "drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko", "drivers/virtio/virtio_pci_legacy_dev.ko",
        "drivers/virtio/virtio_pci_modern_dev.ko", "drivers/virtio/virtio_pci.ko", "net/core/failover.ko",
        "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko",
    ];

    // ttyS0 is the kernel's console, ttyS1 the command channel: a line "ID COMMAND" comes in; ":ID TEXT" lines and at the
    // end "=ID STATUS" go out. "tapline.ip=A/N,B/M" on the kernel's command line addresses eth0, eth1, …
    private const string InitScript = """
        #!/bin/busybox sh
        /bin/busybox --install -s /bin
        export PATH=/bin
        mount -t proc proc /proc
        mount -t sysfs sys /sys
        mount -t devtmpfs dev /dev
        for module in /modules/*.ko; do insmod $module; done
        sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
        ip link set lo up
        number=0
        for word in $(cat /proc/cmdline); do
            case $word in tapline.ip=*)
                for address in $(echo ${word#tapline.ip=} | tr , ' '); do
                    ip address add $address dev eth$number
                    ip link set eth$number up
                    number=$((number + 1))
                done ;;
            esac
        done
        mkdir -p /www
        dd if=/dev/urandom of=/www/mega bs=64k count=16 2>/dev/null
        echo hello > /www/index.html
        httpd -p 80 -h /www
        exec < /dev/ttyS1 > /dev/ttyS1 2>/dev/null
        stty raw -echo
        echo "=up 0"
        while read -r id command; do
            sh -c "$command" < /dev/null > /tmp.out 2>&1
            status=$?
            sed "s/^/:$id /" /tmp.out
            echo "=$id $status"
        done
        poweroff -f
        """;

    /// <summary>Makes the guest's system or finds it made; skips the test with the reason when that is impossible.</summary>
    public static GuestSystem Need()
    {
        LabNeeds.Root();
        LabNeeds.Tools("qemu-system-x86_64", "busybox", "apt-get", "dpkg-deb");
        if (LabCommand.TryRun("ldd", LabCommand.Find("busybox")!).ExitCode == 0)
        {
            Assert.Skip("needs busybox-static: the guest has no libraries for a busybox that is linked to some");
        }

        lock (s_lock)
        {
            return s_made ??= Make();
        }
    }

    private static GuestSystem Make()
    {
        var package = PackageName();
        var folder = Path.Combine(Path.GetTempPath(), $"tapline-lab-{package}");
        if (!Directory.Exists(folder))
        {
            Unpack(package, folder);
        }

        var release = package["linux-image-".Length..];
        // The file system is this program's own and small: each process writes what its version of the script says.
        var initramfs = Path.Combine(Path.GetTempPath(), $"tapline-lab-{Environment.ProcessId}.cpio");
        File.WriteAllBytes(initramfs, FileSystem(Path.Combine(folder, "lib/modules", release, "kernel")));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(initramfs);
        return new GuestSystem(Path.Combine(folder, "boot", $"vmlinuz-{release}"), initramfs);
    }

    private static string PackageName()
    {
        foreach (var line in LabCommand.TryRun("apt-cache", "depends", MetaPackage).Output.Split('\n'))
        {
            if (line.Trim() is ['D', ..] depends && depends.Split(' ')[^1] is var name && name.StartsWith("linux-image-"))
            {
                return name;
            }
        }

        Assert.Skip($"needs the package {MetaPackage}: apt-get update has not been run or the machine is no Debian");
        return "";
    }

    private static void Unpack(string package, string folder)
    {
        var scratch = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
        try
        {
            var download = LabCommand.TryRun("sh", "-c", $"cd {scratch} && apt-get -q download {package}");
            var archive = Directory.GetFiles(scratch, "*.deb").FirstOrDefault();
            if (download.ExitCode != 0 || archive is null)
            {
                Assert.Skip($"needs the package {package}, which could not be fetched: {download.Error.Trim()}");
            }

            var unpacked = Path.Combine(scratch, "unpacked");
            LabCommand.Run("dpkg-deb", "-x", archive, unpacked);
            try
            {
                Directory.Move(unpacked, folder);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                // Another process was first; its copy is the same.
            }
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static byte[] FileSystem(string modules)
    {
        var archive = new CpioArchive();
        foreach (var folder in (string[])["bin", "proc", "sys", "dev", "modules"])
        {
            archive.AddDirectory(folder);
        }

        archive.AddProgram("bin/busybox", File.ReadAllBytes(LabCommand.Find("busybox")!));
        archive.AddProgram("init", Encoding.ASCII.GetBytes(InitScript + "\n"));
        for (var i = 0; i < s_modules.Length; i++)
        {
            archive.AddProgram($"modules/{i}.ko", File.ReadAllBytes(Path.Combine(modules, s_modules[i])));
        }

        return archive.ToArray();
    }
}

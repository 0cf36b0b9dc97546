// What a guest boots: Debian's cloud kernel and static busybox, unpacked by scripts/needs.sh and never installed; the first
// file system holds the virtio network modules, an init that obeys commands, and the caller's files.
// In: files. Out: the paths of both. Owner of the written file system: the caller. Any thread. Shared by the demo and the lab.
using System.Text;

namespace Tapline.Server.Demo.Guests;

/// <summary>Kernel and first file system of guests.</summary>
/// <param name="Kernel">Path of the kernel image.</param>
/// <param name="Initramfs">Path of the first file system.</param>
internal sealed record GuestSystem(string Kernel, string Initramfs)
{
    private const string Cache = "/var/cache/tapline"; // where scripts/needs.sh unpacks
    private const string PackagePrefix = "linux-image-";
    private const string KernelPackages = PackagePrefix + "*";

    // In the order in which they need each other.
    private static readonly string[] s_modules =
    [
        "drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko", "drivers/virtio/virtio_pci_legacy_dev.ko",
        "drivers/virtio/virtio_pci_modern_dev.ko", "drivers/virtio/virtio_pci.ko", "net/core/failover.ko",
        "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko",
    ];

    // ttyS0 is the kernel's console, ttyS1 the command channel: a line "ID COMMAND" comes in; ":ID TEXT" lines and at the
    // end "=ID STATUS" go out. On the kernel's command line "tapline.ip=A/N,B/M" addresses eth0, eth1, …, and
    // "tapline.role=NAME" is the file /role/NAME that starts the guest's services.
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
            case $word in
                tapline.role=*) role=${word#tapline.role=} ;;
                tapline.ip=*)
                    for address in $(echo ${word#tapline.ip=} | tr , ' '); do
                        ip address add $address dev eth$number
                        ip link set eth$number up
                        number=$((number + 1))
                    done ;;
            esac
        done
        if [ -n "$role" ]; then . /role/$role; fi
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

    /// <summary>What this machine lacks for guests, as one sentence with the mend; null when nothing.</summary>
    public static string? Missing()
    {
        var missing = new List<string>();
        if (!IsInstalled("qemu-system-x86_64"))
        {
            missing.Add("qemu-system-x86_64 (package qemu-system-x86)");
        }

        if (Unpacked(KernelPackages) is null)
        {
            missing.Add($"a kernel under {Cache} (package linux-image-cloud-amd64, unpacked)");
        }

        if (Busybox() is null)
        {
            missing.Add($"programs under {Cache} (package busybox-static, unpacked)");
        }

        return missing.Count == 0
            ? null
            : $"Virtual machines need {string.Join(", ", missing)}: `./tapline demo --vms qemu` in the repository gets them.";
    }

    /// <summary>Writes a first file system to <paramref name="path"/>; call when nothing is <see cref="Missing"/>.</summary>
    /// <param name="path">The file to be written.</param>
    /// <param name="files">Shell text by path without the leading slash; all are executable. One is role/NAME for each role.</param>
    public static GuestSystem Make(string path, IReadOnlyDictionary<string, string> files)
    {
        var package = Unpacked(KernelPackages) ?? throw new FileNotFoundException($"no kernel under {Cache}");
        var release = Path.GetFileName(package)[PackagePrefix.Length..];
        var modules = Path.Combine(package, "lib/modules", release, "kernel");
        var archive = new CpioArchive();
        foreach (var folder in ((string[])["bin", "proc", "sys", "dev", "modules"]).Concat(FoldersOf(files.Keys)))
        {
            archive.AddDirectory(folder);
        }

        archive.AddProgram("bin/busybox", File.ReadAllBytes(Busybox() ?? throw new FileNotFoundException($"no busybox under {Cache}")));
        for (var i = 0; i < s_modules.Length; i++)
        {
            archive.AddProgram($"modules/{i}.ko", File.ReadAllBytes(Path.Combine(modules, s_modules[i])));
        }

        foreach (var (name, text) in files.Prepend(KeyValuePair.Create("init", InitScript)))
        {
            archive.AddProgram(name, Encoding.UTF8.GetBytes(text + "\n"));
        }

        File.WriteAllBytes(path, archive.ToArray());
        return new GuestSystem(Path.Combine(package, "boot", $"vmlinuz-{release}"), path);
    }

    private static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)));

    // A folder is there when it is whole: scripts/needs.sh unpacks elsewhere and moves. The newest of several.
    private static string? Unpacked(string package) => Directory.Exists(Cache)
        ? Directory.GetDirectories(Cache, package).MaxBy(Directory.GetLastWriteTimeUtc)
        : null;

    private static string? Busybox() => Unpacked("busybox-static") is { } folder
        ? ((string[])["bin/busybox", "usr/bin/busybox"]).Select(p => Path.Combine(folder, p)).FirstOrDefault(File.Exists)
        : null;

    private static IEnumerable<string> FoldersOf(IEnumerable<string> paths) => paths
        .SelectMany(path => path.Split('/')[..^1].Select((_, i) => string.Join('/', path.Split('/')[..(i + 1)])))
        .Distinct();
}

// A real libvirtd of the test's own: in the switch's network namespace, with its own configuration, sockets and state, so that
// it neither sees nor disturbs a libvirtd of the host. Domains run under software emulation, their NICs are ports of the
// switch. Owner: the test; Dispose ends the domains and the daemon. One thread at a time.
using System.Globalization;
using System.Security;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Machines;

/// <summary>A libvirt daemon with QEMU.</summary>
internal sealed class LibvirtDaemon : IDisposable
{
    private const string QemuDriver = "libvirt/connection-driver/libvirt_driver_qemu.so";

    private const string QemuConfiguration = """
        user = "root"
        group = "root"
        security_driver = "none"
        cgroup_controllers = [ ]
        namespaces = [ ]
        remember_owner = 0
        stdio_handler = "file"
        """;

    // The daemon's places are compiled in: it gets its own behind them. `ip netns exec` has made a mount namespace for it, which
    // keeps these from everybody else. It also wants a user that Debian's packaging makes only for hosts.
    private const string StartScript = """
        cd "$0" || exit 1
        (cat /etc/passwd; echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin') > passwd
        (cat /etc/group; echo 'libvirt-qemu:x:64055:') > group
        mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt /var/cache/libvirt
        mount --bind passwd /etc/passwd && mount --bind group /etc/group && mount --bind etc /etc/libvirt \
            && mount --bind run /run/libvirt && mount --bind var /var/lib/libvirt && mount --bind cache /var/cache/libvirt \
            && exec libvirtd -f "$0/libvirtd.conf" -p "$0/libvirtd.pid"
        """;

    private readonly NetNamespace _host;
    private readonly string _folder;
    private LabProcess _daemon;

    private LibvirtDaemon(NetNamespace host)
    {
        _host = host;
        _folder = Directory.CreateTempSubdirectory("tapline-lv-").FullName;
        foreach (var part in (string[])["etc", "run", "var", "cache", "sock"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, part));
        }

        File.WriteAllText(Path.Combine(_folder, "etc/qemu.conf"), QemuConfiguration);
        File.WriteAllText(Path.Combine(_folder, "libvirtd.conf"), $"""
            unix_sock_dir = "{_folder}/sock"
            unix_sock_ro_perms = "0777"
            auth_unix_ro = "none"
            auth_unix_rw = "none"
            log_outputs = "3:stderr"
            """);
        _daemon = StartDaemon();
    }

    /// <summary>Where a program that only looks connects.</summary>
    public string ReadOnlyUri => $"qemu+unix:///system?socket={_folder}/sock/libvirt-sock-ro";

    private string Uri => $"qemu+unix:///system?socket={_folder}/sock/libvirt-sock";

    /// <summary>Starts a daemon in the namespace; skips the test when it cannot run here.</summary>
    public static LibvirtDaemon Start(NetNamespace host)
    {
        LabNeeds.Tools("libvirtd", "virsh", "qemu-system-x86_64", "mount");
        if (!Directory.GetDirectories("/usr/lib").Append("/usr/lib64").Any(f => File.Exists(Path.Combine(f, QemuDriver))))
        {
            Assert.Skip("needs libvirt-daemon-driver-qemu: not installed");
        }

        var daemon = new LibvirtDaemon(host);
        try
        {
            daemon.WaitUp();
            return daemon;
        }
        catch
        {
            daemon.Dispose();
            throw;
        }
    }

    /// <summary>Defines a guest that boots the lab's system.</summary>
    public void Define(string name, string uuid, string mac, Bridge bridge, string title = "", string tags = "")
    {
        var system = LabGuestSystem.Need();
        var path = Path.Combine(_folder, "domain.xml");
        File.WriteAllText(path, string.Create(CultureInfo.InvariantCulture, $"""
            <domain type='qemu'>
              <name>{SecurityElement.Escape(name)}</name><uuid>{uuid}</uuid><title>{SecurityElement.Escape(title)}</title>
              <metadata><l:info xmlns:l='urn:example:lab'><l:tags>{SecurityElement.Escape(tags)}</l:tags></l:info></metadata>
              <memory unit='MiB'>128</memory>
              <os>
                <type arch='x86_64' machine='pc'>hvm</type>
                <kernel>{system.Kernel}</kernel><initrd>{system.Initramfs}</initrd><cmdline>quiet panic=-1</cmdline>
              </os>
              <features><acpi/></features>
              <devices>
                <emulator>{LabCommand.Find("qemu-system-x86_64")}</emulator>
                {Nic(mac, bridge)}
                <memballoon model='none'/>
              </devices>
            </domain>
            """));
        Virsh("define", path);
    }

    /// <summary>Plugs a NIC into the running guest.</summary>
    public void Plug(string name, string mac, Bridge bridge) => Device("attach-device", name, mac, bridge);

    /// <summary>Asks the guest to let go of a NIC.</summary>
    public void Unplug(string name, string mac, Bridge bridge) => Device("detach-device", name, mac, bridge);

    /// <summary>Runs one command of the operator's tool.</summary>
    public string Virsh(params string[] arguments) => LabCommand.Run(["virsh", "-q", "-c", Uri, .. arguments]);

    /// <summary>The daemon is killed; its guests run on.</summary>
    public void Kill()
    {
        const int Sigkill = 9;
        _daemon.Signal(Sigkill);
        _daemon.WaitForExit();
        _daemon.Dispose();
    }

    /// <summary>A new daemon finds the guests of the one before.</summary>
    public void StartAgain()
    {
        _daemon = StartDaemon();
        WaitUp();
    }

    public void Dispose()
    {
        foreach (var name in LabCommand.TryRun("virsh", "-q", "-c", Uri, "list", "--name").Output.Split('\n'))
        {
            if (name.Trim().Length > 0)
            {
                LabCommand.TryRun("virsh", "-q", "-c", Uri, "destroy", name.Trim());
            }
        }

        _daemon.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Nic(string mac, Bridge bridge) =>
        $"<interface type='bridge'><source bridge='{bridge.Name}'/><mac address='{mac}'/><model type='virtio'/>"
        + "<rom enabled='no'/></interface>";

    private LabProcess StartDaemon() => _host.Start("sh", "-c", StartScript, _folder);

    private void WaitUp() => LabWait.Until(
        () => _daemon.HasExited
            ? throw new InvalidOperationException($"libvirtd ended: {_daemon.Error}")
            : LabCommand.TryRun("virsh", "-q", "-c", Uri, "list").ExitCode == 0,
        () => $"libvirtd to answer: {_daemon.Error}");

    private void Device(string command, string name, string mac, Bridge bridge)
    {
        var path = Path.Combine(_folder, "nic.xml");
        File.WriteAllText(path, Nic(mac, bridge));
        Virsh(command, name, path, "--live");
    }
}

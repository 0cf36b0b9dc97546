// A real virtual machine: QEMU under software emulation in the switch's namespace, its NICs on tap devices that are ports
// of the bridge. In: name, UUID, NICs. Out: a guest that obeys commands over its second serial port and serves HTTP (a
// megabyte as /mega). Owner: the test; Dispose kills QEMU and removes taps and sockets. One thread at a time.
using Tapline.Lab.Net;
using Tapline.Server.Demo.Guests;

namespace Tapline.Lab.Machines;

/// <summary>One NIC of a lab guest.</summary>
/// <param name="Mac">Its address as text.</param>
/// <param name="Address">IP address with prefix length that the guest sets, or null.</param>
internal sealed record LabNic(string Mac, string? Address = null)
{
    /// <summary>Name of its tap device, the port of the bridge.</summary>
    public string Tap { get; init; } = LabNames.Next("t");
}

/// <summary>A QEMU guest.</summary>
internal sealed class LabMachine : IDisposable
{
    private static readonly TimeSpan s_bootLimit = TimeSpan.FromSeconds(120);
    private readonly NetNamespace _host;
    private readonly Bridge _bridge;
    private readonly string _folder;
    private readonly List<LabNic> _nics = [];
    private readonly LabProcess _qemu;
    private QmpConnection? _qmp;
    private int _commands;
    private bool _disposed;

    private LabMachine(NetNamespace host, Bridge bridge, GuestSystem system, string name, string? uuid, LabNic[] nics)
    {
        _host = host;
        _bridge = bridge;
        _folder = Directory.CreateTempSubdirectory("tapline-vm-").FullName;
        foreach (var nic in nics)
        {
            MakeTap(nic);
        }

        _qemu = host.Start([.. Command(system, name, uuid, nics)]);
    }

    public int ProcessId => _qemu.Id;

    public IReadOnlyList<LabNic> Nics => _nics;

    /// <summary>What the guest's kernel said so far.</summary>
    public string ConsoleText => File.Exists(ConsolePath) ? File.ReadAllText(ConsolePath) : "";

    /// <summary>Path of QEMU's machine protocol socket; it takes one client at a time.</summary>
    public string QmpPath => Path.Combine(_folder, "qmp");

    private string ConsolePath => Path.Combine(_folder, "console");

    /// <summary>Starts a guest whose NICs are ports of <paramref name="bridge"/>, which lies in <paramref name="host"/>.</summary>
    public static LabMachine Start(NetNamespace host, Bridge bridge, string name, string? uuid, params LabNic[] nics) =>
        new(host, bridge, LabGuestSystem.Need(), name, uuid, nics);

    /// <summary>Waits until the guest obeys commands.</summary>
    public void WaitUp() => _qemu.WaitForLine(line => line.TrimEnd('\r') == GuestCommand.Up, s_bootLimit);

    /// <summary>Runs a shell command in the guest to its end; throws when it fails. Returns what it printed.</summary>
    public string Run(string command, TimeSpan? limit = null)
    {
        var id = Begin(command);
        var end = _qemu.WaitForLine(line => line.StartsWith($"={id} ", StringComparison.Ordinal), limit).TrimEnd('\r');
        var text = string.Concat(_qemu.Output.Split('\n')
            .Where(line => line.StartsWith($":{id} ", StringComparison.Ordinal))
            .Select(line => line[$":{id} ".Length..].TrimEnd('\r') + "\n"));
        return end == $"={id} 0"
            ? text
            : throw new InvalidOperationException($"in the guest `{command}` ended with {end}: {text}");
    }

    /// <summary>Plugs a NIC into the running guest.</summary>
    public void Plug(LabNic nic)
    {
        var id = $"n{_nics.Count}";
        MakeTap(nic);
        Qmp().Execute("netdev_add", new { type = "tap", id, ifname = nic.Tap, script = "no", downscript = "no" });
        Qmp().Execute("device_add", new { driver = "virtio-net-pci", netdev = id, id = $"d{id}", mac = nic.Mac });
    }

    /// <summary>Pulls a NIC out of the running guest and removes its tap device.</summary>
    public void Unplug(LabNic nic)
    {
        var id = $"n{_nics.IndexOf(nic)}";
        Qmp().Execute("device_del", new { id = $"d{id}" });
        Qmp().WaitForEvent("DEVICE_DELETED", $"d{id}");
        Qmp().Execute("netdev_del", new { id });
        _host.Ip("link", "del", nic.Tap);
    }

    /// <summary>Lets go of the machine protocol socket, so that another client may have it.</summary>
    public void CloseQmp()
    {
        _qmp?.Dispose();
        _qmp = null;
    }

    /// <summary>The guest powers itself off; returns when QEMU has ended.</summary>
    public void Stop()
    {
        Begin("poweroff -f");
        _qemu.WaitForExit();
    }

    /// <summary>QEMU is killed as by a host that fails.</summary>
    public void Kill()
    {
        const int Sigkill = 9;
        _qemu.Signal(Sigkill);
        _qemu.WaitForExit();
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        CloseQmp();
        _qemu.Dispose();
        foreach (var nic in _nics)
        {
            LabCommand.TryRun("ip", "-n", _host.Name, "link", "del", nic.Tap);
        }

        Directory.Delete(_folder, recursive: true);
    }

    private int Begin(string command)
    {
        var id = ++_commands;
        _qemu.Input.Write($"{id} {command}\n");
        _qemu.Input.Flush();
        return id;
    }

    private QmpConnection Qmp() => _qmp ??= QmpConnection.Open(QmpPath);

    private void MakeTap(LabNic nic)
    {
        _host.Ip("tuntap", "add", "dev", nic.Tap, "mode", "tap");
        _nics.Add(nic);
        _host.Run("sysctl", "-q", "-w", $"net.ipv6.conf.{nic.Tap}.disable_ipv6=1");
        _host.Ip("link", "set", nic.Tap, "master", _bridge.Name, "up");
    }

    private List<string> Command(GuestSystem system, string name, string? uuid, LabNic[] nics)
    {
        var command = GuestCommand.Of(
            system, name, LabGuestSystem.Role, ConsolePath, [.. nics.Select(nic => new GuestNic(nic.Tap, nic.Mac, nic.Address))]);
        command.AddRange(["-qmp", $"unix:{QmpPath},server=on,wait=off"]);
        if (uuid is not null)
        {
            command.AddRange(["-uuid", uuid]);
        }

        return command;
    }
}

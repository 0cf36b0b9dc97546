// The demo's virtual switch: a Linux bridge, four VMs on it (namespaces, or tap devices for QEMU), and a tool port with a
// namespace of its own behind, which is not on the bridge. In: a journal. Out: names, addresses, kernel counters. IPv6, STP and
// multicast snooping are off so that every frame is the application's. Addresses are of 198.18.0.0/15 (RFC 2544, for such networks).
using System.Globalization;
using System.Text.Json;

namespace Tapline.Server.Demo;

/// <summary>Bridge, VMs, tool port.</summary>
internal sealed class DemoNetwork
{
    /// <summary>The VMs in the order of their addresses.</summary>
    public static readonly string[] Vms = ["client", "web", "app", "db"];

    private const int DemosMax = 20;
    private readonly string _prefix;
    private readonly int _number;
    private readonly bool _isQemu;

    private DemoNetwork(int number, bool isQemu)
    {
        _number = number;
        _isQemu = isQemu;
        _prefix = number == 1 ? "demo" : $"demo{number}";
    }

    public string Bridge => $"{_prefix}-br";

    /// <summary>The host's end of the tool port: what the mirror sends to.</summary>
    public string ToolPort => $"{_prefix}-tool";

    public string ToolSpace => $"{_prefix}-tool";

    /// <summary>A VM's name; where VMs are namespaces, that of the namespace.</summary>
    public string Vm(string role) => $"{_prefix}-{role}";

    /// <summary>
    /// A VM's port on the bridge: named as the VM where it is a namespace, and as libvirt names tap devices where it is a guest,
    /// which says nothing of the machine behind it.
    /// </summary>
    public string Port(string role) => _isQemu ? $"{_prefix}-vnet{Array.IndexOf(Vms, role)}" : Vm(role);

    /// <summary>MAC address of a guest.</summary>
    public string Mac(string role) => $"52:54:00:00:{_number:x2}:{Array.IndexOf(Vms, role) + 2:x2}";

    public string Address(string role) => $"198.18.{70 + _number}.{2 + Array.IndexOf(Vms, role)}";

    private string HostAddress => $"198.18.{70 + _number}.1";

    /// <summary>Makes everything; the first free number decides the names, so two demos do not meet.</summary>
    /// <param name="journal">Where all of it is written down.</param>
    /// <param name="isQemu">The VMs are QEMU's and get tap devices; else namespaces.</param>
    public static DemoNetwork Create(DemoJournal journal, bool isQemu)
    {
        var network = Claim(journal, isQemu);
        Quiet(network.Bridge);
        DemoShell.Run("ip", "address", "add", network.HostAddress + "/24", "dev", network.Bridge);
        DemoShell.Run("ip", "link", "set", network.Bridge, "up");
        foreach (var role in Vms)
        {
            if (isQemu)
            {
                network.AddTap(journal, role);
            }
            else
            {
                network.AddVm(journal, role);
            }
        }

        network.AddToolPort(journal);
        return network;
    }

    /// <summary>Frames that entered the switch, by port: what each VM sent, and what the host sent into the bridge.</summary>
    public Dictionary<string, long> Crossed()
    {
        var crossed = Vms.ToDictionary(Port, role => Counter([], Port(role), "rx"));
        crossed[Bridge] = Counter([], Bridge, "tx");
        return crossed;
    }

    /// <summary>Frames that arrived at the tool's end of the tool port, by the kernel's counter.</summary>
    public long ToolPortReceived() => Counter(["-n", ToolSpace], "eth0", "rx");

    /// <summary>Ends even the last source of frames, address resolution, so that the counters can be compared at rest.</summary>
    public void Silence()
    {
        foreach (var role in _isQemu ? [] : Vms)
        {
            DemoShell.Try("ip", "-n", Vm(role), "link", "set", "eth0", "arp", "off");
        }

        DemoShell.Try("ip", "link", "set", Bridge, "arp", "off");
    }

    private static DemoNetwork Claim(DemoJournal journal, bool isQemu)
    {
        for (var number = 1; number <= DemosMax; number++)
        {
            var network = new DemoNetwork(number, isQemu);
            if (DemoShell.Try("ip", "link", "show", "dev", network.Bridge).ExitCode == 0
                || Vms.Append("tool").Any(role => File.Exists($"/run/netns/{network.Vm(role)}"))
                || HasRoute(network.HostAddress))
            {
                continue;
            }

            journal.Link(network.Bridge);
            var (exitCode, _, _) = DemoShell.Try(
                "ip", "link", "add", "name", network.Bridge, "type", "bridge", "mcast_snooping", "0", "stp_state", "0");
            if (exitCode == 0)
            {
                return network;
            }

            journal.Forget("link", network.Bridge);
        }

        throw new DemoException(
            "No free name for the demo: demo-br to demo20-br, their namespaces or their addresses (198.18.71-90.0/24) are in use.");
    }

    private static bool HasRoute(string address) =>
        DemoShell.Run("ip", "-o", "route", "show", "root", address[..address.LastIndexOf('.')] + ".0/24").Trim().Length > 0;

    private void AddVm(DemoJournal journal, string role)
    {
        var vm = Vm(role);
        MakeSpace(journal, vm);
        journal.Link(vm);
        DemoShell.Run("ip", "link", "add", "name", vm, "type", "veth", "peer", "name", "eth0", "netns", vm);
        Quiet(vm);
        DemoShell.Run("ip", "link", "set", vm, "master", Bridge, "up");
        DemoShell.Run("ip", "-n", vm, "address", "add", Address(role) + "/24", "dev", "eth0");
        DemoShell.Run("ip", "-n", vm, "link", "set", "eth0", "up");
    }

    private void AddTap(DemoJournal journal, string role)
    {
        var port = Port(role);
        journal.Link(port);
        DemoShell.Run("ip", "tuntap", "add", "dev", port, "mode", "tap");
        Quiet(port);
        DemoShell.Run("ip", "link", "set", port, "master", Bridge, "up");
    }

    private void AddToolPort(DemoJournal journal)
    {
        MakeSpace(journal, ToolSpace);
        journal.Link(ToolPort);
        DemoShell.Run("ip", "link", "add", "name", ToolPort, "type", "veth", "peer", "name", "eth0", "netns", ToolSpace);
        Quiet(ToolPort);
        // A wire carries no super-frames: with one segment at most, the kernel cuts them up before the tool port.
        DemoShell.Run("ip", "link", "set", ToolPort, "gso_max_segs", "1", "arp", "off", "up");
        DemoShell.Run("ip", "-n", ToolSpace, "link", "set", "eth0", "arp", "off", "up");
    }

    private static void MakeSpace(DemoJournal journal, string name)
    {
        journal.Namespace(name);
        DemoShell.Run("ip", "netns", "add", name);
        DemoShell.Run(
            "ip", "netns", "exec", name, "sh", "-c",
            "for f in all default; do if [ -e /proc/sys/net/ipv6/conf/$f/disable_ipv6 ]; then " +
            "echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; fi; done");
        DemoShell.Run("ip", "-n", name, "link", "set", "lo", "up");
    }

    private static void Quiet(string device)
    {
        var path = $"/proc/sys/net/ipv6/conf/{device}/disable_ipv6";
        if (File.Exists(path))
        {
            File.WriteAllText(path, "1");
        }
    }

    private static long Counter(string[] place, string device, string direction)
    {
        using var document = JsonDocument.Parse(DemoShell.Run(["ip", .. place, "-s", "-j", "link", "show", "dev", device]));
        return document.RootElement[0].GetProperty("stats64").GetProperty(direction).GetProperty("packets").GetInt64();
    }
}

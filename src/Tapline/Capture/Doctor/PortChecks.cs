// Offloads of the interfaces that would be observed, asked by the old single-value ethtool calls (<linux/ethtool.h>) that
// every driver answers. GRO and TSO are welcome (super-frames are understood); LRO is not: it loses what it merged.
using System.Text;
using Tapline.Base.Native;
using Tapline.Capture.Ovs;
using Tapline.Capture.Points;

namespace Tapline.Capture.Doctor;

/// <summary>Checks of switch ports and NICs.</summary>
internal static unsafe class PortChecks
{
    private const ulong SIOCETHTOOL = 0x8946;
    private const uint ETHTOOL_GTSO = 0x1E;
    private const uint ETHTOOL_GFLAGS = 0x25;
    private const uint ETHTOOL_GGRO = 0x2B;
    private const uint ETH_FLAG_LRO = 1 << 15;
    private const int IfNameBytes = 16;
    private const int IfRequestBytes = 40;

    public static IEnumerable<CheckResult> Examine()
    {
        using var inventory = LinkInventory.Open(out var error);
        if (inventory?.ReadAll() is not { } links)
        {
            return [CheckResult.Bad("ports", "The kernel does not list its interfaces.", $"Look at the kernel's answer: {error}")];
        }

        var results = new List<CheckResult>();
        using var session = OvsSession.Open(OvsSession.PathOrDefault(null), out var ovsFault);
        var layout = new SwitchLayout(links, session?.View ?? OvsView.Empty);
        var ports = links.Values.Where(l => layout.IsPort(l) || layout.EntersOutgoing(l)).ToList();
        results.Add(ports.Count > 0
            ? CheckResult.Ok("ports", $"Switch ports to observe: {ports.Count}.")
            : CheckResult.Warn(
                "ports", "There is no switch port on this host.",
                "Attach VMs to a bridge, or name a monitoring NIC or a tunnel listener with --point."));
        results.AddRange(OpenVSwitch(session, ovsFault, links));
        results.AddRange(Offloads(ports, links));
        return results;
    }

    // Says nothing where there is no Open vSwitch.
    private static IEnumerable<CheckResult> OpenVSwitch(OvsSession? session, string fault, Dictionary<int, LinkInfo> links)
    {
        if (session is null)
        {
            return links.Values.Any(l => l.Kind == "openvswitch" || l.Name == "ovs-netdev")
                ? [CheckResult.Warn("ovs", "Open vSwitch runs here, but its database cannot be read.", fault)]
                : [];
        }

        var view = session.View;
        var unseen = view.Bridges.Sum(b => view.NeedingMirror(b.Name, links.Values).Count());
        var finding = $"Open vSwitch: {view.Bridges.Count} bridges, {view.Ports.Count} ports";
        return
        [
            unseen == 0
                ? CheckResult.Ok("ovs", $"{finding}.")
                : CheckResult.Warn(
                    "ovs", $"{finding}, {unseen} of them out of sight of packet sockets.",
                    "`tapline points` says why; --ovs-mirror lets Open vSwitch copy them."),
        ];
    }

    private static List<CheckResult> Offloads(List<LinkInfo> ports, Dictionary<int, LinkInfo> links)
    {
        using var socket = new FileDescriptor(SystemCalls.SocketOpen(
            Base.Kernel.Socket.AF_INET, Base.Kernel.Socket.SOCK_DGRAM | Base.Kernel.Socket.SOCK_CLOEXEC, 0));
        var nics = links.Values.Where(l => l.Kind.Length == 0 && !l.IsLoopback).Concat(ports).Distinct().OrderBy(l => l.Index).ToList();
        var results = new List<CheckResult>();
        var superFrames = 0;
        foreach (var link in nics)
        {
            if ((Ask(socket, link.Name, ETHTOOL_GFLAGS) & ETH_FLAG_LRO) != 0)
            {
                results.Add(CheckResult.Warn(
                    "offloads", $"`{link.Name}` merges packets in hardware (LRO), so what is seen is not what was sent.",
                    $"Switch it off: ethtool -K {link.Name} lro off."));
            }

            superFrames += (Ask(socket, link.Name, ETHTOOL_GTSO) | Ask(socket, link.Name, ETHTOOL_GGRO)) != 0 ? 1 : 0;
        }

        if (results.Count == 0)
        {
            results.Add(CheckResult.Ok(
                "offloads", $"{superFrames} of {nics.Count} interfaces use TSO or GRO; their super-frames are counted by wire segments."));
        }

        return results;
    }

    // struct ifreq: the name, then a pointer to struct ethtool_value { cmd, data }.
    private static uint Ask(FileDescriptor socket, string device, uint command)
    {
        var value = stackalloc uint[2] { command, 0 };
        var request = stackalloc byte[IfRequestBytes];
        new Span<byte>(request, IfRequestBytes).Clear();
        _ = Encoding.UTF8.TryGetBytes(device, new Span<byte>(request, IfNameBytes - 1), out _);
        *(uint**)(request + IfNameBytes) = value;
        return SystemCalls.DeviceControl(socket.Number, SIOCETHTOOL, request) == 0 ? value[1] : 0;
    }
}

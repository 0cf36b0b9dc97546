// What Open vSwitch's database says at one moment: bridges, their ports, and the mirrors that Tapline made. Immutable and
// swapped whole. Names are hostile text; whoever shows them cleans them.
using Tapline.Capture.Points;

namespace Tapline.Capture.Ovs;

/// <summary>A bridge of Open vSwitch.</summary>
/// <param name="Id">UUID of its row.</param>
/// <param name="Name">Its name, which is also that of its LOCAL port.</param>
/// <param name="IsUserspace">True when ovs-vswitchd switches its packets itself (datapath_type netdev).</param>
internal sealed record OvsBridge(string Id, string Name, bool IsUserspace);

/// <summary>A mirror that a run of Tapline made.</summary>
/// <param name="Id">UUID of its row.</param>
/// <param name="Bridge">Name of its bridge.</param>
/// <param name="OutputPort">UUID of the port where the copies come out; empty when that is gone.</param>
/// <param name="SourcePorts">UUIDs of the ports whose frames it copies, in order.</param>
/// <param name="Owner">Who made it.</param>
internal sealed record OvsMirror(
    string Id, string Bridge, string OutputPort, IReadOnlyList<string> SourcePorts, OvsOwner Owner);

/// <summary>The database at one moment.</summary>
internal sealed class OvsView
{
    private readonly Dictionary<string, OvsPort> _byName = [];

    public OvsView(IReadOnlyList<OvsBridge> bridges, IReadOnlyList<OvsPort> ports, IReadOnlyList<OvsMirror> mirrors)
    {
        Bridges = bridges;
        Ports = ports;
        Mirrors = mirrors;
        foreach (var port in ports)
        {
            _byName[port.Name] = port;
        }
    }

    /// <summary>A host without Open vSwitch.</summary>
    public static OvsView Empty { get; } = new([], [], []);

    public IReadOnlyList<OvsBridge> Bridges { get; }

    public IReadOnlyList<OvsPort> Ports { get; }

    public IReadOnlyList<OvsMirror> Mirrors { get; }

    /// <summary>
    /// The port that a kernel interface is, or null. The database may speak of another network namespace, where the same
    /// name means another device: then the kernel's numbers differ.
    /// </summary>
    public OvsPort? Find(LinkInfo link) =>
        _byName.TryGetValue(link.Name, out var port) && port.IsKernelType
            && (port.InterfaceIndex == 0 || port.InterfaceIndex == link.Index)
            ? port
            : null;

    /// <summary>Why no packet socket here sees a port's frames, and the mend; null when one does.</summary>
    public string? WhyUnseen(OvsPort port, IReadOnlyCollection<LinkInfo> links)
    {
        const string Mend = "let Open vSwitch copy it with --ovs-mirror";
        if (port.IsPatch)
        {
            var peer = Ports.FirstOrDefault(p => p.Name == port.PatchPeer)?.Bridge ?? "another bridge";
            return $"patch: its frames are seen where they enter {HostileText.Clean(peer)}";
        }

        if (port.Type is "dpdk" or "dpdkr" or "dpdkvhostuser" or "dpdkvhostuserclient")
        {
            return $"{port.Type}: its frames bypass the kernel; {Mend}";
        }

        if (port.Type is "afxdp" or "afxdp-nonpmd")
        {
            return $"AF_XDP: its frames bypass the kernel's packet sockets; {Mend}";
        }

        if (!port.IsKernelType)
        {
            return port.IsUserspace || links.All(l => !IsTunnelDevice(l, port.Type))
                ? $"{HostileText.Clean(port.Type)}: the kernel has no interface for it; {Mend}"
                : null;
        }

        if (links.Any(l => ReferenceEquals(Find(l), port)))
        {
            return null;
        }

        return port.Error.Length > 0
            ? $"Open vSwitch could not open it: {HostileText.Clean(port.Error)}"
            : $"its interface is not in this network namespace; run Tapline there, or {Mend}";
    }

    /// <summary>
    /// The ports of a bridge whose frames only Open vSwitch itself can copy: no socket sees them, and they are no patches.
    /// </summary>
    public IEnumerable<OvsPort> NeedingMirror(string bridge, IReadOnlyCollection<LinkInfo> links) => Ports.Where(p =>
        p.Bridge == bridge && !p.IsPatch && p.Owner is null && p.Error.Length == 0 && WhyUnseen(p, links) is not null);

    /// <summary>
    /// True for the one device by which the kernel's datapath receives all tunnels of a type (vxlan_sys_4789, …; their
    /// names come from ovs-vswitchd's lib/dpif-netlink-rtnl.c and vport.c).
    /// </summary>
    public static bool IsTunnelDevice(LinkInfo link, string type) => link.SlaveKind == "openvswitch" && type switch
    {
        "vxlan" => link.Name.StartsWith("vxlan_sys_", StringComparison.Ordinal),
        "geneve" => link.Name.StartsWith("genev_sys_", StringComparison.Ordinal),
        "gre" => link.Name == "gre_sys",
        "erspan" => link.Name == "erspan_sys",
        "ip6gre" => link.Name == "ip6gre_sys",
        "ip6erspan" => link.Name == "ip6erspan_sys",
        _ => false,
    };
}

// What an interface is to a switch: a VM's port, an uplink, a patch to another switch. Pure; from the kernel's facts only.
using Tapline.Base.Kernel;

namespace Tapline.Capture.Points;

/// <summary>Classifies interfaces.</summary>
internal static class LinkClassifier
{
    /// <summary>True when the interface is a port of a Linux bridge or of Open vSwitch.</summary>
    public static bool IsSwitchPort(LinkInfo link, IReadOnlyDictionary<int, LinkInfo> links) =>
        link.Master != 0 && (link.SlaveKind is "bridge" or "openvswitch"
            || (links.TryGetValue(link.Master, out var master) && master.Kind is "bridge" or "openvswitch"));

    /// <summary>
    /// A veth whose other end is also a port of a switch in this namespace (Proxmox fwpr/fwln, OpenStack qvo/qvb): what
    /// enters by it has already entered another port.
    /// </summary>
    public static bool IsPatch(LinkInfo link, IReadOnlyDictionary<int, LinkInfo> links) =>
        link.Kind == "veth" && link.PeerNamespaceId < 0
        && links.TryGetValue(link.Link, out var peer) && IsSwitchPort(peer, links);

    /// <summary>True when a workload stands behind it: a tap device, or a veth that leads into another namespace.</summary>
    public static bool LeadsToWorkload(LinkInfo link) =>
        (link.Kind == "veth" && link.PeerNamespaceId >= 0) || (link.Kind == "tun" && link.IsTapDevice)
        || link.Kind is "macvtap" or "ipvtap" or "vhost";

    /// <summary>The kind of point that the interface would be.</summary>
    public static PointKind KindOf(LinkInfo link, IReadOnlyDictionary<int, LinkInfo> links)
    {
        if (LeadsToWorkload(link))
        {
            return PointKind.VmPort;
        }

        if (!IsSwitchPort(link, links))
        {
            return PointKind.Monitor;
        }

        return LeadsOut(link) ? PointKind.Uplink : PointKind.Port;
    }

    private static bool LeadsOut(LinkInfo link) => link.Kind switch
    {
        // A physical NIC has no kind. Before Linux 5.14 the bus device is not told; an Ethernet device without a kind is one.
        "" => link.HasBusDevice || link.HardwareType == Socket.ARPHRD_ETHER,
        "bond" or "team" or "vlan" or "vxlan" or "geneve" or "gretap" or "ip6gretap" or "erspan" or "ip6erspan"
            or "bareudp" or "l2tp" or "batadv" or "hsr" or "macsec" or "netdevsim" => true,
        _ => false,
    };
}

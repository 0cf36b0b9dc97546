// What an interface is by itself: a VM's port, an uplink, a port of a bridge. Pure; from the kernel's facts only. How several
// switches hang together is SwitchLayout's.
using Tapline.Base.Kernel;

namespace Tapline.Capture.Points;

/// <summary>Classifies interfaces.</summary>
internal static class LinkClassifier
{
    /// <summary>True when the kernel has it as a port of a Linux bridge or of Open vSwitch's datapath.</summary>
    public static bool IsSwitchPort(LinkInfo link, IReadOnlyDictionary<int, LinkInfo> links) =>
        link.Master != 0 && (link.SlaveKind is "bridge" or "openvswitch"
            || (links.TryGetValue(link.Master, out var master) && master.Kind is "bridge" or "openvswitch"));

    /// <summary>True when a workload stands behind it: a tap device, or a veth that leads into another namespace.</summary>
    public static bool LeadsToWorkload(LinkInfo link) =>
        (link.Kind == "veth" && link.PeerNamespaceId >= 0) || (link.Kind == "tun" && link.IsTapDevice)
        || link.Kind is "macvtap" or "ipvtap" or "vhost";

    /// <summary>
    /// True for a device whose switch is the NIC below it: what its owner sends leaves the device (outgoing) and is switched
    /// by the driver; what it receives has entered by another port (drivers/net/macvlan.c).
    /// </summary>
    public static bool IsMacvlan(LinkInfo link) => link.Kind is "macvtap" or "macvlan";

    /// <summary>The kind of point that the interface would be.</summary>
    public static PointKind KindOf(LinkInfo link, bool isSwitchPort)
    {
        if (LeadsToWorkload(link))
        {
            return PointKind.VmPort;
        }

        if (IsMacvlan(link))
        {
            return PointKind.Host;
        }

        if (!isSwitchPort)
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

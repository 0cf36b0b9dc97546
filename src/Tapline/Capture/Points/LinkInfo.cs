// What the kernel tells of one network interface (one RTM_NEWLINK message).
namespace Tapline.Capture.Points;

/// <summary>One interface. Immutable; names are as the kernel gives them, at most 15 bytes.</summary>
internal sealed record LinkInfo
{
    public required int Index { get; init; }

    public required string Name { get; init; }

    /// <summary>IFLA_INFO_KIND: <c>bridge</c>, <c>veth</c>, <c>tun</c>, <c>vxlan</c>, …; empty for physical NICs and loopback.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Kind of the master it is a port of (IFLA_INFO_SLAVE_KIND), e.g. <c>bridge</c>; empty when none.</summary>
    public string SlaveKind { get; init; } = "";

    /// <summary>ARPHRD_*.</summary>
    public ushort HardwareType { get; init; }

    /// <summary>IFF_*.</summary>
    public uint Flags { get; init; }

    public byte OperState { get; init; }

    /// <summary>Index of the bridge or bond it belongs to; 0 = none.</summary>
    public int Master { get; init; }

    /// <summary>
    /// Index of the peer (veth) or lower device (VLAN, macvtap), in the namespace of <see cref="PeerNamespaceId"/>; 0 = none.
    /// </summary>
    public int Link { get; init; }

    /// <summary>Identifier of the peer's namespace as this namespace knows it; -1 = the same namespace or none.</summary>
    public int PeerNamespaceId { get; init; } = -1;

    /// <summary>48 bits; 0 = none.</summary>
    public ulong Mac { get; init; }

    public int MtuBytes { get; init; }

    /// <summary>Number of holders of promiscuous mode.</summary>
    public int Promiscuity { get; init; }

    /// <summary>The largest super-frame that it sends or puts together on receipt.</summary>
    public int GsoBytesMax { get; init; }

    /// <summary>True when a bus device stands behind it: a NIC (IFLA_PARENT_DEV_NAME).</summary>
    public bool HasBusDevice { get; init; }

    /// <summary>True for a tap (Ethernet) device of kind tun, false for a routed tun device.</summary>
    public bool IsTapDevice { get; init; }

    /// <summary>VLAN id of a device of kind vlan; 0 for others.</summary>
    public int VlanId { get; init; }

    public bool IsUp => (Flags & Base.Kernel.Netlink.IFF_UP) != 0;

    public bool IsLoopback => (Flags & Base.Kernel.Netlink.IFF_LOOPBACK) != 0;

    public bool IsBridge => Kind == "bridge";
}

// What some frames of a flow in a segment are, a bit each: a column of the index (docs/formats/index.md). Numbers are a format.
namespace Tapline.Record.Index;

/// <summary>Marks of a flow's frames.</summary>
[Flags]
internal enum FrameMarks : ushort
{
    /// <summary>Not known: any frame may be among them.</summary>
    None = 0,

    /// <summary>The columns say of all its frames in the segment what their heads say.</summary>
    Known = 1 << 0,

    /// <summary>The first header behind MAC addresses and VLAN tags is IPv4; so the next three. Only where the flow is in a tunnel
    /// or none.</summary>
    Ip4 = 1 << 1,
    Ip6 = 1 << 2,

    /// <summary>ARP or RARP.</summary>
    Arp = 1 << 3,
    OtherType = 1 << 4,

    /// <summary>The first IP header's protocol; so the next three.</summary>
    Tcp = 1 << 5,
    Udp = 1 << 6,
    Sctp = 1 << 7,
    OtherProtocol = 1 << 8,

    /// <summary>In a tunnel.</summary>
    Tunnelled = 1 << 9,

    /// <summary>With a VLAN tag. The highest bit: the column's bounds tell whether any flow has one.</summary>
    Tagged = 1 << 10,
}

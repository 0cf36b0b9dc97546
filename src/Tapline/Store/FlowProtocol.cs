// How a record says what kind of flow it is. IP protocols keep their IANA number; layer-2 flows get numbers above 255.
namespace Tapline.Store;

/// <summary>Flow kinds: 0–255 are IANA IP protocol numbers, above are layer-2 kinds.</summary>
public static class FlowProtocol
{
    public const ushort Icmp = 1;
    public const ushort Igmp = 2;
    public const ushort Tcp = 6;
    public const ushort Udp = 17;
    public const ushort Dccp = 33;
    public const ushort Gre = 47;
    public const ushort Esp = 50;
    public const ushort Ah = 51;
    public const ushort Icmpv6 = 58;
    public const ushort Sctp = 132;
    public const ushort UdpLite = 136;

    /// <summary>ARP (EtherType 0x0806).</summary>
    public const ushort Arp = 256;

    /// <summary>Any other EtherType; the record's ports hold the EtherType.</summary>
    public const ushort EtherTypeFlow = 257;

    /// <summary>802.3 with LLC (STP, IS-IS, …); the record's ports hold DSAP and SSAP.</summary>
    public const ushort Llc = 258;

    /// <summary>True when the record's ports are ports.</summary>
    public static bool HasPorts(ushort protocol) => protocol is Tcp or Udp or Sctp or UdpLite or Dccp;

    /// <summary>The word in JSON; the number as text where there is none.</summary>
    public static string Name(ushort protocol) => protocol switch
    {
        Icmp => "icmp",
        Igmp => "igmp",
        Tcp => "tcp",
        Udp => "udp",
        Dccp => "dccp",
        Gre => "gre",
        Esp => "esp",
        Ah => "ah",
        Icmpv6 => "icmpv6",
        Sctp => "sctp",
        UdpLite => "udplite",
        Arp => "arp",
        EtherTypeFlow => "ethernet",
        Llc => "llc",
        _ => protocol.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}

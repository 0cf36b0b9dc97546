// Names of IP protocols (Debian's /etc/protocols), EtherTypes and OSI network protocols, as `ip proto`, `ether proto` and
// `iso proto` take them. Built in, so that an expression means the same on each host.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

/// <summary>Protocol numbers by name.</summary>
internal static class ProtocolNames
{
    private static readonly Dictionary<string, uint> s_ip = new()
    {
        ["ip"] = 0, ["hopopt"] = 0, ["icmp"] = 1, ["igmp"] = 2, ["ggp"] = 3, ["ipencap"] = 4, ["st"] = 5, ["tcp"] = 6,
        ["egp"] = 8, ["igp"] = 9, ["pup"] = 12, ["udp"] = 17, ["hmp"] = 20, ["xns-idp"] = 22, ["rdp"] = 27,
        ["iso-tp4"] = 29, ["dccp"] = 33, ["xtp"] = 36, ["ddp"] = 37, ["idpr-cmtp"] = 38, ["ipv6"] = 41,
        ["ipv6-route"] = 43, ["ipv6-frag"] = 44, ["idrp"] = 45, ["rsvp"] = 46, ["gre"] = 47, ["esp"] = 50, ["ah"] = 51,
        ["skip"] = 57, ["ipv6-icmp"] = 58, ["ipv6-nonxt"] = 59, ["ipv6-opts"] = 60, ["rspf"] = 73, ["vmtp"] = 81,
        ["eigrp"] = 88, ["ospf"] = 89, ["ax.25"] = 93, ["ipip"] = 94, ["etherip"] = 97, ["encap"] = 98, ["pim"] = 103,
        ["ipcomp"] = 108, ["vrrp"] = 112, ["l2tp"] = 115, ["isis"] = 124, ["sctp"] = 132, ["fc"] = 133,
        ["mobility-header"] = 135, ["udplite"] = 136, ["mpls-in-ip"] = 137, ["manet"] = 138, ["hip"] = 139, ["shim6"] = 140,
        ["wesp"] = 141, ["rohc"] = 142, ["ethernet"] = 143,
    };

    // EtherTypes, and below 1501 the service access points of 802.2.
    private static readonly Dictionary<string, uint> s_ether = new()
    {
        ["aarp"] = 0x80f3, ["arp"] = 0x0806, ["atalk"] = 0x809b, ["decnet"] = 0x6003, ["ip"] = 0x0800, ["ip6"] = 0x86dd,
        ["lat"] = 0x6004, ["loopback"] = 0x9000, ["mopdl"] = 0x6001, ["moprc"] = 0x6002, ["rarp"] = 0x8035,
        ["sca"] = 0x6007, ["iso"] = 0xfe, ["stp"] = 0x42, ["ipx"] = 0xe0, ["netbeui"] = 0xf0,
    };

    // ISO/IEC TR 9577: the first byte of an OSI network protocol.
    private static readonly Dictionary<string, uint> s_osi = new() { ["esis"] = 0x82, ["isis"] = 0x83, ["clnp"] = 0x81 };

    /// <summary>The names that a qualifier takes; null when it takes no protocol at all.</summary>
    public static IReadOnlyDictionary<string, uint>? Of(ProtocolWord qualifier) => qualifier switch
    {
        ProtocolWord.None or ProtocolWord.Ip or ProtocolWord.Ip6 => s_ip,
        ProtocolWord.Ether => s_ether,
        ProtocolWord.Iso => s_osi,
        _ => null,
    };
}

// The words that the language knows, in tables: protocols, named numbers, tunnels, LLC types, and all keywords for the
// question what somebody may have meant.
using Tapline.Base;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

/// <summary>Keywords.</summary>
internal static class Words
{
    /// <summary>Words that begin or join primitives, beside protocols and named numbers.</summary>
    private static readonly string[] s_keywords =
    [
        "src", "dst", "host", "net", "mask", "port", "portrange", "proto", "protochain", "gateway", "less", "greater", "byte",
        "broadcast", "multicast", "and", "or", "not", "len", "length", "inbound", "outbound", "ifindex", "vlan", "mpls",
        "pppoed", "pppoes", "geneve", "llc", "vm", "point", "tag", "tunnel", "vni", "inner", "gso",
    ];

    /// <summary>Words of pcap-filter(7) for links that carry no Ethernet.</summary>
    private static readonly string[] s_otherLinks =
    [
        "type", "subtype", "direction", "dir", "address1", "addr1", "address2", "addr2", "address3", "addr3", "address4",
        "addr4", "ra", "ta", "radio", "lane", "metac", "bcc", "oam", "oamf4", "oamf4ec", "oamf4sc", "sc", "ilmic", "vpi",
        "vci", "connectmsg", "metaconnect", "on", "ifname", "rset", "ruleset", "rnr", "rulenum", "srnr", "subrulenum",
        "reason", "action", "fisu", "lssu", "lsu", "msu", "hfisu", "hlssu", "hmsu", "sio", "opc", "dpc", "sls", "hsio",
        "hopc", "hdpc", "hsls",
    ];

    private static readonly Dictionary<string, ProtocolWord> s_protocols = new()
    {
        ["ether"] = ProtocolWord.Ether, ["link"] = ProtocolWord.Ether, ["ppp"] = ProtocolWord.Ether,
        ["slip"] = ProtocolWord.Ether, ["fddi"] = ProtocolWord.Ether, ["tr"] = ProtocolWord.Ether,
        ["wlan"] = ProtocolWord.Ether, ["ip"] = ProtocolWord.Ip, ["ip6"] = ProtocolWord.Ip6, ["arp"] = ProtocolWord.Arp,
        ["rarp"] = ProtocolWord.Rarp, ["tcp"] = ProtocolWord.Tcp, ["udp"] = ProtocolWord.Udp, ["sctp"] = ProtocolWord.Sctp,
        ["icmp"] = ProtocolWord.Icmp, ["icmp6"] = ProtocolWord.Icmp6, ["igmp"] = ProtocolWord.Igmp,
        ["igrp"] = ProtocolWord.Igrp, ["pim"] = ProtocolWord.Pim, ["ah"] = ProtocolWord.Ah, ["esp"] = ProtocolWord.Esp,
        ["vrrp"] = ProtocolWord.Vrrp, ["carp"] = ProtocolWord.Carp, ["atalk"] = ProtocolWord.Atalk,
        ["aarp"] = ProtocolWord.Aarp, ["decnet"] = ProtocolWord.Decnet, ["lat"] = ProtocolWord.Lat, ["sca"] = ProtocolWord.Sca,
        ["moprc"] = ProtocolWord.Moprc, ["mopdl"] = ProtocolWord.Mopdl, ["iso"] = ProtocolWord.Iso,
        ["esis"] = ProtocolWord.Esis, ["es-is"] = ProtocolWord.Esis, ["isis"] = ProtocolWord.Isis,
        ["is-is"] = ProtocolWord.Isis, ["clnp"] = ProtocolWord.Clnp, ["l1"] = ProtocolWord.IsisL1,
        ["l2"] = ProtocolWord.IsisL2, ["iih"] = ProtocolWord.IsisIih, ["lsp"] = ProtocolWord.IsisLsp,
        ["snp"] = ProtocolWord.IsisSnp, ["csnp"] = ProtocolWord.IsisCsnp, ["psnp"] = ProtocolWord.IsisPsnp,
        ["stp"] = ProtocolWord.Stp, ["ipx"] = ProtocolWord.Ipx, ["netbeui"] = ProtocolWord.Netbeui,
    };

    private static readonly Dictionary<string, uint> s_numbers = new()
    {
        ["icmptype"] = 0, ["icmpcode"] = 1, ["icmp-echoreply"] = 0, ["icmp-unreach"] = 3, ["icmp-sourcequench"] = 4,
        ["icmp-redirect"] = 5, ["icmp-echo"] = 8, ["icmp-routeradvert"] = 9, ["icmp-routersolicit"] = 10,
        ["icmp-timxceed"] = 11, ["icmp-paramprob"] = 12, ["icmp-tstamp"] = 13, ["icmp-tstampreply"] = 14,
        ["icmp-ireq"] = 15, ["icmp-ireqreply"] = 16, ["icmp-maskreq"] = 17, ["icmp-maskreply"] = 18, ["icmp6type"] = 0,
        ["icmp6code"] = 1, ["icmp6-destinationunreach"] = 1, ["icmp6-packettoobig"] = 2, ["icmp6-timeexceeded"] = 3,
        ["icmp6-parameterproblem"] = 4, ["icmp6-echo"] = 128, ["icmp6-echoreply"] = 129,
        ["icmp6-multicastlistenerquery"] = 130, ["icmp6-multicastlistenerreportv1"] = 131,
        ["icmp6-multicastlistenerdone"] = 132, ["icmp6-routersolicit"] = 133, ["icmp6-routeradvert"] = 134,
        ["icmp6-neighborsolicit"] = 135, ["icmp6-neighboradvert"] = 136, ["icmp6-redirect"] = 137,
        ["icmp6-routerrenum"] = 138, ["icmp6-nodeinformationquery"] = 139, ["icmp6-nodeinformationresponse"] = 140,
        ["icmp6-ineighbordiscoverysolicit"] = 141, ["icmp6-ineighbordiscoveryadvert"] = 142,
        ["icmp6-multicastlistenerreportv2"] = 143, ["icmp6-homeagentdiscoveryrequest"] = 144,
        ["icmp6-homeagentdiscoveryreply"] = 145, ["icmp6-mobileprefixsolicit"] = 146, ["icmp6-mobileprefixadvert"] = 147,
        ["icmp6-certpathsolicit"] = 148, ["icmp6-certpathadvert"] = 149, ["icmp6-multicastrouteradvert"] = 151,
        ["icmp6-multicastroutersolicit"] = 152, ["icmp6-multicastrouterterm"] = 153, ["tcpflags"] = 13, ["tcp-fin"] = 0x01,
        ["tcp-syn"] = 0x02, ["tcp-rst"] = 0x04, ["tcp-push"] = 0x08, ["tcp-ack"] = 0x10, ["tcp-urg"] = 0x20,
        ["tcp-ece"] = 0x40, ["tcp-cwr"] = 0x80,
    };

    private static readonly Dictionary<string, TunnelKind> s_tunnels = new()
    {
        ["vxlan"] = TunnelKind.Vxlan, ["vxlan-gpe"] = TunnelKind.VxlanGpe, ["geneve"] = TunnelKind.Geneve,
        ["gre"] = TunnelKind.Gre, ["nvgre"] = TunnelKind.Nvgre, ["erspan1"] = TunnelKind.Erspan1,
        ["erspan2"] = TunnelKind.Erspan2, ["erspan3"] = TunnelKind.Erspan3, ["ipip"] = TunnelKind.IpInIp,
        ["gtpu"] = TunnelKind.Gtpu, ["etherip"] = TunnelKind.EtherIp, ["mpls-over-udp"] = TunnelKind.MplsOverUdp,
        ["mpls"] = TunnelKind.Mpls,
    };

    private static readonly Dictionary<string, LlcKind> s_llc = new()
    {
        ["i"] = LlcKind.Information, ["s"] = LlcKind.Supervisory, ["u"] = LlcKind.Unnumbered, ["rr"] = LlcKind.ReceiveReady,
        ["rnr"] = LlcKind.ReceiveNotReady, ["rej"] = LlcKind.Reject, ["ui"] = LlcKind.UnnumberedInformation,
        ["ua"] = LlcKind.UnnumberedAcknowledge, ["disc"] = LlcKind.Disconnect, ["dm"] = LlcKind.DisconnectedMode,
        ["sabme"] = LlcKind.SetAsynchronousBalancedMode, ["test"] = LlcKind.Test,
        ["xid"] = LlcKind.ExchangeIdentification, ["frmr"] = LlcKind.FrameReject,
    };

    private static readonly HashSet<string> s_reserved = Reserved();

    public static IReadOnlyDictionary<string, TunnelKind> Tunnels => s_tunnels;

    public static IReadOnlyDictionary<string, LlcKind> LlcKinds => s_llc;

    public static IEnumerable<string> Protocols => s_protocols.Keys;

    /// <summary>Every word that may begin a primitive.</summary>
    public static IReadOnlyCollection<string> All => s_reserved;

    public static bool IsOtherLinks(string word) => Array.IndexOf(s_otherLinks, word) >= 0;

    /// <summary>True for a word that cannot be the name of a host, port or protocol.</summary>
    public static bool IsReserved(string word) => s_reserved.Contains(word);

    public static ProtocolWord Protocol(in Token token) =>
        token.Kind == TokenKind.Word && s_protocols.TryGetValue(token.Text, out var protocol) ? protocol : ProtocolWord.None;

    /// <summary>The number that a token stands for: digits, or a name such as `tcp-syn`.</summary>
    public static bool TryNumber(in Token token, out uint number)
    {
        number = token.Number;
        return token.Kind == TokenKind.Number
            || (token.Kind == TokenKind.Word && s_numbers.TryGetValue(token.Text, out number));
    }

    private static HashSet<string> Reserved()
    {
        var all = new HashSet<string>(s_keywords);
        all.UnionWith(s_protocols.Keys);
        all.UnionWith(s_numbers.Keys);
        foreach (var field in FlowField.All)
        {
            all.Add(field.Name);
        }

        return all;
    }
}

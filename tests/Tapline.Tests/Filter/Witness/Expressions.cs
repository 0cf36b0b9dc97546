// The expressions of the proof: written by hand so that every primitive, qualifier and quirk occurs, and generated from a
// seed with the corpus's own addresses and ports.
using System.Globalization;

namespace Tapline.Tests.Filter.Witness;

/// <summary>Expressions of pcap-filter(7).</summary>
internal static class Expressions
{
    public static readonly string[] ByHand =
    [
        // protocols
        "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp", "pim", "ah", "esp", "vrrp", "carp",
        "stp", "ipx", "netbeui", "atalk", "aarp", "decnet", "lat", "sca", "moprc", "mopdl", "iso", "clnp", "esis", "isis",
        "es-is", "is-is", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "llc", "llc i", "llc s", "llc u", "llc rr", "llc rnr",
        "llc rej", "llc ui", "llc ua", "llc disc", "llc sabme", "llc test", "llc xid", "llc frmr", "llc dm",
        "ip proto 47", "ip proto \\gre or ip proto 4 or ip proto 41", "ip6 proto 17", "proto 17", "proto \\tcp",
        "proto (6 or 17)", "ip proto \\icmp", "ip6 proto \\ipv6-icmp", "ether proto 0x88cc", "ether proto \\ip",
        "ether proto \\arp", "ether proto \\stp", "ether proto 0x800 or 0x806", "ether proto 66", "ether proto \\ipx",
        "ether proto \\atalk", "ether proto \\iso", "iso proto \\isis", "iso proto 0x83", "isis proto 18", "link proto 0x86dd",
        // hosts and networks
        "host 10.0.0.1", "src host 192.168.1.1", "dst host 192.168.1.1", "src or dst host 10.0.0.1",
        "src and dst host 127.0.0.1", "host 127.0.0.1", "host ::1", "ip host 10.0.0.1", "arp host 10.0.0.1",
        "arp src host 192.168.0.1", "rarp host 10.0.0.1", "src 10.0.0.1", "dst 10.0.0.2", "net 10.0.0.0/8", "dst net 10.0.0.0/8",
        "net 192.168.0.0/16", "src net 172.16.0.0/12", "net 192.168", "net 10", "src net 10.1", "net 0/0", "net 0.0.0.0/0",
        "net 192.168.0.0 mask 255.255.0.0", "ip net 224.0.0.0/4", "net fe80::/10", "ip6 net 2001:db8::/32", "ip6 host ::1",
        "ip6 src net fe80::/64", "net ::/0", "src and dst net 192.168.0.0/16", "host 167772161", "host 10.0.0.1 or 10.0.0.2",
        "host (10.0.0.1 or 10.0.0.2)", "host not 10.0.0.1", "not host 10.0.0.1", "host 10.0.0.1 and not 10.0.0.2",
        "src host 10.0.0.1 or 10.0.0.2 and port 80", "ip host 10.0.0.1 or ip6", "dst host ff02::1:2 or ff02::2",
        "host ::ffff:10.0.0.1",
        // Ethernet
        "ether broadcast", "broadcast", "ether multicast", "multicast", "ip multicast", "ip6 multicast",
        "ether host ff:ff:ff:ff:ff:ff", "ether src 00:00:00:00:00:00", "ether dst 01:00:5e:00:00:fb",
        "ether dst 01-80-c2-00-00-00", "ether host 0180.c200.000e", "ether src or dst 0180c2000000",
        "ether src and dst 00:00:00:00:00:00", "not ether multicast and ip multicast",
        // ports
        "port 53", "tcp port 80", "tcp dst port 443", "tcp src port 443", "udp port 53", "port http or port https",
        "port 80 or 443", "port (80 or 443 or 53)", "tcp port 80 or 8080 or udp", "src port 53", "dst port 53",
        "src and dst port 53", "src or dst port 123", "sctp port 2905", "sctp portrange 1-65535", "portrange 1000-2000",
        "tcp portrange 8000-9000", "udp portrange 16384-32767", "portrange 2000-1000", "portrange 80", "src portrange 1-1023",
        "not port 22", "port domain", "udp port ntp", "tcp port ssh", "portrange ssh-http", "port not 80",
        "src and dst portrange 1-1023", "port 0", "port 65535", "tcp port (http or https)", "port 53 or port 5353 or 1900",
        // tags, labels, sessions
        "vlan", "vlan and ip", "vlan and vlan", "vlan 100", "vlan 100 and tcp", "not vlan", "vlan or ip", "vlan and vlan and ip",
        "vlan 1 or vlan 2", "(vlan 1) or (vlan 2)", "vlan and arp", "vlan and host 10.0.0.1", "vlan and port 80",
        "vlan and tcp[13] & 2 != 0", "vlan and ip[8] < 64", "vlan and ether[12:2] = 0x8100", "ip or vlan and ip",
        "vlan (100)", "vlan and not vlan", "vlan and llc", "vlan and ether broadcast", "mpls", "mpls and mpls", "mpls and ip",
        "mpls and mpls and ip", "mpls 16", "mpls and host 10.0.0.1", "mpls and tcp", "mpls and ip6", "mpls and port 53",
        "mpls and ip[8] > 1", "mpls 1024 and mpls 1025", "not mpls", "vlan or mpls", "vlan and mpls", "vlan and mpls and ip",
        "pppoed", "pppoes", "pppoes 1", "pppoes and ip", "pppoes and ip6", "pppoes and tcp", "pppoes and port 80",
        "pppoes and host 10.0.0.1", "pppoes 17 and udp", "vlan and pppoes and ip", "pppoes and ip[9] = 6", "not pppoes",
        "geneve", "geneve and ip", "geneve 10", "geneve and host 10.0.0.1", "geneve and tcp", "geneve and port 80",
        "geneve and ether multicast", "geneve and arp", "geneve and ip6", "geneve and ip[8] > 1", "geneve and vlan",
        "geneve and tcp[13] & 2 != 0", "geneve and icmp", "geneve and geneve", "not geneve", "geneve and ether[0] & 1 = 1",
        "geneve and icmp6[0] = 128", "geneve and mpls", "geneve and not arp",
        // lengths
        "len > 1000", "greater 500", "less 64", "len = 60", "len > 100 and len <= 200", "len != 60", "len < 100", "length >= 1514",
        "len & 1 = 1", "len - 14 > ip[2:2]", "len * 2 > 600 and udp", "1000 < len",
        // bytes and arithmetic
        "ip[8] < 64", "ip[0] & 0xf > 5", "ip[6:2] & 0x1fff != 0", "ip[6] & 0x20 != 0", "ip[2:2] > 576", "ip[0] = 0x45",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-syn", "tcp[13] & 0x12 = 0x12",
        "tcp[tcpflags] & tcp-rst != 0", "tcp[14:2] = 0", "tcp[0:2] = 80 or tcp[2:2] = 80",
        "tcp and (ip[2:2] - ((ip[0]&0xf)<<2) - ((tcp[12]&0xf0)>>2)) != 0", "tcp[((tcp[12]&0xf0)>>2):4] = 0x47455420",
        "tcp[tcp[12] >> 2 & 0x3c] > 0", "tcp[4:4] > tcp[8:4]", "udp[4:2] > 100", "udp[8:2] & 0x8000 != 0",
        "udp[4:2] = ip[2:2] - 20", "icmp[icmptype] = icmp-echo", "icmp[icmptype] != icmp-echoreply", "icmp[icmpcode] = 0",
        "icmp[0] = icmp-unreach", "icmp6 and ip6[40] = 135", "icmp6[icmp6type] = icmp6-echo", "icmp6[icmp6code] = 0",
        "icmp6[0] = icmp6-routeradvert or icmp6[0] = icmp6-neighborsolicit", "igmp[0] = 0x16", "sctp[12] = 0", "pim[0] & 0xf = 0",
        "vrrp[0] >> 4 = 2", "ip6[6] = 44", "ip6[4:2] > 100", "ip6[0] & 0xf0 = 0x60", "arp[6:2] = 1", "arp[7] = 2", "rarp[7] = 3",
        "ether[0] & 1 = 0", "ether[12:2] < 1536", "ether[12:2] > 1500 and ether[12:2] != 0x800", "ether[6:4] = 0",
        "link[0] = 255", "ether[len - 1] = 0", "ether[14 + 9] = 6", "ether[ether[14] & 0xf] = 0", "ether[5000] = 1",
        "ip[1] | ip[8] > 128", "ip[4:2] ^ 0xffff < 4096", "ip[8] / 2 = 32", "ip[9] % 2 = 1", "ip[8] * 4 > 255", "-ip[8] > 5",
        "ip[8] << 1 = 128", "ip[2:2] >> 8 = 5", "ip[2:2] / ip[8] > 10", "ip[2:2] % ip[8] = 0", "ip[0] - 0x40 = 5",
        "ip[8] + 1 > 64", "1 + ip[8] > 64", "2 * 3 = 6", "ip[0] - 70 > 1000", "ip[8] = 0x40", "ip[8] = 0100", "5 > 3",
        "ip[9] & 1 + 2 * 3 = 1", "ip[8] % 10 + 1 = 5", "ip[8] & 0x0f | 0x30 > 0x3a", "ip[8] ^ 1 & 3 = 1", "-ip[8] % 7 = 3",
        "(ip[8] + 1) * 2 = 130", "((ip[8])) = 64", "ip[8] << ip[9] > 64", "ip[8] >> (ip[9] & 3) = 16", "tcp[-1] = 0",
        "ip[12:4] = 0x0a000001", "ip[16] >= 224", "ip[12:4] = ip[16:4]", "ip[0] + tcp[0] > 100", "tcp[0] + ip[0] > 100",
        "atalk[0] = 0", "decnet[0] > 0", "byte 0 = 1", "byte 12 > 7", "byte 13 < 7",
        // joining
        "not ip", "ip or ip6", "(tcp or udp) and not (port 80 or port 443 or port 53)", "tcp and src port 5432 or dst port 5432",
        "ip and not tcp and not udp", "not not ip", "!tcp && !udp", "tcp || udp", "not (tcp or udp)", "ip and (tcp or udp)",
        "arp or rarp and ip", "ip and tcp or udp and ip6", "tcp port 80 and (host 10.0.0.1 or len > 500)",
        "not tcp port 80", "tcp and not port 80", "not (ip and not (tcp and not port 80))", "port 80 or (host 10.0.0.1) or 443",
        "((((tcp))))", "ip or tcp or udp or icmp or arp", "tcp or tcp or tcp", "ip and ip and ip", "tcp and udp", "ip and ip6",
        "udp port 4789", "udp port 6081 or udp port 2152", "udp port 4789 and udp[8] & 8 != 0", "geneve or ip6 proto 200",
        "ip[6:2] & 0x3fff != 0 and not port 53", "ip and host 10.0.0.1 and port 53 and len > 60 and not ip[8] < 10",
    ];

    /// <summary>Expressions over what occurs in the corpus, the same for the same seed.</summary>
    public static List<string> Generate(FrameCorpus corpus, int count, int seed)
    {
        var random = new Random(seed);
        var expressions = new List<string>();
        while (expressions.Count < count)
        {
            expressions.Add(Expression(corpus, random, random.Next(3)));
        }

        return expressions;
    }

    private static string Expression(FrameCorpus corpus, Random random, int depth)
    {
        if (depth == 0)
        {
            return (random.Next(5) == 0 ? "not " : "") + Primitive(corpus, random);
        }

        var left = Expression(corpus, random, depth - 1);
        var right = Expression(corpus, random, random.Next(depth));
        return random.Next(3) switch
        {
            0 => $"{left} and {right}",
            1 => $"{left} or {right}",
            _ => $"({left} or {right}) and {Primitive(corpus, random)}",
        };
    }

    private static string Primitive(FrameCorpus corpus, Random random)
    {
        var frame = corpus.Frame(random.Next(corpus.Count), out var length);
        var direction = Pick(random, "", "src ", "dst ");
        var isIpv4 = frame.Length >= 38 && frame[12] == 8 && frame[13] == 0 && frame[14] == 0x45;
        var isIpv6 = frame.Length >= 54 && frame[12] == 0x86 && frame[13] == 0xdd;
        switch (random.Next(12))
        {
            case 0 when isIpv4:
                return $"{direction}host {Address4(frame, random)}";
            case 1 when isIpv4:
                return $"{direction}net {frame[26]}.{frame[27]}.0.0/16";
            case 2 when isIpv4:
                return $"{Pick(random, "", "tcp ", "udp ")}{direction}port {(frame[34] << 8) + frame[35]}";
            case 3 when isIpv4:
                var port = (frame[36] << 8) + frame[37];
                return $"{direction}portrange {port}-{Math.Min(port + random.Next(3000), 65535)}";
            case 4 when isIpv6:
                return $"{direction}host {new System.Net.IPAddress(frame.Slice(random.Next(2) == 0 ? 22 : 38, 16))}";
            case 5 when frame.Length >= 12:
                return $"ether {direction}host {Convert.ToHexString(frame.Slice(6 * random.Next(2), 6)).ToLowerInvariant()}";
            case 6 when frame.Length >= 14:
                return string.Create(CultureInfo.InvariantCulture, $"ether[12:2] = {(frame[12] << 8) + frame[13]}");
            case 7:
                return $"len {Pick(random, "=", ">", "<", "!=", ">=", "<=")} {length}";
            case 8:
                return $"{Pick(random, "ip", "tcp", "udp", "icmp")}[{random.Next(20)}] "
                    + $"{Pick(random, "& 15", "| 1", "^ 3", "+ 7", "- 1", "* 3", ">> 2", "<< 1", "/ 3", "% 5")} "
                    + $"{Pick(random, "=", ">", "<", "!=")} {random.Next(40)}";
            case 9:
                return $"{Pick(random, "ip", "ip6", "tcp")}[{random.Next(30)}:{Pick(random, "2", "4")}] > {random.Next()}";
            default:
                return Pick(random, "ip", "ip6", "tcp", "udp", "icmp", "arp", "ip multicast", "ether broadcast", "llc", "vlan");
        }
    }

    private static string Address4(ReadOnlySpan<byte> frame, Random random)
    {
        var address = frame.Slice(random.Next(2) == 0 ? 26 : 30, 4);
        return $"{address[0]}.{address[1]}.{address[2]}.{address[3]}";
    }

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}

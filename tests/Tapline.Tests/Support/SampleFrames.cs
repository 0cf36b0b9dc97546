// One frame for each protocol and tunnel that the decoder knows, with what it should find. Tests walk them whole, cut
// at each byte, and mutated; the fuzzer starts from them.
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Tests.Support;

/// <summary>A frame and the answer.</summary>
public sealed record SampleFrame(string Name, byte[] Bytes, DecodeVerdict Verdict, int IpVersion, int Protocol)
{
    public LinkType LinkType { get; init; } = LinkType.Ethernet;

    public int SourcePort { get; init; }

    public int DestinationPort { get; init; }

    public int Payload { get; init; }

    public TunnelKind Tunnel { get; init; }

    public uint Vni { get; init; }

    public int Depth { get; init; }

    public int[] Vlans { get; init; } = [];

    public override string ToString() => Name;
}

/// <summary>The samples.</summary>
public static class SampleFrames
{
    private const int Tcp = 6;
    private const int Udp = 17;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SampleFrame> All { get; } = [.. Links(), .. Networks(), .. Transports(), .. Tunnels()];

    private static FrameBuilder Frame => new();

    /// <summary>The inside of most samples: TCP 1000 → 80 with five bytes.</summary>
    private static byte[] Web(FrameBuilder carrier, bool version6 = false) =>
        (version6 ? carrier.Ipv6() : carrier.Ipv4()).Tcp(1000, 80).Payload("hello").Build();

    private static SampleFrame WebSample(string name, byte[] bytes, int version = 4) =>
        new(name, bytes, DecodeVerdict.Transport, version, Tcp) { SourcePort = 1000, DestinationPort = 80, Payload = 5 };

    private static IEnumerable<SampleFrame> Links()
    {
        yield return WebSample("ethernet ipv4", Web(Frame.Ethernet()));
        yield return WebSample("ethernet ipv6", Web(Frame.Ethernet(), version6: true), 6);
        yield return WebSample("vlan", Web(Frame.Ethernet().Vlan(10))) with { Vlans = [10] };
        yield return WebSample("qinq", Web(Frame.Ethernet().Vlan(20, tpid: 0x88A8).Vlan(10))) with { Vlans = [20, 10] };
        yield return WebSample("five vlans", Web(Frame.Ethernet().Vlan(1).Vlan(2).Vlan(3).Vlan(4).Vlan(5)))
            with { Vlans = [1, 2, 3, 4] };
        yield return WebSample("pppoe", Web(Frame.Ethernet().Pppoe(7)));
        yield return WebSample("pppoe ipv6", Web(Frame.Ethernet().Pppoe(7), version6: true), 6);
        yield return WebSample("snap", Snap(Web(Frame)));
        yield return WebSample("cisco metadata", Web(Frame.Ethernet().Raw([1, 1, 0, 1, 0, 5, 8, 0], 0x8909)));
        yield return new("arp", Frame.Ethernet().Arp().Build(60), DecodeVerdict.Link, 0, 0) { Payload = 46 };
        yield return new("stp", [.. new byte[12], 0, 38, 0x42, 0x42, 3, .. new byte[43]], DecodeVerdict.Link, 0, 0)
            { Payload = 35 };
        yield return new("lldp", Frame.Ethernet(type: 0x88CC).Payload(20).Build(), DecodeVerdict.Link, 0, 0)
            { Payload = 20 };
        yield return new("pppoe lcp", Frame.Ethernet(type: 0x8864)
            .Payload([0x11, 0, 0, 1, 0, 6, 0xC0, 0x21, 1, 1, 0, 4]).Build(), DecodeVerdict.Link, 0, 0) { Payload = 4 };
        yield return WebSample("raw", Web(Frame)) with { LinkType = LinkType.Raw };
        yield return WebSample("raw ipv6", Web(Frame, version6: true), 6) with { LinkType = LinkType.Ipv6 };
        yield return WebSample("null little endian", [2, 0, 0, 0, .. Web(Frame)]) with { LinkType = LinkType.Null };
        yield return WebSample("null big endian", [0, 0, 0, 30, .. Web(Frame, version6: true)], 6)
            with { LinkType = LinkType.Null };
        yield return WebSample("loop", [0, 0, 0, 2, .. Web(Frame)]) with { LinkType = LinkType.Loop };
        yield return WebSample("ppp", [0xFF, 3, 0, 0x21, .. Web(Frame)]) with { LinkType = LinkType.PppHdlc };
        yield return WebSample("ppp compressed", [0x21, .. Web(Frame)]) with { LinkType = LinkType.Ppp };
        yield return WebSample("cisco hdlc", [0x0F, 0, 8, 0, .. Web(Frame)]) with { LinkType = LinkType.PppHdlc };
        yield return WebSample("ppp with direction", [1, 0xFF, 3, 0, 0x57, .. Web(Frame, version6: true)], 6)
            with { LinkType = LinkType.PppWithDirection };
        yield return WebSample("pppoe link", [0x11, 0, 0, 1, 0, 47, 0, 0x21, .. Web(Frame)])
            with { LinkType = LinkType.PppEther };
        yield return WebSample("sll", [0, 0, 0, 1, 0, 6, .. new byte[8], 8, 0, .. Web(Frame)])
            with { LinkType = LinkType.LinuxSll };
        yield return WebSample("sll2",
            [0x86, 0xDD, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, .. new byte[8], .. Web(Frame, version6: true)], 6)
            with { LinkType = LinkType.LinuxSll2 };
        yield return new("802.11", new byte[40], DecodeVerdict.UndecodableLink, 0, 0)
            { LinkType = LinkType.Ieee80211Radiotap, Payload = 40 };
    }

    private static byte[] Snap(byte[] packet) =>
        [.. new byte[12], 0, (byte)(packet.Length + 8), 0xAA, 0xAA, 3, 0, 0, 0, 8, 0, .. packet];

    private static IEnumerable<SampleFrame> Networks()
    {
        yield return WebSample("ipv4 options",
            Frame.Ethernet().Ipv4(options: [0x94, 4, 0, 0]).Tcp(1000, 80).Payload("hello").Build());
        yield return WebSample("ipv4 padded", Frame.Ethernet().Ipv4().Tcp(1000, 80).Payload("hello").Build(80));
        yield return WebSample("ipv4 length 0",
            Frame.Ethernet().Ipv4(totalLength: 0).Tcp(1000, 80).Payload("hello").Build());
        yield return WebSample("ipv6 length 0",
            Frame.Ethernet().Ipv6(payloadLength: 0).Tcp(1000, 80).Payload("hello").Build(), 6);
        yield return WebSample("ipv6 extensions", Frame.Ethernet()
            .Ipv6(next: 0, extensions: [43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 51, 0, 1, 4, 0, 0, 0, 0,
                6, 4, 0, 0, .. new byte[20]]).Tcp(1000, 80).Payload("hello").Build(), 6);
        yield return WebSample("ipv6 atomic fragment", Frame.Ethernet()
            .Ipv6(next: 44, extensions: [6, 0, 0, 0, 0, 0, 0, 9]).Tcp(1000, 80).Payload("hello").Build(), 6);
        yield return new("ipv4 first fragment",
            Frame.Ethernet().Ipv4(more: true).Udp(5, 6, length: 3000).Payload(32).Build(),
            DecodeVerdict.Transport, 4, Udp) { SourcePort = 5, DestinationPort = 6, Payload = 32 };
        yield return new("ipv4 later fragment", Frame.Ethernet().Ipv4(fragmentOffset: 40, protocol: 17).Payload(24).Build(),
            DecodeVerdict.Fragment, 4, Udp) { Payload = 24 };
        yield return new("ipv4 tiny first fragment",
            Frame.Ethernet().Ipv4(more: true, protocol: 6).Payload([3, 0xE8, 0, 80, 1, 2, 3, 4]).Build(),
            DecodeVerdict.Fragment, 4, Tcp) { SourcePort = 1000, DestinationPort = 80, Payload = 8 };
        yield return new("ipv6 later fragment",
            Frame.Ethernet().Ipv6(next: 44, extensions: [17, 0, 0, 0x28, 0, 0, 0, 9]).Payload(24).Build(),
            DecodeVerdict.Fragment, 6, Udp) { Payload = 24 };
        yield return new("esp", Frame.Ethernet().Ipv4(protocol: 50).Payload(40).Build(), DecodeVerdict.Network, 4, 50)
            { Payload = 40 };
        yield return new("ospf", Frame.Ethernet().Ipv4(protocol: 89).Payload(44).Build(), DecodeVerdict.Network, 4, 89)
            { Payload = 44 };
        yield return new("ipv6 nothing", Frame.Ethernet().Ipv6(next: 59).Build(), DecodeVerdict.Network, 6, 59);
        yield return WebSample("ipv4 ah", Frame.Ethernet().Ipv4(protocol: 51).Raw([6, 4, 0, 0, .. new byte[20]])
            .Tcp(1000, 80).Payload("hello").Build());
        yield return WebSample("ipv6 jumbo", Frame.Ethernet().Ipv6(next: 0, payloadLength: 0,
            extensions: [6, 0, 0xC2, 4, 0, 1, 0x11, 0x70]).Tcp(1000, 80).Payload(70_000 - 28).Build(), 6) with { Payload = 69_972 };
    }

    private static IEnumerable<SampleFrame> Transports()
    {
        SampleFrame Ports(string name, byte[] bytes, int protocol, int payload, int version = 4) =>
            new(name, bytes, DecodeVerdict.Transport, version, protocol)
            {
                SourcePort = 5000, DestinationPort = 53, Payload = payload,
            };
        yield return Ports("udp", Frame.Ethernet().Ipv4().Udp(5000, 53).Payload(11).Build(60), Udp, 11);
        yield return Ports("udp ipv6", Frame.Ethernet().Ipv6().Udp(5000, 53).Payload(11).Build(), Udp, 11, 6);
        yield return Ports("udp shorter than its packet",
            Frame.Ethernet().Ipv4().Udp(5000, 53, length: 10).Payload(11).Build(60), Udp, 2);
        yield return Ports("udplite", Frame.Ethernet().Ipv4().UdpLite(5000, 53).Payload(11).Build(), 136, 11);
        yield return Ports("sctp", Frame.Ethernet().Ipv4().Sctp(5000, 53).Payload(16).Build(), 132, 16);
        yield return Ports("dccp", Frame.Ethernet().Ipv4(protocol: 33)
            .Payload([0x13, 0x88, 0, 53, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9]).Build(), 33, 2);
        yield return Ports("tcp options", Frame.Ethernet().Ipv4().Tcp(5000, 53, TcpFlag.Syn, options:
            [2, 4, 5, 0xB4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7]).Build(), Tcp, 0);
        yield return new("icmp echo", Frame.Ethernet().Ipv4().Icmp(8, 0, 77, 1).Payload(56).Build(),
            DecodeVerdict.Transport, 4, 1) { SourcePort = 0x800, DestinationPort = 77, Payload = 56 };
        yield return new("icmp error", Frame.Ethernet().Ipv4().Icmp(3, 3).Payload(Frame.Ipv4().Udp(1, 2).Build()).Build(),
            DecodeVerdict.Transport, 4, 1) { SourcePort = 0x303, Payload = 28 };
        yield return new("icmpv6 echo", Frame.Ethernet().Ipv6().Icmpv6(129, 0, 77, 1).Payload(8).Build(),
            DecodeVerdict.Transport, 6, 58) { SourcePort = 0x8100, DestinationPort = 77, Payload = 8 };
        yield return new("icmpv6 error", Frame.Ethernet().Ipv6().Icmpv6(2).Payload(Frame.Ipv6().Udp(1, 2).Build()).Build(),
            DecodeVerdict.Transport, 6, 58) { SourcePort = 0x200, Payload = 48 };
        yield return new("igmp", Frame.Ethernet().Ipv4(protocol: 2, options: [0x94, 4, 0, 0]).Payload(8).Build(60),
            DecodeVerdict.Transport, 4, 2);
    }

    private static IEnumerable<SampleFrame> Tunnels()
    {
        SampleFrame Inside(string name, byte[] bytes, TunnelKind kind, uint vni = 0, int version = 4, int depth = 1) =>
            WebSample(name, bytes, version) with { Tunnel = kind, Vni = vni, Depth = depth };
        FrameBuilder Ip() => Frame.Ethernet().Ipv4("192.0.2.1", "192.0.2.2");
        FrameBuilder Ip6() => Frame.Ethernet().Ipv6("2001:db8:f::1", "2001:db8:f::2");
        yield return Inside("vxlan", Web(Ip().Udp(50000, 4789).Vxlan(42).Ethernet()), TunnelKind.Vxlan, 42);
        yield return Inside("vxlan ipv6 carrier", Web(Ip6().Udp(50000, 4789).Vxlan(42).Ethernet()), TunnelKind.Vxlan, 42);
        yield return Inside("vxlan old port", Web(Ip().Udp(50000, 8472).Vxlan(42).Ethernet().Vlan(9)), TunnelKind.Vxlan, 42)
            with { Vlans = [9] };
        yield return Inside("vxlan-gpe", Web(Ip().Udp(50000, 4790).VxlanGpe(42), version6: true), TunnelKind.VxlanGpe, 42, 6);
        yield return Inside("vxlan-gpe nsh", Web(Ip().Udp(50000, 4790).Raw([0x0C, 0, 0, 4, 0, 0, 42, 0])
            .Raw([0, 6, 1, 1, 0, 0, 1, 255, .. new byte[16]])), TunnelKind.VxlanGpe, 42, depth: 2);
        yield return Inside("geneve options", Web(Ip().Udp(50000, 6081).Geneve(42, [1, 2, 3, 1, 9, 9, 9, 9]).Ethernet()),
            TunnelKind.Geneve, 42);
        yield return Inside("geneve ip", Web(Ip().Udp(50000, 6081).Geneve(42), version6: true), TunnelKind.Geneve, 42, 6);
        yield return Inside("gre", Web(Ip().Gre()), TunnelKind.Gre);
        yield return Inside("gre key", Web(Ip().Gre(key: 42, sequence: 1), version6: true), TunnelKind.Gre, 42, 6);
        yield return Inside("gre all fields", Web(Ip().Raw([0xF0, 0, 8, 0, 1, 1, 0, 0, 0, 0, 0, 42, 0, 0, 0, 7,
            8, 0, 0, 4, 1, 1, 1, 1, 0, 0, 0, 0], ipProtocol: 47)), TunnelKind.Gre, 42);
        yield return Inside("gre ethernet", Web(Ip().Gre(key: 42).Ethernet()), TunnelKind.Gre, 42);
        yield return Inside("nvgre", Web(Ip().Gre(key: 0x123456_07).Ethernet()), TunnelKind.Nvgre, 0x123456);
        yield return Inside("pptp", Web(Ip().Raw(
            [0x30, 0x81, 0x88, 0x0B, 0, 49, 0, 42, 0, 0, 0, 1, 0, 0, 0, 1, 0xFF, 3, 0, 0x21], ipProtocol: 47)), TunnelKind.Gre, 42);
        yield return Inside("erspan 1", Web(Ip().Gre(protocol: 0x88BE).Ethernet()), TunnelKind.Erspan1);
        yield return Inside("erspan 2", Web(Ip().Gre(sequence: 9).Erspan2(7).Ethernet()), TunnelKind.Erspan2, 7);
        yield return Inside("erspan 3", Web(Ip().Gre(sequence: 9).Erspan3(7).Ethernet()), TunnelKind.Erspan3, 7);
        yield return Inside("erspan 3 platform", Web(Ip().Gre(sequence: 9, protocol: 0x22EB)
            .Raw([0x20, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, .. new byte[8]]).Ethernet()), TunnelKind.Erspan3, 7);
        yield return Inside("4in4", Web(Ip()), TunnelKind.IpInIp);
        yield return Inside("6in4", Web(Ip(), version6: true), TunnelKind.IpInIp, version: 6);
        yield return Inside("4in6", Web(Ip6()), TunnelKind.IpInIp);
        yield return Inside("6in6", Web(Ip6(), version6: true), TunnelKind.IpInIp, version: 6);
        yield return Inside("gtp-u", Web(Ip().Udp(2152, 2152).Gtpu(0xCAFE)), TunnelKind.Gtpu, 0xCAFE);
        yield return Inside("gtp-u extensions", Web(Ip().Udp(2152, 2152)
            .Gtpu(0xCAFE, [0, 1, 0, 0x85, 1, 0x10, 9, 0x85, 1, 0, 0, 0], 0x36), version6: true), TunnelKind.Gtpu, 0xCAFE, 6);
        yield return Inside("etherip", Web(Ip().EtherIp().Ethernet()), TunnelKind.EtherIp);
        yield return Inside("mpls over udp", Web(Ip().Udp(50000, 6635).Mpls(16)), TunnelKind.MplsOverUdp, 16);
        yield return Inside("mpls in ip", Web(Ip().Mpls(16)), TunnelKind.Mpls, 16);
        yield return Inside("mpls", Web(Frame.Ethernet().Mpls(1000, bottom: false).Mpls(16)), TunnelKind.Mpls, 16);
        yield return Inside("mpls ipv6", Web(Frame.Ethernet().Mpls(16), version6: true), TunnelKind.Mpls, 16, 6);
        yield return Inside("mpls pseudowire", Web(Frame.Ethernet().Mpls(16).Raw([0, 0, 0, 0]).Ethernet()), TunnelKind.Mpls, 16);
        yield return Inside("mpls pseudowire without control word",
            Web(Frame.Ethernet().Mpls(16).Ethernet("02:00:00:00:00:01", "00:1b:21:00:00:02")), TunnelKind.Mpls, 16);
        yield return Inside("mpls pseudowire to a mac like ipv4",
            Web(Frame.Ethernet().Mpls(16).Ethernet("02:00:00:00:00:01", "4c:00:ff:ff:00:02")), TunnelKind.Mpls, 16);
        yield return Inside("gre mpls", Web(Ip().Gre(key: 5, protocol: 0x8847).Mpls(16)), TunnelKind.Gre, 5, depth: 2);
        yield return Inside("erspan vxlan", Web(Ip().Gre(sequence: 9).Erspan2(7).Ethernet()
            .Ipv4("198.51.100.1", "198.51.100.2").Udp(50000, 4789).Vxlan(42).Ethernet()), TunnelKind.Vxlan, 42, depth: 2);
        yield return new("vxlan arp", Ip().Udp(50000, 4789).Vxlan(42).Ethernet().Arp().Build(), DecodeVerdict.Link, 0, 0)
            { Tunnel = TunnelKind.Vxlan, Vni = 42, Depth = 1, Payload = 28 };
        yield return new("gre keepalive", Ip().Gre(protocol: 0).Build(60), DecodeVerdict.Network, 4, 47) { Payload = 4 };
        yield return new("gtp-u echo", Ip().Udp(2152, 2152).Payload([0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]).Build(60),
            DecodeVerdict.Transport, 4, Udp) { SourcePort = 2152, DestinationPort = 2152, Payload = 12 };
        yield return new("vxlan port without vxlan", Ip().Udp(50000, 4789).Payload(16).Build(60),
            DecodeVerdict.Transport, 4, Udp) { SourcePort = 50000, DestinationPort = 4789, Payload = 16 };
    }
}

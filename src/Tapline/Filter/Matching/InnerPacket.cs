// `inner …`: addresses, ports and protocols of the innermost packet, as the decoder found it; of the packet itself where
// there is no tunnel. Unlike the primitives of pcap-filter(7), these look behind IPv6 extension headers.
using System.Buffers.Binary;
using Tapline.Decode;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>Judges the innermost packet.</summary>
internal static class InnerPacket
{
    /// <summary>One primitive; lowering has taken `and`, `or` and `not` apart.</summary>
    public static bool Matches(FilterNode node, in FrameLayout layout, ReadOnlySpan<byte> frame) => node switch
    {
        FilterNode.Protocol protocol => IsProtocol(protocol.Word, layout),
        FilterNode.ProtocolNumber number => IsNumber(number, layout),
        FilterNode.Port port => IsPort(port, layout),
        FilterNode.Mac mac => IsMac(mac, layout, frame),
        FilterNode.Host4 host => IsHost4(host, layout, frame),
        FilterNode.Host6 host => IsHost6(host, layout, frame),
        _ => false,
    };

    private static bool IsProtocol(ProtocolWord word, in FrameLayout layout) => word switch
    {
        ProtocolWord.Ip => layout.IpVersion == 4,
        ProtocolWord.Ip6 => layout.IpVersion == 6,
        ProtocolWord.Arp => layout.IpVersion == 0 && layout.EtherType == EtherTypes.Arp,
        ProtocolWord.Rarp => layout.IpVersion == 0 && layout.EtherType == 0x8035,
        ProtocolWord.Icmp => layout is { IpVersion: 4, IpProtocol: 1 },
        ProtocolWord.Icmp6 => layout is { IpVersion: 6, IpProtocol: 58 },
        ProtocolWord.Igmp => layout is { IpVersion: 4, IpProtocol: 2 },
        ProtocolWord.Vrrp => layout is { IpVersion: 4, IpProtocol: 112 },
        _ => layout.IpVersion != 0 && layout.IpProtocol == Number(word),
    };

    private static byte Number(ProtocolWord word) => word switch
    {
        ProtocolWord.Tcp => 6,
        ProtocolWord.Udp => 17,
        ProtocolWord.Sctp => 132,
        ProtocolWord.Esp => 50,
        ProtocolWord.Ah => 51,
        _ => 103,
    };

    private static bool IsNumber(FilterNode.ProtocolNumber number, in FrameLayout layout) => number.Qualifier switch
    {
        ProtocolWord.Ip => layout.IpVersion == 4 && layout.IpProtocol == number.Number,
        ProtocolWord.Ip6 => layout.IpVersion == 6 && layout.IpProtocol == number.Number,
        ProtocolWord.None => layout.IpVersion != 0 && layout.IpProtocol == number.Number,
        _ => (layout.Flags & LayoutFlags.Llc) == 0 && layout.EtherType == number.Number,
    };

    private static bool IsPort(FilterNode.Port port, in FrameLayout layout)
    {
        var hasPorts = (layout.Flags & LayoutFlags.HasTransport) != 0 && (port.Qualifier == ProtocolWord.None
            ? layout.IpProtocol is 6 or 17 or 132 : layout.IpProtocol == Number(port.Qualifier));
        return hasPorts && Either(port.Direction, IsIn(layout.SourcePort, port), IsIn(layout.DestinationPort, port));
    }

    private static bool IsIn(ushort value, FilterNode.Port port) => value >= port.Low && value <= port.High;

    private static bool IsMac(FilterNode.Mac mac, in FrameLayout layout, ReadOnlySpan<byte> frame) =>
        (layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset + 12 <= frame.Length && Either(
            mac.Direction, FrameQuestion.Mac(frame[(layout.LinkOffset + 6)..]) == mac.Address,
            FrameQuestion.Mac(frame[layout.LinkOffset..]) == mac.Address);

    // ARP for Ethernet and IPv4 (RFC 826): sender at 14, target at 24.
    private static bool IsHost4(FilterNode.Host4 host, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var isIp = layout.IpVersion == 4 && host.Qualifier is ProtocolWord.None or ProtocolWord.Ip;
        var isArp = (host.Qualifier is ProtocolWord.None or ProtocolWord.Arp && IsProtocol(ProtocolWord.Arp, layout))
            || (host.Qualifier is ProtocolWord.None or ProtocolWord.Rarp && IsProtocol(ProtocolWord.Rarp, layout));
        var (source, destination) = isIp ? (12, 16) : (14, 24);
        return (isIp || isArp) && layout.NetworkOffset + destination + 4 <= frame.Length && Either(
            host.Direction, IsNet4(frame, layout.NetworkOffset + source, host),
            IsNet4(frame, layout.NetworkOffset + destination, host));
    }

    private static bool IsNet4(ReadOnlySpan<byte> frame, int offset, FilterNode.Host4 host) =>
        (BinaryPrimitives.ReadUInt32BigEndian(frame[offset..]) & host.Mask) == host.Address;

    private static bool IsHost6(FilterNode.Host6 host, in FrameLayout layout, ReadOnlySpan<byte> frame) =>
        layout.IpVersion == 6 && layout.NetworkOffset + 40 <= frame.Length && Either(
            host.Direction, IsNet6(frame, layout.NetworkOffset + 8, host), IsNet6(frame, layout.NetworkOffset + 24, host));

    private static bool IsNet6(ReadOnlySpan<byte> frame, int offset, FilterNode.Host6 host) =>
        (BinaryPrimitives.ReadUInt128BigEndian(frame[offset..]) & host.Mask) == host.Address;

    private static bool Either(Direction direction, bool source, bool destination) => direction switch
    {
        Direction.Source => source,
        Direction.Destination => destination,
        Direction.Both => source && destination,
        _ => source || destination,
    };
}

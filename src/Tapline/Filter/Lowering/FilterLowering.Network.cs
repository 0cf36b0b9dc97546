// Addresses, protocols and ports.
using Tapline.Filter.Tree;
using static Tapline.Filter.Lowering.Condition;

namespace Tapline.Filter.Lowering;

internal sealed partial class FilterLowering
{
    private const uint TcpNumber = 6;
    private const uint UdpNumber = 17;
    private const uint SctpNumber = 132;
    private const uint FragmentHeader = 44;
    private const uint FragmentOffsetBits = 0x1fff;

    // ISO/IEC TR 9577 and 10589 clause 9: first byte of the network protocol, types of IS-IS packets.
    private const uint IsoClnp = 0x81;
    private const uint IsoEsis = 0x82;
    private const uint IsoIsis = 0x83;
    private static readonly uint[] s_level1 = [26, 24, 18, 15, 17];
    private static readonly uint[] s_level2 = [27, 25, 20, 16, 17];
    private static readonly uint[] s_hellos = [17, 15, 16];
    private static readonly uint[] s_linkStates = [18, 20];
    private static readonly uint[] s_sequenceNumbers = [27, 26, 24, 25];
    private static readonly uint[] s_completeSequenceNumbers = [24, 25];
    private static readonly uint[] s_partialSequenceNumbers = [26, 27];

    // A protocol word alone.
    private Condition Protocol(ProtocolWord word, FilterNode node) => word switch
    {
        ProtocolWord.Ip => LinkTypeIs(EtherType.Ip, node),
        ProtocolWord.Ip6 => LinkTypeIs(EtherType.Ip6, node),
        ProtocolWord.Arp => LinkTypeIs(EtherType.Arp, node),
        ProtocolWord.Rarp => LinkTypeIs(EtherType.Rarp, node),
        ProtocolWord.Tcp => ProtocolNumber(ProtocolWord.None, TcpNumber, node),
        ProtocolWord.Udp => ProtocolNumber(ProtocolWord.None, UdpNumber, node),
        ProtocolWord.Sctp => ProtocolNumber(ProtocolWord.None, SctpNumber, node),
        ProtocolWord.Icmp => ProtocolNumber(ProtocolWord.Ip, 1, node),
        ProtocolWord.Icmp6 => ProtocolNumber(ProtocolWord.Ip6, 58, node),
        ProtocolWord.Igmp => ProtocolNumber(ProtocolWord.Ip, 2, node),
        ProtocolWord.Igrp => ProtocolNumber(ProtocolWord.Ip, 9, node),
        ProtocolWord.Pim => ProtocolNumber(ProtocolWord.None, 103, node),
        ProtocolWord.Ah => ProtocolNumber(ProtocolWord.None, 51, node),
        ProtocolWord.Esp => ProtocolNumber(ProtocolWord.None, 50, node),
        ProtocolWord.Vrrp or ProtocolWord.Carp => ProtocolNumber(ProtocolWord.Ip, 112, node),
        ProtocolWord.Atalk => LinkTypeIs(EtherType.Atalk, node),
        ProtocolWord.Aarp => LinkTypeIs(EtherType.Aarp, node),
        ProtocolWord.Decnet => LinkTypeIs(EtherType.Decnet, node),
        ProtocolWord.Lat => LinkTypeIs(EtherType.Lat, node),
        ProtocolWord.Sca => LinkTypeIs(EtherType.Sca, node),
        ProtocolWord.Moprc => LinkTypeIs(EtherType.MopRemote, node),
        ProtocolWord.Mopdl => LinkTypeIs(EtherType.MopDump, node),
        ProtocolWord.Iso => LinkTypeIs(EtherType.SapIso, node),
        ProtocolWord.Esis => ProtocolNumber(ProtocolWord.Iso, IsoEsis, node),
        ProtocolWord.Isis => ProtocolNumber(ProtocolWord.Iso, IsoIsis, node),
        ProtocolWord.Clnp => ProtocolNumber(ProtocolWord.Iso, IsoClnp, node),
        ProtocolWord.IsisL1 => Isis(s_level1, node),
        ProtocolWord.IsisL2 => Isis(s_level2, node),
        ProtocolWord.IsisIih => Isis(s_hellos, node),
        ProtocolWord.IsisLsp => Isis(s_linkStates, node),
        ProtocolWord.IsisSnp => Isis(s_sequenceNumbers, node),
        ProtocolWord.IsisCsnp => Isis(s_completeSequenceNumbers, node),
        ProtocolWord.IsisPsnp => Isis(s_partialSequenceNumbers, node),
        ProtocolWord.Stp => LinkTypeIs(EtherType.SapSpanningTree, node),
        ProtocolWord.Ipx => LinkTypeIs(EtherType.SapIpx, node),
        ProtocolWord.Netbeui => LinkTypeIs(EtherType.SapNetbeui, node),
        _ => Mistake(node, "the protocol says nothing here"),
    };

    private Condition Isis(uint[] types, FilterNode node)
    {
        var condition = ProtocolNumber(ProtocolWord.Isis, types[0], node);
        for (var i = 1; i < types.Length; i++)
        {
            condition = new Or(condition, ProtocolNumber(ProtocolWord.Isis, types[i], node));
        }

        return condition;
    }

    private Condition ProtocolNumber(ProtocolWord qualifier, uint number, FilterNode node)
    {
        switch (qualifier)
        {
            case ProtocolWord.None:
                return new Or(
                    ProtocolNumber(ProtocolWord.Ip, number, node), ProtocolNumber(ProtocolWord.Ip6, number, node));
            case ProtocolWord.Ether:
                return LinkTypeIs(number, node);
            case ProtocolWord.Ip:
                return new And(LinkTypeIs(EtherType.Ip, node), IsEqual(AtNetwork(9, 1), number));
            case ProtocolWord.Ip6:
                // A fragment header is looked behind, no other extension.
                var behind = new And(IsEqual(AtNetwork(6, 1), FragmentHeader), IsEqual(AtNetwork(40, 1), number));
                return new And(LinkTypeIs(EtherType.Ip6, node), new Or(IsEqual(AtNetwork(6, 1), number), behind));
            case ProtocolWord.Iso:
                return new And(LinkTypeIs(EtherType.SapIso, node), IsEqual(AtNetworkAfterLlc(0, 1), number));
            default:
                return new And(
                    ProtocolNumber(ProtocolWord.Iso, IsoIsis, node), IsEqual(AtNetworkAfterLlc(4, 1), number));
        }
    }

    private Condition Host4(FilterNode.Host4 host)
    {
        switch (host.Qualifier)
        {
            case ProtocolWord.Ip:
                return Address4(host, EtherType.Ip, 12, 16);
            case ProtocolWord.Arp:
                return Address4(host, EtherType.Arp, 14, 24);
            case ProtocolWord.Rarp:
                return Address4(host, EtherType.Rarp, 14, 24);
            default:
                var ip = Address4(host, EtherType.Ip, 12, 16);
                return _labels > 0 ? ip : new Or(
                    new Or(ip, Address4(host, EtherType.Arp, 14, 24)), Address4(host, EtherType.Rarp, 14, 24));
        }
    }

    private Condition Address4(FilterNode.Host4 host, uint type, uint source, uint destination) => Either(
        host.Direction,
        isSource => new And(
            LinkTypeIs(type, host), IsEqual(AtNetwork(isSource ? source : destination, 4), host.Address, host.Mask)));

    private Condition Host6(FilterNode.Host6 host) => Either(host.Direction, isSource =>
    {
        var condition = LinkTypeIs(EtherType.Ip6, host);
        for (var word = 0; word < 4; word++)
        {
            var shift = 96 - (32 * word);
            condition = new And(condition, IsEqual(
                AtNetwork((isSource ? 8u : 24u) + (uint)(4 * word), 4), (uint)(host.Address >> shift), (uint)(host.Mask >> shift)));
        }

        return condition;
    });

    // IPv6 first, then IPv4; without a protocol SCTP, TCP, UDP.
    private Condition Ports(FilterNode.Port port)
    {
        uint[] protocols = port.Qualifier switch
        {
            ProtocolWord.Tcp => [TcpNumber],
            ProtocolWord.Udp => [UdpNumber],
            ProtocolWord.Sctp => [SctpNumber],
            _ => [SctpNumber, TcpNumber, UdpNumber],
        };
        return new Or(
            new And(LinkTypeIs(EtherType.Ip6, port), AnyOf(protocols, number => Ports6(port, number))),
            new And(LinkTypeIs(EtherType.Ip, port), AnyOf(protocols, number => Ports4(port, number))));
    }

    private static Condition AnyOf(uint[] numbers, Func<uint, Condition> one)
    {
        var condition = one(numbers[^1]);
        for (var i = numbers.Length - 2; i >= 0; i--)
        {
            condition = new Or(one(numbers[i]), condition);
        }

        return condition;
    }

    private Condition Ports6(FilterNode.Port port, uint protocol) => new And(
        IsEqual(AtNetwork(6, 1), protocol),
        Either(port.Direction, isSource => PortIs(AtTransport6(isSource ? 0u : 2, 2), port)));

    // Only a first fragment has ports.
    private Condition Ports4(FilterNode.Port port, uint protocol) => new And(
        new And(IsEqual(AtNetwork(9, 1), protocol), IsFirstFragment()),
        Either(port.Direction, isSource => PortIs(AtTransport4(isSource ? 0u : 2, 2), port)));

    private Condition IsFirstFragment() => new Not(HasBits(AtNetwork(6, 2), FragmentOffsetBits));

    private static Condition PortIs(CodeValue value, FilterNode.Port port) => port.IsRange
        ? new And(IsAtLeast(value, port.Low), new Not(IsGreater(value, port.High)))
        : IsEqual(value, port.Low);
}

// What moves the headers: VLAN tags, MPLS labels, PPPoE sessions, Geneve tunnels.
using Tapline.Base;
using Tapline.Filter.Tree;
using static Tapline.Filter.Lowering.Condition;

namespace Tapline.Filter.Lowering;

internal sealed partial class FilterLowering
{
    private const ushort GenevePort = 6081;
    private const uint UdpHeaderBytes = 8;

    private Condition Vlan(FilterNode.Vlan vlan)
    {
        if (_labels > 0)
        {
            return Mistake(vlan, "behind `mpls` no VLAN tag can be told");
        }

        if (_linkType != LinkType.Ethernet)
        {
            return Mistake(vlan, $"frames of link type {_linkType} have no VLAN tags");
        }

        // A tag in the bytes: where the kernel carries it beside the frame, capture has put it back.
        Condition condition = new Or(
            new Or(LinkTypeIs(EtherType.Vlan, vlan), LinkTypeIs(EtherType.ServiceVlan, vlan)),
            LinkTypeIs(EtherType.OldQinq, vlan));
        if (vlan.Id is { } id)
        {
            condition = new And(condition, IsEqual(AtNetwork(0, 2), id, 0x0fff));
        }

        _linkPayload = _linkPayload.Plus(4);
        _linkTypeField = _linkTypeField.Plus(4);
        return condition;
    }

    private Condition Mpls(FilterNode.Mpls mpls)
    {
        Condition condition;
        if (_labels > 0)
        {
            // Another label: the one before is not the bottom of the stack.
            condition = IsEqual(AtNetwork(unchecked((uint)-2), 1), 0, 0x01);
        }
        else if (_linkType is LinkType.Ethernet or LinkType.Ppp)
        {
            condition = LinkTypeIs(_linkType == LinkType.Ppp ? 0x0281 : EtherType.Mpls, mpls);
        }
        else
        {
            return Mistake(mpls, $"frames of link type {_linkType} carry no MPLS");
        }

        if (mpls.Label is { } label)
        {
            condition = new And(condition, IsEqual(AtNetwork(0, 4), label << 12, 0xffff_f000));
        }

        _network += 4;
        _networkAfterLlc += 4;
        _labels++;
        return condition;
    }

    private Condition PppoeSession(FilterNode.PppoeSession session)
    {
        var condition = LinkTypeIs(EtherType.PppoeSession, session);
        if (session.Session is { } id)
        {
            condition = new And(condition, IsEqual(AtNetwork(0, 4), id, 0xffff));
        }

        // RFC 2516 section 4: six bytes, then PPP without its own framing.
        _linkHeader = _linkPayload.Plus(_network + 6);
        _linkType = LinkType.Ppp;
        _linkTypeField = _linkHeader;
        _linkPayload = _linkHeader.Plus(2);
        _isGeneve = false;
        (_network, _networkAfterLlc) = (0, 0);
        return condition;
    }

    // RFC 8926. Options make the header's length variable, and what follows may be Ethernet or a bare packet.
    private Condition Geneve(FilterNode.Geneve geneve)
    {
        var ipLength = _slots++;
        var udp = new FilterNode.Port(ProtocolWord.Udp, Direction.Destination, GenevePort, GenevePort, geneve.Column);
        Condition ipv4 = new And(LinkTypeIs(EtherType.Ip, geneve), Ports4(udp, UdpNumber));
        ipv4 = new And(GeneveHeader(ipv4, geneve, AtTransport4), new Assign(ipLength, NetworkLength4()));
        Condition ipv6 = new And(LinkTypeIs(EtherType.Ip6, geneve), Ports6(udp, UdpNumber));
        ipv6 = new And(GeneveHeader(ipv6, geneve, AtTransport6), new Assign(ipLength, NetworkLength6()));

        var (header, type, payload) = (_slots, _slots + 1, _slots + 2);
        _slots += 3;
        var begin = Sum(new CodeValue.Variable(ipLength), _linkPayload.Constant + _network + UdpHeaderBytes);
        var options = new CodeValue.Binary(
            Arithmetic.Multiply, Masked(new CodeValue.Load(1, begin, 0), 0x3f), new CodeValue.Constant(4));
        var end = new CodeValue.Binary(Arithmetic.Add, Sum(options, 8), begin);
        var isEthernet = IsEqual(new CodeValue.Load(2, begin, 2), EtherType.TransparentEthernet);
        var headerEnd = new CodeValue.Variable(header);
        var ethernet = new And(new Assign(type, Sum(headerEnd, 12)), new Assign(payload, Sum(headerEnd, 14)));
        var bare = new And(new Assign(type, Sum(begin, 2)), new Assign(payload, headerEnd));
        var offsets = new And(new Assign(header, end), new Or(new And(isEthernet, ethernet), bare));

        _linkType = LinkType.Ethernet;
        _linkHeader = new HeaderOffset(0, header);
        _linkTypeField = new HeaderOffset(0, type);
        _linkPayload = new HeaderOffset(0, payload);
        _network = 0;
        _isGeneve = true;
        return new And(new Or(ipv4, ipv6), offsets);
    }

    private static Condition GeneveHeader(
        Condition isTunnel, FilterNode.Geneve geneve, Func<uint, int, CodeValue> atTransport)
    {
        var condition = new And(isTunnel, IsEqual(atTransport(UdpHeaderBytes, 1), 0, 0xc0));
        return geneve.Network is { } vni
            ? new And(condition, IsEqual(atTransport(UdpHeaderBytes + 4, 4), vni << 8, 0xffff_ff00))
            : condition;
    }

    private CodeValue NetworkLength6() => !_linkPayload.IsVariable
        ? new CodeValue.Constant(40)
        : Sum(new CodeValue.Variable(_linkPayload.Slot), 40);

    private static CodeValue Sum(CodeValue value, uint bytes) =>
        new CodeValue.Binary(Arithmetic.Add, value, new CodeValue.Constant(bytes));
}

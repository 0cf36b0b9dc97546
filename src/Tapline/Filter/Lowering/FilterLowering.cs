// A tree becomes tests on bytes for one link type. The walk goes from left to right through the text and carries along
// where the headers begin: `vlan`, `mpls`, `pppoes` and `geneve` move them for everything to their right, under `or` and
// `not` too. That, which bytes each primitive reads, and in which order, is libpcap's (gencode.c of 1.10.3), so that the
// same text selects the same frames, damaged and cut ones included.
//
// Offsets wrap at 32 bits like libpcap's: an offset of -2 is written as (uint)-2.
using Tapline.Base;
using Tapline.Filter.Tree;
using static Tapline.Filter.Lowering.Condition;

namespace Tapline.Filter.Lowering;

/// <summary>Lowers one tree; used once.</summary>
internal sealed partial class FilterLowering
{
    private LinkType _linkType;
    private HeaderOffset _linkHeader = new(0);
    private HeaderOffset _linkTypeField;
    private HeaderOffset _linkPayload;
    private uint _network;
    private uint _networkAfterLlc;
    private int _labels;
    private bool _isGeneve;
    private bool _isInner;
    private int _slots;
    private FilterMistake? _mistake;

    private FilterLowering(LinkType linkType) => _linkType = linkType;

    /// <summary>The condition and how many variables it has; null and a mistake when the link type cannot carry it.</summary>
    public static Condition? Lower(FilterNode root, LinkType linkType, out int slots, out FilterMistake? mistake)
    {
        var lowering = new FilterLowering(linkType);
        Condition? condition = null;
        if (lowering.SetOffsets())
        {
            condition = lowering.Walk(root);
        }
        else
        {
            lowering.Mistake(root, $"frames of link type {linkType} cannot be filtered");
        }

        (slots, mistake) = (lowering._slots, lowering._mistake);
        return mistake is null ? condition : null;
    }

    // Follows the left spine in a loop: a chain of thousands of terms is as deep.
    private Condition Walk(FilterNode node)
    {
        var spine = new Stack<FilterNode>();
        if (node is FilterNode.Inner inner)
        {
            _isInner = true;
            var inside = Walk(inner.Operand);
            _isInner = false;
            return inside;
        }

        while (node is FilterNode.And or FilterNode.Or)
        {
            spine.Push(node);
            node = node is FilterNode.And and ? and.Left : ((FilterNode.Or)node).Left;
        }

        var condition = Primitive(node);
        while (spine.TryPop(out var joined))
        {
            condition = joined is FilterNode.And and
                ? new And(condition, Walk(and.Right))
                : new Or(condition, Walk(((FilterNode.Or)joined).Right));
        }

        return condition;
    }

    private Condition Primitive(FilterNode node) => node switch
    {
        FilterNode.Not not => new Not(Walk(not.Operand)),
        FilterNode.Inner => Walk(node),
        _ when _isInner => new Ask(new FilterNode.Inner(node, node.Column)),
        FilterNode.Protocol protocol => Protocol(protocol.Word, node),
        FilterNode.ProtocolNumber number => ProtocolNumber(number.Qualifier, number.Number, node),
        FilterNode.Host4 host => Host4(host),
        FilterNode.Host6 host => Host6(host),
        FilterNode.Mac mac => MacHost(mac.Direction, mac.Address, node),
        FilterNode.Broadcast => MacHost(Direction.Destination, 0xffff_ffff_ffff, node),
        FilterNode.Multicast multicast => Multicast(multicast),
        FilterNode.Port port => Ports(port),
        FilterNode.Relation relation => Relation(relation),
        FilterNode.Vlan vlan => Vlan(vlan),
        FilterNode.Mpls mpls => Mpls(mpls),
        FilterNode.PppoeDiscovery => LinkTypeIs(EtherType.PppoeDiscovery, node),
        FilterNode.PppoeSession session => PppoeSession(session),
        FilterNode.Geneve geneve => Geneve(geneve),
        FilterNode.Llc llc => Llc(llc),
        FilterNode.Bound bound => Bound(bound),
        FilterNode.InterfaceIndex index => InterfaceIndex(index),
        FilterNode.Flow flow => Mistake(
            node, $"`{flow.Field.Name}` is a fact of a flow, which no single frame tells: it can be asked of flows, not of frames"),
        _ => new Ask(node),
    };

    private Condition Mistake(FilterNode node, string message)
    {
        _mistake ??= new FilterMistake(node.Column, 1, message);
        return Never;
    }

    // Loads relative to a header.
    private CodeValue AtNetwork(uint offset, int size) => _linkPayload.Load(_network + offset, size);

    private CodeValue AtNetworkAfterLlc(uint offset, int size) => _linkPayload.Load(_networkAfterLlc + offset, size);

    private CodeValue AtLlc(uint offset, int size) => _linkPayload.Load(offset, size);

    // The byte at the IPv4 header's end plus an offset.
    private CodeValue AtTransport4(uint offset, int size) =>
        new CodeValue.Load(size, NetworkLength4(), _linkPayload.Constant + _network + offset);

    private CodeValue AtTransport6(uint offset, int size) => AtNetwork(40 + offset, size);

    // Length of the IPv4 header, with the variable part of where it begins.
    private CodeValue NetworkLength4()
    {
        if (!_linkPayload.IsVariable)
        {
            return new CodeValue.HeaderLength(_linkPayload.Constant + _network);
        }

        var nibble = new CodeValue.Binary(Arithmetic.And, AtNetwork(0, 1), new CodeValue.Constant(0xf));
        var length = new CodeValue.Binary(Arithmetic.ShiftLeft, nibble, new CodeValue.Constant(2));
        return new CodeValue.Binary(Arithmetic.Add, length, new CodeValue.Variable(_linkPayload.Slot));
    }

    private static Condition IsEqual(CodeValue value, uint expected, uint mask = uint.MaxValue) =>
        new Test(Masked(value, mask), TestKind.Equal, new CodeValue.Constant(expected));

    private static Condition IsGreater(CodeValue value, uint limit) =>
        new Test(value, TestKind.Greater, new CodeValue.Constant(limit));

    private static Condition IsAtLeast(CodeValue value, uint limit) =>
        new Test(value, TestKind.GreaterOrEqual, new CodeValue.Constant(limit));

    private static Condition HasBits(CodeValue value, uint bits) =>
        new Test(value, TestKind.AnySet, new CodeValue.Constant(bits));

    // Where nothing is left of a value libpcap does not read it, so that `net 0.0.0.0/0` finds cut packets too.
    private static CodeValue Masked(CodeValue value, uint mask) =>
        mask == uint.MaxValue ? value
        : mask == 0 ? new CodeValue.Constant(0)
        : new CodeValue.Binary(Arithmetic.And, value, new CodeValue.Constant(mask));

    private static Condition Either(Direction direction, Func<bool, Condition> at) => direction switch
    {
        Direction.Source => at(true),
        Direction.Destination => at(false),
        Direction.Both => new And(at(true), at(false)),
        _ => new Or(at(true), at(false)),
    };
}

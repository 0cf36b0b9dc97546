// Judges an expression on a whole segment by what the first few KB of its index say: bounds of columns and the small filter. Sound in
// one direction only: false means that no flow of it has a selected frame. One thread.
using Tapline.Filter.Tree;
using Tapline.Record.Index;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>Refuses segments.</summary>
internal sealed class SegmentJudge
{
    private readonly SegmentIndex _index;
    private readonly SegmentNames? _names;
    private readonly bool _isPlain;
    private readonly bool _hasMarks;
    private readonly bool _isKnown;
    private readonly bool _hasTunnels;
    private readonly bool _hasTags;

    /// <summary>For an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="isPlain">No word of the expression moves others to another place in the frame.</param>
    /// <param name="names">What names can mean in this segment; null = nothing is known of them.</param>
    public SegmentJudge(SegmentIndex index, bool isPlain, SegmentNames? names)
    {
        _index = index;
        _names = names;
        _isPlain = isPlain;
        var marks = index.Zone(IndexColumn.Marks);
        _hasMarks = marks.Max > 0;
        _isKnown = marks.Min > 0;
        _hasTags = marks.Max >= (long)FrameMarks.Tagged;
        _hasTunnels = index.Zone(IndexColumn.Tunnel).Max != 0 || index.MayContain(IndexKey.Protocol(IndexProtocol.Tunnelled));
    }

    /// <summary>True for terms that read nothing at a place in the frame: no word moves them.</summary>
    public static bool IsOfNoPlace(FilterNode node) => node is FilterNode.Vm or FilterNode.Tag or FilterNode.Point
        or FilterNode.Tunnel or FilterNode.Vni;

    /// <summary>False when no flow can have a frame that satisfies it.</summary>
    public bool MayHave(FilterNode node)
    {
        // Chains lean to the left: one that is refused by any `and` above it is refused.
        var isPossible = _index.Flows > 1;
        while (isPossible && node is FilterNode.And and)
        {
            isPossible = MayHaveMember(and.Right);
            node = and.Left;
        }

        return isPossible && MayHaveMember(node);
    }

    private bool MayHaveMember(FilterNode node)
    {
        switch (node)
        {
            case FilterNode.And:
                return MayHave(node);
            case FilterNode.Or:
                while (node is FilterNode.Or or)
                {
                    if (MayHave(or.Right))
                    {
                        return true;
                    }

                    node = or.Left;
                }

                return MayHave(node);
            case FilterNode.Inner inner:
                return MayHaveInner(inner.Operand);
            default:
                return !(_isPlain || IsOfNoPlace(node)) || MayHaveTerm(node);
        }
    }

    private bool MayHaveTerm(FilterNode node) => node switch
    {
        FilterNode.Port port when port.Low == port.High => HasHiddenOuter || HasPort(port),
        FilterNode.Host4 { Mask: uint.MaxValue } host => HasHiddenOuter || HasAddress(IpAddress16.FromIpv4(host.Address), isIpv4: true),
        FilterNode.Host6 { Mask: var mask } host when mask == UInt128.MaxValue =>
            HasHiddenOuter || HasAddress(new IpAddress16((ulong)(host.Address >> 64), (ulong)host.Address), isIpv4: false),
        FilterNode.Protocol word => MayHaveProtocol(word.Word),
        _ when !_isKnown => true,
        FilterNode.Mac mac => mac.Address == 0 || _index.MayContain(IndexKey.Mac(mac.Address)),
        FilterNode.Broadcast => _index.MayContain(IndexKey.Mac(0xffff_ffff_ffff)),
        FilterNode.Vlan vlan => _hasTags
            && (vlan.Id is not { } id || id == 0 || id > 0xfff || _index.MayContain(IndexKey.Vlan((ushort)id))),
        FilterNode.Vni vni => _hasTunnels && (vni.Number == 0 || _index.MayContain(IndexKey.Vni(vni.Number))),
        FilterNode.Tunnel => _hasTunnels,
        FilterNode.Vm or FilterNode.Tag => _names is null || _names.MayHavePoint(node)
            || Array.Exists(_names.Macs(node), mac => mac == 0 || _index.MayContain(IndexKey.Mac(mac))),
        FilterNode.Point => _names is null || _names.MayHavePoint(node),
        _ => true,
    };

    // Addresses and ports of the innermost packets are those of flows, but of packets that belong to none, or are not kept so far.
    private bool MayHaveInner(FilterNode node) => node switch
    {
        _ when !_isKnown || _index.MayContain(IndexKey.Protocol(IndexProtocol.Loose)) => true,
        FilterNode.Port port when port.Low == port.High => HasPort(port),
        FilterNode.Host4 { Mask: uint.MaxValue } host => HasAddress(IpAddress16.FromIpv4(host.Address), isIpv4: true),
        FilterNode.Host6 { Mask: var mask } host when mask == UInt128.MaxValue =>
            HasAddress(new IpAddress16((ulong)(host.Address >> 64), (ulong)host.Address), isIpv4: false),
        _ => true,
    };

    // Outer headers of tunnels are among the keys only where the index knows all frames.
    private bool HasHiddenOuter => _hasTunnels && !_isKnown;

    private bool HasPort(FilterNode.Port port) =>
        port.Low == 0 || _index.MayContain(IndexKey.Port(port.Low)) || _index.MayContain(IndexKey.Port(0)) || HasUnaddressed(true);

    // "::" has no place among the addresses.
    private bool HasAddress(IpAddress16 address, bool isIpv4) =>
        address.IsNone || _index.MayContain(IndexKey.Address(address)) || HasUnaddressed(isIpv4);

    // An older index does not say which of its layer-2 flows have addresses.
    private bool HasUnaddressed(bool mayBeArp) => _hasMarks
        ? _index.MayContain(IndexKey.Protocol(IndexProtocol.Unaddressed))
        : _index.MayContain(IndexKey.Protocol(FlowProtocol.EtherTypeFlow))
            || (mayBeArp && _index.MayContain(IndexKey.Protocol(FlowProtocol.Arp)));

    private bool MayHaveProtocol(ProtocolWord word)
    {
        ushort? number = word switch
        {
            ProtocolWord.Tcp => FlowProtocol.Tcp,
            ProtocolWord.Udp => FlowProtocol.Udp,
            ProtocolWord.Sctp => FlowProtocol.Sctp,
            ProtocolWord.Icmp => FlowProtocol.Icmp,
            ProtocolWord.Icmp6 => FlowProtocol.Icmpv6,
            ProtocolWord.Arp => FlowProtocol.Arp,
            _ => null,
        };
        return number is not { } protocol || _hasTunnels || _index.MayContain(IndexKey.Protocol(protocol)) || HasUnaddressed(true)
            || _index.MayContain(IndexKey.Protocol(IndexProtocol.Loose));
    }
}

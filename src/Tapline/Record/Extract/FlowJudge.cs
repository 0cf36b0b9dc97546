// Judges an expression on the flows of one index: which of them can have a frame that it selects. Sound in one direction only,
// on purpose: a flow that is refused has none; any other is read and its frames decide. Addresses, ports and protocols are
// judged of flows outside of tunnels, where a frame's first headers are the flow's; words that move others to another
// place in the frame (`mpls`, `geneve`, …) leave everything to the frames. One thread.
using Tapline.Base;
using Tapline.Filter.Tree;
using Tapline.Record.Index;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>Judges the flows of one index.</summary>
internal sealed class FlowJudge
{
    private const int LayerTwo = 256;
    private readonly SegmentIndex _index;
    private readonly FlowTerms _terms;
    private readonly FilterNode? _root;
    private readonly bool _isPlain;
    private readonly Stack<FilterNode> _chain = new();
    private readonly Dictionary<FilterNode, bool[]> _places = new(ReferenceEqualityComparer.Instance);

    public FlowJudge(SegmentIndex index, ExtractFilter filter)
    {
        _index = index;
        _terms = filter.Terms;
        _root = filter.Root;
        _isPlain = _root is not null && IsPlain(_root);
    }

    /// <summary>False when no flow of the index can have a selected frame: told by its bounds and small filter alone.</summary>
    public bool MayHaveAny()
    {
        // Outer headers of tunnels are not among the keys; nor are the addresses that ARP asks for.
        if (!_isPlain || _index.Zone(IndexColumn.Tunnel).Max != 0)
        {
            return true;
        }

        var node = _root!;
        while (node is FilterNode.And and)
        {
            if (!MayHave(and.Right))
            {
                return false;
            }

            node = and.Left;
        }

        return MayHave(node);
    }

    /// <summary>What becomes of a flow.</summary>
    /// <param name="flow">Its number in the index, from 1.</param>
    /// <param name="truths">Which of the flow terms hold for it.</param>
    public Judgement Judge(int flow, ulong truths) => _root is null ? Judgement.Yes : Judge(_root, flow, truths);

    private static bool IsPlain(FilterNode root)
    {
        var moves = false;
        var branches = false;
        var tags = false;
        TreeWalk.Visit(root, node =>
        {
            moves |= node is FilterNode.Mpls or FilterNode.PppoeDiscovery or FilterNode.PppoeSession or FilterNode.Geneve;
            tags |= node is FilterNode.Vlan;
            branches |= node is FilterNode.Or or FilterNode.Not;
        });
        return !moves && !(tags && branches);
    }

    private bool MayHave(FilterNode node) => node switch
    {
        FilterNode.Port port when port.Low == port.High =>
            _index.MayContain(IndexKey.Port(port.Low)) || _index.MayContain(IndexKey.Port(0)),
        FilterNode.Host4 host when host.Mask == uint.MaxValue =>
            _index.MayContain(IndexKey.Address(IpAddress16.FromIpv4(host.Address)))
            || _index.MayContain(IndexKey.Protocol(FlowProtocol.Arp)) || _index.MayContain(IndexKey.Protocol(FlowProtocol.EtherTypeFlow)),
        FilterNode.Host6 host when host.Mask == UInt128.MaxValue =>
            _index.MayContain(IndexKey.Address(new IpAddress16((ulong)(host.Address >> 64), (ulong)host.Address))),
        _ => true,
    };

    private Judgement Judge(FilterNode node, int flow, ulong truths)
    {
        // Down the chain to its first member, then up again.
        var bottom = _chain.Count;
        while (node is FilterNode.And or FilterNode.Or)
        {
            _chain.Push(node);
            node = node is FilterNode.And and ? and.Left : ((FilterNode.Or)node).Left;
        }

        var result = JudgeMember(node, flow, truths);
        while (_chain.Count > bottom)
        {
            var parent = _chain.Pop();
            if (parent is FilterNode.And and)
            {
                result = result == Judgement.No ? result : Min(result, Judge(and.Right, flow, truths));
            }
            else
            {
                result = result == Judgement.Yes ? result : Max(result, Judge(((FilterNode.Or)parent).Right, flow, truths));
            }
        }

        return result;
    }

    private static Judgement Min(Judgement one, Judgement other) => one < other ? one : other;

    private static Judgement Max(Judgement one, Judgement other) => one > other ? one : other;

    private Judgement JudgeMember(FilterNode node, int flow, ulong truths) => node switch
    {
        FilterNode.Not not => (Judgement)(-(sbyte)Judge(not.Operand, flow, truths)),
        FilterNode.Flow term => (truths & _terms.BitOf(term)) != 0 ? Judgement.Yes : Judgement.No,
        FilterNode.Inner inner => IsInTunnel(flow) ? Judgement.Maybe : Judge(inner.Operand, flow, truths),
        _ => _isPlain && !IsInTunnel(flow) ? JudgeTerm(node, flow) : Judgement.Maybe,
    };

    private bool IsInTunnel(int flow) => _index.Column(IndexColumn.Tunnel)[flow] != 0;

    private Judgement JudgeTerm(FilterNode node, int flow)
    {
        var protocol = _index.Column(IndexColumn.Protocol)[flow];
        return node switch
        {
            FilterNode.Protocol word => MaybeIf(word.Word switch
            {
                ProtocolWord.Tcp => protocol == FlowProtocol.Tcp,
                ProtocolWord.Udp => protocol == FlowProtocol.Udp,
                ProtocolWord.Sctp => protocol == FlowProtocol.Sctp,
                ProtocolWord.Icmp => protocol == FlowProtocol.Icmp,
                ProtocolWord.Icmp6 => protocol == FlowProtocol.Icmpv6,
                ProtocolWord.Ip or ProtocolWord.Ip6 => protocol < LayerTwo,
                ProtocolWord.Arp => protocol == FlowProtocol.Arp,
                _ => true,
            }),
            FilterNode.Port port => MaybeIf((protocol is FlowProtocol.Tcp or FlowProtocol.Udp or FlowProtocol.Sctp) && HasPort(port, flow)),
            FilterNode.Host4 or FilterNode.Host6 => MaybeIf(
                (protocol >= LayerTwo && node is FilterNode.Host4) || HasAddress(Places(node), flow)),
            FilterNode.Tunnel => Judgement.No,
            _ => Judgement.Maybe,
        };
    }

    private static Judgement MaybeIf(bool isPossible) => isPossible ? Judgement.Maybe : Judgement.No;

    // Two ports of 0 are those of a header that was cut: the frames decide.
    private bool HasPort(FilterNode.Port port, int flow)
    {
        var one = _index.Column(IndexColumn.InitiatorPort)[flow];
        var other = _index.Column(IndexColumn.ResponderPort)[flow];
        return (one | other) == 0 || (one >= port.Low && one <= port.High) || (other >= port.Low && other <= port.High);
    }

    private bool HasAddress(bool[] places, int flow) =>
        At(places, _index.Column(IndexColumn.InitiatorIp)[flow]) || At(places, _index.Column(IndexColumn.ResponderIp)[flow]);

    // A place beyond the list is a damaged one: the frames decide.
    private static bool At(bool[] places, long place) => place < 0 || place >= places.Length || places[place];

    // Which of the index's addresses a term means; worked out once.
    private bool[] Places(FilterNode node)
    {
        if (!_places.TryGetValue(node, out var places))
        {
            var addresses = _index.Addresses;
            places = new bool[addresses.Length];
            for (var i = 1; i < places.Length; i++)
            {
                places[i] = node switch
                {
                    FilterNode.Host4 host => addresses[i].IsIpv4 && ((uint)addresses[i].Low & host.Mask) == (host.Address & host.Mask),
                    FilterNode.Host6 host => (new UInt128(addresses[i].High, addresses[i].Low) & host.Mask) == (host.Address & host.Mask),
                    _ => true,
                };
            }

            _places.Add(node, places);
        }

        return places;
    }
}

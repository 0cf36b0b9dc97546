// One term of an expression over all flows of an index: refuses those that cannot have a frame which satisfies it. Three kinds of rows:
// flows outside of tunnels, whose frames' first headers are the flow's; flows in tunnels and packets of no flow, of which the
// index says what the first headers are, where it knows; and rows of which nothing is known, which are never refused. One thread.
using Tapline.Base;
using Tapline.Filter.Tree;
using Tapline.Record.Index;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>Refuses flows by one term at a time.</summary>
internal sealed class TermJudge(SegmentIndex index, SegmentNames? names)
{
    private const int LayerTwo = 256;
    private const sbyte No = (sbyte)Judgement.No;
    private const int VlanBits = 12;
    private const long VlanMask = 0xfff;
    private Row[]? _rows;

    private enum Row : byte
    {
        /// <summary>The first headers are the flow's.</summary>
        Own,

        /// <summary>The columns of first headers say what they are.</summary>
        Outer,

        /// <summary>Packets of no flow: addresses are the first header's, the rest is told by marks.</summary>
        Loose,

        Unknown,
    }

    private ReadOnlySpan<long> Marks => index.Column(IndexColumn.Marks);

    /// <summary>Sets the verdicts of all flows that the term rules out to "no"; leaves the others alone.</summary>
    public void Refuse(FilterNode node, Span<sbyte> verdicts, bool isInner)
    {
        switch (node)
        {
            case FilterNode.Protocol word:
                RefuseProtocol(word.Word, verdicts, isInner);
                break;
            case FilterNode.Port port:
                RefusePort(port, verdicts, isInner);
                break;
            case FilterNode.Host4 or FilterNode.Host6:
                RefuseHost(node, verdicts, isInner);
                break;
            case FilterNode.Mac mac:
                RefuseOthers(verdicts, MacPlaces([mac.Address]), null);
                break;
            case FilterNode.Broadcast when !isInner:
                RefuseOthers(verdicts, MacPlaces([0xffff_ffff_ffff]), null);
                break;
            case FilterNode.Vm or FilterNode.Tag when names is not null:
                RefuseOthers(verdicts, MacPlaces(names.Macs(node)), names.Points(node, index));
                break;
            case FilterNode.Point when names is not null:
                RefuseOthers(verdicts, null, names.Points(node, index));
                break;
            case FilterNode.Vlan vlan:
                RefuseVlan(vlan, verdicts);
                break;
            case FilterNode.Vni vni:
                RefuseVni(vni.Number, verdicts);
                break;
            case FilterNode.Tunnel tunnel:
                RefuseTunnel(tunnel, verdicts);
                break;
            default:
                break;
        }
    }

    private static bool Is(long marks, FrameMarks mark) => ((FrameMarks)marks & mark) != 0;

    private ReadOnlySpan<Row> Rows(bool isInner)
    {
        if (_rows is null)
        {
            var tunnels = index.Column(IndexColumn.Tunnel);
            var protocols = index.Column(IndexColumn.Protocol);
            var marks = Marks;
            _rows = new Row[index.Flows];
            for (var flow = 1; flow < _rows.Length; flow++)
            {
                var isLoose = protocols[flow] == IndexProtocol.Loose;
                var isKnown = Is(marks[flow], FrameMarks.Known);
                _rows[flow] = !isKnown ? (tunnels[flow] == 0 && !isLoose ? Row.Own : Row.Unknown)
                    : isLoose ? Row.Loose
                    : Is(marks[flow], FrameMarks.Tunnelled) ? Row.Outer : Row.Own;
            }
        }

        if (!isInner)
        {
            return _rows;
        }

        // Of the innermost packet the flow itself tells all, where its frames are kept as far as that.
        var inner = new Row[index.Flows];
        for (var flow = 1; flow < inner.Length; flow++)
        {
            inner[flow] = _rows[flow] is Row.Own or Row.Outer && Is(Marks[flow], FrameMarks.Known) ? Row.Own : Row.Unknown;
        }

        return inner;
    }

    private void RefuseProtocol(ProtocolWord word, Span<sbyte> verdicts, bool isInner)
    {
        var rows = Rows(isInner);
        var protocols = index.Column(IndexColumn.Protocol);
        var ports = index.Column(IndexColumn.InitiatorPort);
        var others = index.Column(IndexColumn.ResponderPort);
        var marks = Marks;
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            if (verdicts[flow] == No)
            {
                continue;
            }

            var isPossible = rows[flow] switch
            {
                Row.Own => IsOf(word, protocols[flow]) || KeyCollector.IsUnaddressed(protocols[flow], ports[flow], others[flow]),
                Row.Outer or Row.Loose => IsMarked(word, (FrameMarks)marks[flow]),
                _ => true,
            };
            verdicts[flow] = isPossible ? verdicts[flow] : No;
        }
    }

    private static bool IsOf(ProtocolWord word, long protocol) => word switch
    {
        ProtocolWord.Tcp => protocol == FlowProtocol.Tcp,
        ProtocolWord.Udp => protocol == FlowProtocol.Udp,
        ProtocolWord.Sctp => protocol == FlowProtocol.Sctp,
        ProtocolWord.Icmp => protocol == FlowProtocol.Icmp,
        ProtocolWord.Icmp6 => protocol == FlowProtocol.Icmpv6,
        ProtocolWord.Ip or ProtocolWord.Ip6 => protocol < LayerTwo,
        ProtocolWord.Arp => protocol == FlowProtocol.Arp,
        _ => true,
    };

    // Behind the fragment header of IPv6 expressions look too: its protocol is another one here.
    private static bool IsMarked(ProtocolWord word, FrameMarks marks)
    {
        const FrameMarks behind = FrameMarks.Ip6 | FrameMarks.OtherProtocol;
        var isBehind = (marks & behind) == behind;
        return word switch
        {
            ProtocolWord.Tcp => isBehind || (marks & FrameMarks.Tcp) != 0,
            ProtocolWord.Udp => isBehind || (marks & FrameMarks.Udp) != 0,
            ProtocolWord.Sctp => isBehind || (marks & FrameMarks.Sctp) != 0,
            ProtocolWord.Icmp => (marks & FrameMarks.Ip4) != 0 && (marks & FrameMarks.OtherProtocol) != 0,
            ProtocolWord.Icmp6 => isBehind,
            ProtocolWord.Ip => (marks & FrameMarks.Ip4) != 0,
            ProtocolWord.Ip6 => (marks & FrameMarks.Ip6) != 0,
            ProtocolWord.Arp => (marks & FrameMarks.Arp) != 0,
            _ => true,
        };
    }

    // Two ports of 0 are those of a header that was cut: the frames decide.
    private void RefusePort(FilterNode.Port port, Span<sbyte> verdicts, bool isInner)
    {
        var rows = Rows(isInner);
        var protocols = index.Column(IndexColumn.Protocol);
        var initiators = index.Column(IndexColumn.InitiatorPort);
        var responders = index.Column(IndexColumn.ResponderPort);
        var marks = Marks;
        var first = index.Column(IndexColumn.FirstPort1);
        var second = index.Column(IndexColumn.FirstPort2);
        var third = index.Column(IndexColumn.FirstPort3);
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            if (verdicts[flow] == No)
            {
                continue;
            }

            var one = initiators[flow];
            var other = responders[flow];
            var isPossible = rows[flow] switch
            {
                Row.Own => protocols[flow] is FlowProtocol.Tcp or FlowProtocol.Udp or FlowProtocol.Sctp
                    ? (one | other) == 0 || IsIn(port, one) || IsIn(port, other)
                    : KeyCollector.IsUnaddressed(protocols[flow], one, other),

                // Only a first fragment has ports.
                Row.Loose when !Is(marks[flow], FrameMarks.Tunnelled) => false,
                Row.Outer or Row.Loose => IsIn(port, first[flow]) || IsIn(port, second[flow]) || IsIn(port, third[flow]),
                _ => true,
            };
            verdicts[flow] = isPossible ? verdicts[flow] : No;
        }
    }

    private static bool IsIn(FilterNode.Port port, long value) => value >= port.Low && value <= port.High;

    private void RefuseHost(FilterNode node, Span<sbyte> verdicts, bool isInner)
    {
        var rows = Rows(isInner);
        var places = AddressPlaces(node);
        var protocols = index.Column(IndexColumn.Protocol);
        var ports = index.Column(IndexColumn.InitiatorPort);
        var others = index.Column(IndexColumn.ResponderPort);
        var initiators = index.Column(IndexColumn.InitiatorIp);
        var responders = index.Column(IndexColumn.ResponderIp);
        var first = index.Column(IndexColumn.FirstIp1);
        var second = index.Column(IndexColumn.FirstIp2);
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            if (verdicts[flow] == No)
            {
                continue;
            }

            var isPossible = rows[flow] switch
            {
                Row.Own when protocols[flow] >= LayerTwo =>
                    (node is FilterNode.Host4 && initiators[flow] != 0 && (At(places, initiators[flow]) || At(places, responders[flow])))
                    || KeyCollector.IsUnaddressed(protocols[flow], ports[flow], others[flow]),
                Row.Own or Row.Loose => At(places, initiators[flow]) || At(places, responders[flow]),
                Row.Outer => (first[flow] != 0 && At(places, first[flow])) || (second[flow] != 0 && At(places, second[flow])),
                _ => true,
            };
            verdicts[flow] = isPossible ? verdicts[flow] : No;
        }
    }

    // A place beyond the list is a damaged one: the frames decide.
    private static bool At(bool[] places, long place) => place < 0 || place >= places.Length || places[place];

    // Which of the index's addresses a term means. A packet without a place has the address "::".
    private bool[] AddressPlaces(FilterNode node)
    {
        var addresses = index.Addresses;
        var places = new bool[addresses.Length];
        if (node is FilterNode.Host4 { Mask: uint.MaxValue } exact)
        {
            places[IndexLists.Find(addresses, IpAddress16.FromIpv4(exact.Address))] = true;
            places[0] = false;
            return places;
        }

        for (var i = 0; i < places.Length; i++)
        {
            places[i] = node switch
            {
                FilterNode.Host4 host => addresses[i].IsIpv4 && ((uint)addresses[i].Low & host.Mask) == (host.Address & host.Mask),
                FilterNode.Host6 host => (new UInt128(addresses[i].High, addresses[i].Low) & host.Mask) == (host.Address & host.Mask),
                _ => true,
            };
        }

        return places;
    }

    private bool[] MacPlaces(ulong[] macs)
    {
        var known = index.Macs;
        var places = new bool[known.Length];
        foreach (var mac in macs)
        {
            places[IndexLists.Find(known, mac)] = true;
        }

        places[0] = Array.IndexOf(macs, 0UL) >= 0; // "none" and 00:00:00:00:00:00 are one
        return places;
    }

    // Flows whose frames showed none of these MAC addresses and none of these points.
    private void RefuseOthers(Span<sbyte> verdicts, bool[]? macs, bool[]? points)
    {
        var marks = Marks;
        var one = index.Column(IndexColumn.InitiatorMac);
        var other = index.Column(IndexColumn.ResponderMac);
        var third = index.Column(IndexColumn.OtherMac1);
        var fourth = index.Column(IndexColumn.OtherMac2);
        var initiators = index.Column(IndexColumn.InitiatorPoint);
        var responders = index.Column(IndexColumn.ResponderPoint);
        var thirds = index.Column(IndexColumn.OtherPoint);
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            if (Is(marks[flow], FrameMarks.Known)
                && !(macs is not null && (At(macs, one[flow]) || At(macs, other[flow]) || At(macs, third[flow]) || At(macs, fourth[flow])))
                && !(points is not null && (At(points, initiators[flow]) || At(points, responders[flow]) || At(points, thirds[flow]))))
            {
                verdicts[flow] = No;
            }
        }
    }

    private void RefuseVlan(FilterNode.Vlan vlan, Span<sbyte> verdicts)
    {
        var marks = Marks;
        var stacks = index.Column(IndexColumn.Vlans);
        var others = index.Column(IndexColumn.OtherVlans);
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            var isPossible = Is(marks[flow], FrameMarks.Tagged)
                && (vlan.Id is null or 0 || vlan.Id > VlanMask || Has(stacks[flow], vlan.Id.Value) || Has(others[flow], vlan.Id.Value));
            verdicts[flow] = isPossible || !Is(marks[flow], FrameMarks.Known) ? verdicts[flow] : No;
        }
    }

    private static bool Has(long stack, uint vlan)
    {
        for (var rest = (ulong)stack; rest != 0; rest >>= VlanBits)
        {
            if ((rest & (ulong)VlanMask) == vlan)
            {
                return true;
            }
        }

        return false;
    }

    private void RefuseVni(uint number, Span<sbyte> verdicts)
    {
        var marks = Marks;
        var one = index.Column(IndexColumn.Vni);
        var other = index.Column(IndexColumn.OtherVni);
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            var isPossible = Is(marks[flow], FrameMarks.Tunnelled) && (one[flow] == number || other[flow] == number);
            verdicts[flow] = isPossible || !Is(marks[flow], FrameMarks.Known) ? verdicts[flow] : No;
        }
    }

    private void RefuseTunnel(FilterNode.Tunnel tunnel, Span<sbyte> verdicts)
    {
        var marks = Marks;
        var kinds = index.Column(IndexColumn.Tunnel);
        for (var flow = 1; flow < verdicts.Length; flow++)
        {
            var isPossible = Is(marks[flow], FrameMarks.Tunnelled)
                && (tunnel.Kind is null or TunnelKind.Mpls || (long)tunnel.Kind == kinds[flow]);
            verdicts[flow] = isPossible || !Is(marks[flow], FrameMarks.Known) ? verdicts[flow] : No;
        }
    }
}

// The typed tree of an expression: what the text says, before any link type gives it offsets. Immutable records; each
// knows the column at which its text begins, for mistakes that show only later.
//
// Chains of `and` and `or` lean to the left (both words bind equally, as in pcap-filter(7)) and may be thousands long:
// whoever walks a tree follows `Left` in a loop, not by recursion.
namespace Tapline.Filter.Tree;

/// <summary>One condition. Column counts from 0 in <see cref="FilterTree.Text"/>.</summary>
public abstract record FilterNode(int Column)
{
    /// <summary>Both hold. The left is judged first, and alone when it does not hold.</summary>
    public sealed record And(FilterNode Left, FilterNode Right, int Column) : FilterNode(Column);

    /// <summary>One holds.</summary>
    public sealed record Or(FilterNode Left, FilterNode Right, int Column) : FilterNode(Column);

    public sealed record Not(FilterNode Operand, int Column) : FilterNode(Column);

    /// <summary>A protocol word alone: `tcp`.</summary>
    public sealed record Protocol(ProtocolWord Word, int Column) : FilterNode(Column);

    /// <summary>`ip proto 47`, `ether proto 0x88cc`.</summary>
    public sealed record ProtocolNumber(ProtocolWord Qualifier, uint Number, int Column) : FilterNode(Column);

    /// <summary>IPv4 `host` and `net`; also finds ARP and RARP when no protocol is given.</summary>
    public sealed record Host4(
        ProtocolWord Qualifier, Direction Direction, uint Address, uint Mask, int Column) : FilterNode(Column);

    /// <summary>IPv6 `host` and `net`.</summary>
    public sealed record Host6(Direction Direction, UInt128 Address, UInt128 Mask, int Column) : FilterNode(Column);

    /// <summary>`ether host`.</summary>
    public sealed record Mac(Direction Direction, ulong Address, int Column) : FilterNode(Column);

    /// <summary>`port` and `portrange`; without a protocol TCP, UDP and SCTP.</summary>
    public sealed record Port(
        ProtocolWord Qualifier, Direction Direction, ushort Low, ushort High, int Column) : FilterNode(Column)
    {
        /// <summary>`portrange`, also of one port.</summary>
        public bool IsRange { get; init; }
    }

    /// <summary>`ether broadcast`.</summary>
    public sealed record Broadcast(int Column) : FilterNode(Column);

    /// <summary>`ether multicast`, `ip multicast`, `ip6 multicast`.</summary>
    public sealed record Multicast(ProtocolWord Qualifier, int Column) : FilterNode(Column);

    /// <summary>`vlan`: also moves what stands to its right behind the tag.</summary>
    public sealed record Vlan(uint? Id, int Column) : FilterNode(Column);

    /// <summary>`mpls`: also moves what stands to its right behind the label.</summary>
    public sealed record Mpls(uint? Label, int Column) : FilterNode(Column);

    public sealed record PppoeDiscovery(int Column) : FilterNode(Column);

    /// <summary>`pppoes`: also moves what stands to its right into the session.</summary>
    public sealed record PppoeSession(uint? Session, int Column) : FilterNode(Column);

    /// <summary>`geneve`: also moves what stands to its right into the tunnel.</summary>
    public sealed record Geneve(uint? Network, int Column) : FilterNode(Column);

    public sealed record Llc(LlcKind Kind, int Column) : FilterNode(Column);

    /// <summary>`inbound`, `outbound`: only where the link layer's header says it.</summary>
    public sealed record Bound(bool IsOutbound, int Column) : FilterNode(Column);

    /// <summary>`ifindex N`: only where the link layer's header says it.</summary>
    public sealed record InterfaceIndex(uint Index, int Column) : FilterNode(Column);

    /// <summary>`ip[8] &lt; 64`, `len &gt; 1000`.</summary>
    public sealed record Relation(FilterValue Left, Comparison Comparison, FilterValue Right, int Column) : FilterNode(Column);

    /// <summary>`vm NAME`: the frame comes from or goes to the machine.</summary>
    public sealed record Vm(Direction Direction, string Pattern, int Column) : FilterNode(Column);

    /// <summary>`point NAME`: the frame entered here.</summary>
    public sealed record Point(string Pattern, int Column) : FilterNode(Column);

    /// <summary>`tag NAME`: the frame comes from or goes to a machine that carries it.</summary>
    public sealed record Tag(Direction Direction, string Name, int Column) : FilterNode(Column);

    /// <summary>`tunnel`, `tunnel vxlan`: what carries the innermost packet.</summary>
    public sealed record Tunnel(Base.TunnelKind? Kind, int Column) : FilterNode(Column);

    /// <summary>`vni N`: the innermost tunnel's number.</summary>
    public sealed record Vni(uint Number, int Column) : FilterNode(Column);

    /// <summary>`gso`: a super-frame that is segmented later.</summary>
    public sealed record Gso(int Column) : FilterNode(Column);

    /// <summary>`inner …`: the condition is asked of the innermost packet.</summary>
    public sealed record Inner(FilterNode Operand, int Column) : FilterNode(Column);

    /// <summary>`latency &gt; 200ms`, `app http`: a fact of a flow or transaction, which no frame tells.</summary>
    public sealed record Flow(
        FlowField Field, FieldComparison Comparison, string Text, double Number, int Column) : FilterNode(Column);
}

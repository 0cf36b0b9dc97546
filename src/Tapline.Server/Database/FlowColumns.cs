// How a flow record becomes a row: one line for each column, in the table's order. The appender writes into a staging
// table whose times are plain integers, because it knows microseconds only and a flow's times are nanoseconds; the
// insert that follows in the same transaction turns them into timestamps.
using DuckDB.NET.Data;
using Tapline.Store;

namespace Tapline.Server.Database;

/// <summary>One column: its name, its type while staged, and how its cell is appended.</summary>
/// <param name="Name">The column's name in table `flow`.</param>
/// <param name="StagedType">Type in the staging table.</param>
/// <param name="Append">Writes one cell.</param>
/// <param name="IsTime">The staged integer is ns since the epoch.</param>
internal sealed record FlowColumn(
    string Name, string StagedType, Action<IDuckDBAppenderRow, FlowCells> Append, bool IsTime = false);

/// <summary>The columns of table `flow`.</summary>
internal static class FlowColumns
{
    private delegate ref readonly DirectionCounts Side(FlowCells cells);

    public static IReadOnlyList<FlowColumn> All { get; } =
    [
        Text("node", c => c.Node),
        new("flow_id", "UBIGINT", (row, c) => row.AppendValue(c.Record.FlowId)),
        Text("community_id", c => CommunityId.ToText(c.Record)),
        Time("start", c => c.Record.StartNs),
        Time("end", c => c.Record.EndNs),
        Long("duration_ns", c => c.Record.EndNs - c.Record.StartNs),
        new("part", "UTINYINT", (row, c) => row.AppendValue(c.Record.Part)),
        Text("point", c => c.PointNames() is [var first, ..] ? first : null),
        new("points", "VARCHAR[]", (row, c) => AppendList(row, c.PointNames())),
        new("vlans", "USMALLINT[]", (row, c) => AppendList(row, c.Vlans())),
        Text("tunnel", c => c.TunnelName),
        new("vni", "UINTEGER", (row, c) => row.AppendValue(c.Vni)),
        Text("outer_initiator_ip", c => FlowCells.Address(c.Record.OuterInitiatorIp)),
        Text("outer_responder_ip", c => FlowCells.Address(c.Record.OuterResponderIp)),
        Text("protocol", c => FlowProtocol.Name(c.Record.Protocol)),
        Text("initiator_ip", c => FlowCells.Address(c.Record.InitiatorIp)),
        Text("initiator_mac", c => FlowCells.Mac(c.Record.InitiatorMac)),
        Short("initiator_port", c => c.Port(c.Record.InitiatorPort)),
        Text("initiator_vm", c => c.VmOf(c.Record.InitiatorPoint, c.Record.InitiatorMac, c.Record.InitiatorIp)),
        Text("responder_ip", c => FlowCells.Address(c.Record.ResponderIp)),
        Text("responder_mac", c => FlowCells.Mac(c.Record.ResponderMac)),
        Short("responder_port", c => c.Port(c.Record.ResponderPort)),
        Text("responder_vm", c => c.VmOf(c.Record.ResponderPoint, c.Record.ResponderMac, c.Record.ResponderIp)),
        Byte("icmp_type", c => c.IsIcmp ? c.Record.InitiatorPort >> 8 : null),
        Byte("icmp_code", c => c.IsIcmp ? c.Record.InitiatorPort & 0xff : null),
        Short("icmp_id", c => c.IsIcmp && c.Record.ResponderPort != 0 ? c.Record.ResponderPort : null),
        Short("ethertype", c => c.Record.Protocol == FlowProtocol.EtherTypeFlow ? c.Record.InitiatorPort : null),
        Byte("dsap", c => c.Record.Protocol == FlowProtocol.Llc ? c.Record.InitiatorPort >> 8 : null),
        Byte("ssap", c => c.Record.Protocol == FlowProtocol.Llc ? c.Record.InitiatorPort & 0xff : null),
        .. OneSide("initiator_", c => ref c.Record.Initiator),
        .. OneSide("responder_", c => ref c.Record.Responder),
        Text("state", c => c.StateName),
        Text("end_reason", c => c.EndReasonName),
        Text("initiator_basis", c => c.Record.InitiatorBasis == 0 ? null : FlowJsonText.BasisName(c.Record.InitiatorBasis)),
        Text("app", c => AppNames.Find(c.Record.AppId)),
        Text("app_confidence", c => c.AppConfidenceName),
        Measured("handshake_rtt_ns", c => c.Record.HandshakeRttNs),
        Measured("client_rtt_ns", c => c.Record.ClientRttNs),
        Measured("server_rtt_ns", c => c.Record.ServerRttNs),
        Measured("icmp_errors", c => c.Record.IcmpErrors),
        Measured("rtt_samples", c => c.Record.RttSamples),
        Sampled("rtt_min_ns", c => c.Record.RttMinNs),
        Sampled("rtt_mean_ns", c => c.Record.RttSumNs / c.Record.RttSamples),
        Sampled("rtt_max_ns", c => c.Record.RttMaxNs),
    ];

    private static FlowColumn[] OneSide(string prefix, Side side) =>
    [
        Long(prefix + "frames", c => side(c).Frames),
        Long(prefix + "segments", c => side(c).Segments),
        Long(prefix + "bytes", c => side(c).Bytes),
        Long(prefix + "payload_bytes", c => side(c).PayloadBytes),
        Byte(prefix + "ttl", c => HasTtl(side(c)) ? side(c).Ttl : null),
        Byte(prefix + "dscp", c => HasTtl(side(c)) ? side(c).TrafficClass >> 2 : null),
        Count(prefix + "cut_frames", c => side(c).CutFrames > 0 ? side(c).CutFrames : null),
        Tcp(prefix + "retransmissions", c => side(c).Retransmissions),
        Tcp(prefix + "fast_retransmissions", c => side(c).FastRetransmissions),
        Tcp(prefix + "spurious_retransmissions", c => side(c).SpuriousRetransmissions),
        Tcp(prefix + "resent_segments", c => side(c).ResentSegments),
        Tcp(prefix + "out_of_order", c => side(c).OutOfOrder),
        Tcp(prefix + "duplicate_acks", c => side(c).DuplicateAcks),
        Tcp(prefix + "zero_windows", c => side(c).ZeroWindows),
        Tcp(prefix + "zero_window_probes", c => side(c).ZeroWindowProbes),
        Tcp(prefix + "window_fulls", c => side(c).WindowFulls),
        Tcp(prefix + "lost_segments", c => side(c).LostSegments),
        Tcp(prefix + "unseen_acks", c => side(c).UnseenAcks),
        Tcp(prefix + "keep_alives", c => side(c).KeepAlives),
        Tcp(prefix + "resets", c => side(c).Resets),
        Tcp(prefix + "syns", c => side(c).Syns),
        Tcp(prefix + "fins", c => side(c).Fins),
        Short(prefix + "mss_bytes", c => c.IsTcp && side(c).MaximumSegmentSize != 0 ? side(c).MaximumSegmentSize : null),
    ];

    private static FlowColumn Text(string name, Func<FlowCells, string?> cell) =>
        new(name, "VARCHAR", (row, c) => row.AppendValue(cell(c)));

    private static FlowColumn Long(string name, Func<FlowCells, long> cell) =>
        new(name, "BIGINT", (row, c) => row.AppendValue(cell(c)));

    private static FlowColumn Time(string name, Func<FlowCells, long> cell) =>
        new(name, "BIGINT", (row, c) => row.AppendValue(cell(c)), IsTime: true);

    private static FlowColumn Byte(string name, Func<FlowCells, int?> cell) =>
        new(name, "UTINYINT", (row, c) => row.AppendValue((byte?)cell(c)));

    private static FlowColumn Short(string name, Func<FlowCells, ushort?> cell) =>
        new(name, "USMALLINT", (row, c) => row.AppendValue(cell(c)));

    private static FlowColumn Count(string name, Func<FlowCells, uint?> cell) =>
        new(name, "UINTEGER", (row, c) => row.AppendValue(cell(c)));

    /// <summary>TCP's own counts stay NULL for what is not TCP.</summary>
    private static FlowColumn Tcp(string name, Func<FlowCells, uint> cell) => Count(name, c => c.IsTcp ? cell(c) : null);

    /// <summary>Zero means "not measured" in a record and NULL in the store.</summary>
    private static FlowColumn Measured(string name, Func<FlowCells, long> cell) =>
        new(name, "BIGINT", (row, c) => row.AppendValue(cell(c) is var v and > 0 ? v : (long?)null));

    private static FlowColumn Sampled(string name, Func<FlowCells, long> cell) =>
        new(name, "BIGINT", (row, c) => row.AppendValue(c.Record.RttSamples > 0 ? cell(c) : (long?)null));

    private static bool HasTtl(in DirectionCounts side) => side.Frames > 0 && side.Ttl != 0;

    private static void AppendList<T>(IDuckDBAppenderRow row, List<T> list)
    {
        if (list.Count == 0)
        {
            row.AppendNullValue();
        }
        else
        {
            row.AppendValue(list);
        }
    }
}

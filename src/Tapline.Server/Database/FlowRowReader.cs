// A result row of table `flow` as a FlowRow. Column numbers are found once for each result.
using System.Data.Common;
using System.Globalization;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Database;

/// <summary>Reads rows of `SELECT *, epoch_ns(start) AS start_ns, epoch_ns("end") AS end_ns FROM flow`.</summary>
internal sealed class FlowRowReader(DbDataReader reader)
{
    private readonly Dictionary<string, int> _ordinals = Enumerable.Range(0, reader.FieldCount)
        .ToDictionary(reader.GetName, i => i);

    /// <summary>The row that the reader stands on.</summary>
    public FlowRow Read() => new()
    {
        FlowId = Cell<ulong>("flow_id"),
        CommunityId = Text("community_id"),
        Start = Rfc3339.Text(Number("start_ns") ?? 0),
        End = Rfc3339.Text(Number("end_ns") ?? 0),
        DurationNs = Number("duration_ns"),
        Part = (int?)Number("part") is > 0 and var part ? part : null,
        Point = Text("point"),
        Points = Cells<string>("points"),
        Vlans = Cells<ushort>("vlans")?.ConvertAll(v => (int)v),
        Tunnel = Text("tunnel"),
        Vni = Number("vni"),
        OuterInitiatorIp = Text("outer_initiator_ip"),
        OuterResponderIp = Text("outer_responder_ip"),
        Protocol = Text("protocol"),
        InitiatorIp = Text("initiator_ip"),
        InitiatorMac = Text("initiator_mac"),
        InitiatorPort = (int?)Number("initiator_port"),
        InitiatorVm = Text("initiator_vm"),
        ResponderIp = Text("responder_ip"),
        ResponderMac = Text("responder_mac"),
        ResponderPort = (int?)Number("responder_port"),
        ResponderVm = Text("responder_vm"),
        IcmpType = (int?)Number("icmp_type"),
        IcmpCode = (int?)Number("icmp_code"),
        IcmpId = (int?)Number("icmp_id"),
        Ethertype = (int?)Number("ethertype"),
        Dsap = (int?)Number("dsap"),
        Ssap = (int?)Number("ssap"),
        InitiatorFrames = Number("initiator_frames") ?? 0,
        InitiatorSegments = Number("initiator_segments") ?? 0,
        InitiatorBytes = Number("initiator_bytes") ?? 0,
        InitiatorPayloadBytes = Number("initiator_payload_bytes") ?? 0,
        InitiatorTtl = (int?)Number("initiator_ttl"),
        InitiatorDscp = (int?)Number("initiator_dscp"),
        InitiatorCutFrames = Number("initiator_cut_frames"),
        InitiatorRetransmissions = Number("initiator_retransmissions"),
        InitiatorFastRetransmissions = Number("initiator_fast_retransmissions"),
        InitiatorSpuriousRetransmissions = Number("initiator_spurious_retransmissions"),
        InitiatorResentSegments = Number("initiator_resent_segments"),
        InitiatorOutOfOrder = Number("initiator_out_of_order"),
        InitiatorDuplicateAcks = Number("initiator_duplicate_acks"),
        InitiatorZeroWindows = Number("initiator_zero_windows"),
        InitiatorZeroWindowProbes = Number("initiator_zero_window_probes"),
        InitiatorWindowFulls = Number("initiator_window_fulls"),
        InitiatorLostSegments = Number("initiator_lost_segments"),
        InitiatorUnseenAcks = Number("initiator_unseen_acks"),
        InitiatorKeepAlives = Number("initiator_keep_alives"),
        InitiatorResets = Number("initiator_resets"),
        InitiatorSyns = Number("initiator_syns"),
        InitiatorFins = Number("initiator_fins"),
        InitiatorMssBytes = (int?)Number("initiator_mss_bytes"),
        ResponderFrames = Number("responder_frames") ?? 0,
        ResponderSegments = Number("responder_segments") ?? 0,
        ResponderBytes = Number("responder_bytes") ?? 0,
        ResponderPayloadBytes = Number("responder_payload_bytes") ?? 0,
        ResponderTtl = (int?)Number("responder_ttl"),
        ResponderDscp = (int?)Number("responder_dscp"),
        ResponderCutFrames = Number("responder_cut_frames"),
        ResponderRetransmissions = Number("responder_retransmissions"),
        ResponderFastRetransmissions = Number("responder_fast_retransmissions"),
        ResponderSpuriousRetransmissions = Number("responder_spurious_retransmissions"),
        ResponderResentSegments = Number("responder_resent_segments"),
        ResponderOutOfOrder = Number("responder_out_of_order"),
        ResponderDuplicateAcks = Number("responder_duplicate_acks"),
        ResponderZeroWindows = Number("responder_zero_windows"),
        ResponderZeroWindowProbes = Number("responder_zero_window_probes"),
        ResponderWindowFulls = Number("responder_window_fulls"),
        ResponderLostSegments = Number("responder_lost_segments"),
        ResponderUnseenAcks = Number("responder_unseen_acks"),
        ResponderKeepAlives = Number("responder_keep_alives"),
        ResponderResets = Number("responder_resets"),
        ResponderSyns = Number("responder_syns"),
        ResponderFins = Number("responder_fins"),
        ResponderMssBytes = (int?)Number("responder_mss_bytes"),
        State = Text("state"),
        EndReason = Text("end_reason"),
        InitiatorBasis = Text("initiator_basis"),
        App = Text("app"),
        AppConfidence = Text("app_confidence"),
        HandshakeRttNs = Number("handshake_rtt_ns"),
        ClientRttNs = Number("client_rtt_ns"),
        ServerRttNs = Number("server_rtt_ns"),
        IcmpErrors = Number("icmp_errors"),
        RttSamples = Number("rtt_samples"),
        RttMinNs = Number("rtt_min_ns"),
        RttMeanNs = Number("rtt_mean_ns"),
        RttMaxNs = Number("rtt_max_ns"),
    };

    private string? Text(string name) => Has(name, out var i) ? reader.GetString(i) : null;

    private long? Number(string name) =>
        Has(name, out var i) ? Convert.ToInt64(reader.GetValue(i), CultureInfo.InvariantCulture) : null;

    private T? Cell<T>(string name)
        where T : struct => Has(name, out var i) ? reader.GetFieldValue<T>(i) : null;

    private List<T>? Cells<T>(string name) => Has(name, out var i) ? reader.GetFieldValue<List<T>>(i) : null;

    private bool Has(string name, out int ordinal)
    {
        ordinal = _ordinals[name];
        return !reader.IsDBNull(ordinal);
    }
}

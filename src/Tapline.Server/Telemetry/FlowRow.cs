// One flow as it is printed, stored and served: the names of the flow's fields in the data contract, unit last. The same
// type carries a live flow from the engine's socket and a finished one from the store; what is unknown, or means nothing
// for this protocol, is null and left out.
using System.Text.Json.Serialization;

namespace Tapline.Server.Telemetry;

/// <summary>A flow for people and programs. Times are RFC 3339 UTC with nanoseconds.</summary>
internal sealed record FlowRow
{
    /// <summary>A text in JSON: more digits than a script language's number holds.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString)]
    public ulong? FlowId { get; init; }

    public string? CommunityId { get; init; }

    public string? Start { get; init; }

    public string? End { get; init; }

    public long? DurationNs { get; init; }

    public int? Part { get; init; }

    public string? Point { get; init; }

    public IReadOnlyList<string>? Points { get; init; }

    public IReadOnlyList<int>? Vlans { get; init; }

    public string? Tunnel { get; init; }

    public long? Vni { get; init; }

    public string? OuterInitiatorIp { get; init; }

    public string? OuterResponderIp { get; init; }

    public string? Protocol { get; init; }

    public string? InitiatorIp { get; init; }

    public string? InitiatorMac { get; init; }

    public int? InitiatorPort { get; init; }

    public string? InitiatorVm { get; init; }

    public string? ResponderIp { get; init; }

    public string? ResponderMac { get; init; }

    public int? ResponderPort { get; init; }

    public string? ResponderVm { get; init; }

    public int? IcmpType { get; init; }

    public int? IcmpCode { get; init; }

    public int? IcmpId { get; init; }

    public int? Ethertype { get; init; }

    public int? Dsap { get; init; }

    public int? Ssap { get; init; }

    public long InitiatorFrames { get; init; }

    public long InitiatorSegments { get; init; }

    public long InitiatorBytes { get; init; }

    public long InitiatorPayloadBytes { get; init; }

    public int? InitiatorTtl { get; init; }

    public int? InitiatorDscp { get; init; }

    public long? InitiatorCutFrames { get; init; }

    public long? InitiatorRetransmissions { get; init; }

    public long? InitiatorFastRetransmissions { get; init; }

    public long? InitiatorSpuriousRetransmissions { get; init; }

    public long? InitiatorResentSegments { get; init; }

    public long? InitiatorOutOfOrder { get; init; }

    public long? InitiatorDuplicateAcks { get; init; }

    public long? InitiatorZeroWindows { get; init; }

    public long? InitiatorZeroWindowProbes { get; init; }

    public long? InitiatorWindowFulls { get; init; }

    public long? InitiatorLostSegments { get; init; }

    public long? InitiatorUnseenAcks { get; init; }

    public long? InitiatorKeepAlives { get; init; }

    public long? InitiatorResets { get; init; }

    public long? InitiatorSyns { get; init; }

    public long? InitiatorFins { get; init; }

    public int? InitiatorMssBytes { get; init; }

    public long ResponderFrames { get; init; }

    public long ResponderSegments { get; init; }

    public long ResponderBytes { get; init; }

    public long ResponderPayloadBytes { get; init; }

    public int? ResponderTtl { get; init; }

    public int? ResponderDscp { get; init; }

    public long? ResponderCutFrames { get; init; }

    public long? ResponderRetransmissions { get; init; }

    public long? ResponderFastRetransmissions { get; init; }

    public long? ResponderSpuriousRetransmissions { get; init; }

    public long? ResponderResentSegments { get; init; }

    public long? ResponderOutOfOrder { get; init; }

    public long? ResponderDuplicateAcks { get; init; }

    public long? ResponderZeroWindows { get; init; }

    public long? ResponderZeroWindowProbes { get; init; }

    public long? ResponderWindowFulls { get; init; }

    public long? ResponderLostSegments { get; init; }

    public long? ResponderUnseenAcks { get; init; }

    public long? ResponderKeepAlives { get; init; }

    public long? ResponderResets { get; init; }

    public long? ResponderSyns { get; init; }

    public long? ResponderFins { get; init; }

    public int? ResponderMssBytes { get; init; }

    public string? State { get; init; }

    public string? EndReason { get; init; }

    public string? InitiatorBasis { get; init; }

    public string? App { get; init; }

    public string? AppConfidence { get; init; }

    public long? HandshakeRttNs { get; init; }

    public long? ClientRttNs { get; init; }

    public long? ServerRttNs { get; init; }

    public long? IcmpErrors { get; init; }

    public long? RttSamples { get; init; }

    public long? RttMinNs { get; init; }

    public long? RttMeanNs { get; init; }

    public long? RttMaxNs { get; init; }

    /// <summary>Only in the engine's live answer.</summary>
    public double? BitsPerSecond { get; init; }

    [JsonIgnore]
    public long Frames => InitiatorFrames + ResponderFrames;

    [JsonIgnore]
    public long Bytes => InitiatorBytes + ResponderBytes;
}

// What an index knows of each flow, by the number under which it stands in the file. Numbers are a format: appended, never
// moved or reused (docs/formats/index.md). A reader passes over columns that it does not know and takes 0 for those that
// a file lacks, so that later parsers add facts without a new format.
namespace Tapline.Record.Index;

/// <summary>A column: one number for each flow of a segment. Fields of <c>FlowRecord</c> keep its names and units.</summary>
public enum IndexColumn : ushort
{
    FlowId = 1,
    Part = 2,
    StartNs = 3,
    EndNs = 4,

    /// <summary>IANA number, or a layer-2 kind (<c>FlowProtocol</c>).</summary>
    Protocol = 5,
    State = 6,
    EndReason = 7,
    InitiatorPoint = 8,
    ResponderPoint = 9,
    InitiatorPort = 10,
    ResponderPort = 11,

    /// <summary>Place in <see cref="SegmentIndex.Addresses"/>; 0 = none. So are the other addresses.</summary>
    InitiatorIp = 12,
    ResponderIp = 13,
    OuterInitiatorIp = 14,
    OuterResponderIp = 15,

    /// <summary>Place in <see cref="SegmentIndex.Macs"/>; 0 = none.</summary>
    InitiatorMac = 16,
    ResponderMac = 17,

    /// <summary>VLAN IDs, 12 bits each, the outermost lowest; 0 = none.</summary>
    Vlans = 18,
    Vni = 19,
    Tunnel = 20,
    TunnelDepth = 21,
    ServerRttNs = 22,
    ClientRttNs = 23,
    HandshakeRttNs = 24,
    RttSamples = 25,
    RttMinNs = 26,
    RttMaxNs = 27,
    RttSumNs = 28,
    AppId = 29,
    AppConfidence = 30,
    InitiatorBasis = 31,
    IcmpErrors = 32,

    /// <summary>Reference to a text (<see cref="SegmentIndex.Text"/>); 0 = unknown. So are the next two.</summary>
    InitiatorVm = 33,
    ResponderVm = 34,

    /// <summary>Reserved: the server's name from its handshake.</summary>
    ServerName = 35,

    /// <summary>Packets of the flow in this segment, and bytes of their list.</summary>
    Packets = 36,
    PacketListBytes = 37,

    /// <summary>Offset of the flow's first packet block in the segment, in units of 4 bytes.</summary>
    FirstOffset = 38,

    /// <summary>What the flow's frames in this segment are (<c>FrameMarks</c>); 0 = not known. The next ten say what they show
    /// beyond the flow's record, in all frames where this column says so.</summary>
    Marks = 39,

    /// <summary>MAC addresses beside those of the record; places, 0 = none.</summary>
    OtherMac1 = 40,
    OtherMac2 = 41,

    /// <summary>Addresses of the first IP header where the flow is in a tunnel; places, 0 = none.</summary>
    FirstIp1 = 42,
    FirstIp2 = 43,

    /// <summary>Another VLAN stack and another VNI, 0 = none; another point, 65535 = none.</summary>
    OtherVlans = 44,
    OtherVni = 45,
    OtherPoint = 46,

    /// <summary>Ports behind the first IP header where the flow is in a tunnel; 0 = none.</summary>
    FirstPort1 = 47,
    FirstPort2 = 48,
    FirstPort3 = 49,

    InitiatorFrames = 64,
    InitiatorSegments = 65,
    InitiatorBytes = 66,
    InitiatorPayloadBytes = 67,
    InitiatorFirstNs = 68,
    InitiatorLastNs = 69,
    InitiatorRetransmissions = 70,
    InitiatorFastRetransmissions = 71,
    InitiatorSpuriousRetransmissions = 72,
    InitiatorOutOfOrder = 73,
    InitiatorDuplicateAcks = 74,
    InitiatorZeroWindows = 75,
    InitiatorZeroWindowProbes = 76,
    InitiatorWindowFulls = 77,
    InitiatorLostSegments = 78,
    InitiatorKeepAlives = 79,
    InitiatorResets = 80,
    InitiatorSyns = 81,
    InitiatorFins = 82,
    InitiatorPushes = 83,
    InitiatorTcpFlagsSeen = 84,
    InitiatorTtl = 85,
    InitiatorTrafficClass = 86,
    InitiatorWindowScale = 87,
    InitiatorMaximumSegmentSize = 88,
    InitiatorCutFrames = 89,
    InitiatorResentSegments = 90,
    InitiatorUnseenAcks = 91,
    InitiatorWindowUpdates = 92,

    ResponderFrames = 128,
    ResponderSegments = 129,
    ResponderBytes = 130,
    ResponderPayloadBytes = 131,
    ResponderFirstNs = 132,
    ResponderLastNs = 133,
    ResponderRetransmissions = 134,
    ResponderFastRetransmissions = 135,
    ResponderSpuriousRetransmissions = 136,
    ResponderOutOfOrder = 137,
    ResponderDuplicateAcks = 138,
    ResponderZeroWindows = 139,
    ResponderZeroWindowProbes = 140,
    ResponderWindowFulls = 141,
    ResponderLostSegments = 142,
    ResponderKeepAlives = 143,
    ResponderResets = 144,
    ResponderSyns = 145,
    ResponderFins = 146,
    ResponderPushes = 147,
    ResponderTcpFlagsSeen = 148,
    ResponderTtl = 149,
    ResponderTrafficClass = 150,
    ResponderWindowScale = 151,
    ResponderMaximumSegmentSize = 152,
    ResponderCutFrames = 153,
    ResponderResentSegments = 154,
    ResponderUnseenAcks = 155,
    ResponderWindowUpdates = 156,
}

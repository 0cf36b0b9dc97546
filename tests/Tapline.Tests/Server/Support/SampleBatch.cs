// Records for tests of the store: every field with a value of its own, so that two columns exchanged cannot hide.
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Tests.Server.Support;

/// <summary>Makes batches.</summary>
internal static class SampleBatch
{
    public const long StartNs = 1_767_225_600_123_456_789;

    public static SpoolBatch Make(string id = "instance-0-1", int flows = 3, long startNs = StartNs) => new()
    {
        BatchId = id,
        Node = "node1",
        Worker = 0,
        Sequence = 1,
        FirstNs = startNs,
        LastNs = startNs + 1_000_000_000,
        RecordsDropped = 0,
        Points = [new PointInfo(1, "vnet0", "vm_port", "br0", "web01", "uuid-1"), new PointInfo(2, "eth0", "uplink", "br0")],
        Endpoints =
        [
            new EndpointName(0x0200_5e10_00ff, default, "db01"),
            new EndpointName(0, IpAddress16.FromIpv4(0x0a00_0002), "named by its address"),
            new EndpointName(0x0200_5e10_0001, default, "never: the point names this end"),
        ],
        Sessions = [new SessionInfo(0, "m1", "nic:eth2", "tcp")],
        Flows = [.. Enumerable.Range(0, flows).Select(i => Tcp((ulong)i + 1, startNs + i))],
        Ledger =
        [
            new LedgerRecord
            {
                TimeNs = startNs, Point = 1, Arrived = 12, DroppedRing = 2, Captured = 10, Analysed = 9, Undecodable = 1,
            },
        ],
        MirrorLedger =
        [
            new MirrorLedgerRecord { TimeNs = startNs, Session = 0, Offered = 10, Sent = 7, Filtered = 2, DroppedBusy = 1 },
        ],
    };

    public static FlowRecord Tcp(ulong id, long startNs) => new()
    {
        FlowId = id,
        StartNs = startNs,
        EndNs = startNs + 987_654_321,
        Protocol = FlowProtocol.Tcp,
        State = FlowState.Closed,
        EndReason = FlowEndReason.Fin,
        InitiatorPoint = 1,
        ResponderPoint = 2,
        InitiatorPort = 40_001,
        ResponderPort = 443,
        InitiatorIp = IpAddress16.FromIpv4(0x0a00_0001),
        ResponderIp = new IpAddress16(0x2001_0db8_0000_0000, 5),
        InitiatorMac = 0x0200_5e10_0001,
        ResponderMac = 0x0200_5e10_00ff,
        Vlan0 = 0x6064,
        Vlan1 = 7,
        VlanCount = 2,
        Tunnel = TunnelKind.Vxlan,
        TunnelDepth = 1,
        Vni = 42,
        OuterInitiatorIp = IpAddress16.FromIpv4(0xc0a8_0001),
        OuterResponderIp = IpAddress16.FromIpv4(0xc0a8_0002),
        HandshakeRttNs = 3_000_001,
        ClientRttNs = 1_000_002,
        ServerRttNs = 2_000_003,
        RttSumNs = 9_000,
        RttMinNs = 1_000,
        RttMaxNs = 5_000,
        RttSamples = 3,
        AppId = (ushort)AppName.Tls,
        AppConfidence = 1,
        InitiatorBasis = 1,
        IcmpErrors = 6,
        Initiator = Side(100, startNs),
        Responder = Side(200, startNs + 5),
    };

    public static FlowRecord Icmp() => new()
    {
        FlowId = 77, StartNs = StartNs, EndNs = StartNs, Protocol = FlowProtocol.Icmp, InitiatorPoint = 2, ResponderPoint = 0xffff,
        InitiatorPort = 0x0800, ResponderPort = 0x1234,
        InitiatorIp = IpAddress16.FromIpv4(1), ResponderIp = IpAddress16.FromIpv4(2),
        EndReason = FlowEndReason.Idle, Initiator = new DirectionCounts { Frames = 1, Segments = 1, Bytes = 98, Ttl = 64 },
    };

    public static FlowRecord Arp() => new()
    {
        FlowId = 78, StartNs = StartNs, EndNs = StartNs, Protocol = FlowProtocol.Arp, InitiatorPoint = 1, ResponderPoint = 0xffff,
        InitiatorMac = 0x0200_0000_0001, ResponderMac = 0xffff_ffff_ffff, EndReason = FlowEndReason.Idle,
        Initiator = new DirectionCounts { Frames = 2, Segments = 2, Bytes = 120 },
    };

    private static DirectionCounts Side(uint seed, long firstNs) => new()
    {
        Frames = seed + 1, Segments = seed + 2, Bytes = seed + 3, PayloadBytes = seed + 4, FirstNs = firstNs, LastNs = firstNs + 9,
        Retransmissions = seed + 5, FastRetransmissions = seed + 6, SpuriousRetransmissions = seed + 7, OutOfOrder = seed + 8,
        DuplicateAcks = seed + 9, ZeroWindows = seed + 10, ZeroWindowProbes = seed + 11, WindowFulls = seed + 12,
        LostSegments = seed + 13, KeepAlives = seed + 14, Resets = seed + 15, Syns = seed + 16, Fins = seed + 17,
        ResentSegments = seed + 18, UnseenAcks = seed + 19, CutFrames = seed + 20,
        Ttl = 63, TrafficClass = 0xb8, MaximumSegmentSize = 1460,
    };
}

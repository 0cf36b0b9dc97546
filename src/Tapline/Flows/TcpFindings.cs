// What sequence analysis says of one segment. Several may hold at once.
namespace Tapline.Flows;

/// <summary>Judgements on a TCP segment, named as in tshark's `tcp.analysis.*`.</summary>
[Flags]
internal enum TcpFindings : ushort
{
    None = 0,
    ZeroWindowProbe = 1 << 0,
    ZeroWindow = 1 << 1,
    LostSegment = 1 << 2,
    KeepAlive = 1 << 3,
    WindowUpdate = 1 << 4,
    WindowFull = 1 << 5,
    KeepAliveAck = 1 << 6,
    ZeroWindowProbeAck = 1 << 7,
    DuplicateAck = 1 << 8,
    UnseenAck = 1 << 9,
    Retransmission = 1 << 10,
    FastRetransmission = 1 << 11,
    SpuriousRetransmission = 1 << 12,
    OutOfOrder = 1 << 13,

    /// <summary>All that tshark marks with `tcp.analysis.retransmission`.</summary>
    AnyRetransmission = Retransmission | FastRetransmission | SpuriousRetransmission,

    /// <summary>What an engineer would look at the connection for: loss on the way, or a receiver that has closed its window.</summary>
    Trouble = AnyRetransmission | LostSegment | ZeroWindow | ZeroWindowProbe,
}

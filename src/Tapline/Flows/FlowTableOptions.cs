// The sizes and times of a flow table. Live and offline differ only here.
namespace Tapline.Flows;

/// <summary>How large a flow table is and when it ends flows. Times in ns of frame time; 0 = never.</summary>
public sealed record FlowTableOptions
{
    private const long Second = 1_000_000_000;

    /// <summary>Flows held at once. Native memory is <see cref="FlowTable{TSink}.BytesPerFlow"/> times this, touched as
    /// used.</summary>
    public int Capacity { get; init; } = 1 << 18;

    /// <summary>Fragmented packets under observation at once.</summary>
    public int FragmentCapacity { get; init; } = 4096;

    /// <summary>How long the parts of a fragmented packet may be apart (RFC 791 suggests 15 s; Linux waits 30 s).</summary>
    public long FragmentTimeoutNs { get; init; } = 30 * Second;

    /// <summary>A record of a long flow is written and a new part begun after this time.</summary>
    public long ActiveTimeoutNs { get; init; }

    /// <summary>Silence after which an open TCP connection's record is written.</summary>
    public long TcpIdleNs { get; init; }

    /// <summary>Silence after an unanswered SYN (Linux gives up after 127 s with its defaults; stragglers reopen).</summary>
    public long TcpUnansweredNs { get; init; }

    /// <summary>Silence after both FIN or a RST.</summary>
    public long TcpEndedNs { get; init; }

    /// <summary>Silence of a UDP flow answered by the other side.</summary>
    public long UdpIdleNs { get; init; }

    /// <summary>Silence of ICMP, ARP and all other flows.</summary>
    public long OtherIdleNs { get; init; }

    /// <summary>Upper 16 bits of every flow id: worker or run, so that ids are unique in a node.</summary>
    public ushort FlowIdPrefix { get; init; }

    /// <summary>Seed of the index's hash. Fixed offline, so that a replay is the same; random live.</summary>
    public ulong HashSeed { get; init; } = 0x5bd1_e995_97f4_a7c5;

    /// <summary>For captures: a conversation is one record however long it pauses, as in tshark; memory is the limit.</summary>
    public static FlowTableOptions Offline { get; } = new();

    /// <summary>For live traffic: records come out while the conversation lasts.</summary>
    public static FlowTableOptions Live { get; } = new()
    {
        ActiveTimeoutNs = 300 * Second,
        TcpIdleNs = 300 * Second,
        TcpUnansweredNs = 30 * Second,
        TcpEndedNs = 10 * Second,
        UdpIdleNs = 60 * Second,
        OtherIdleNs = 60 * Second,
    };
}

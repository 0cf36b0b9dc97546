// What a session does to each copy, compiled once from the operator's words (ShapeParser) and never changed: shared by
// the session's instances on all workers. The only state in it is the rate cap's, which is meant to be shared.
namespace Tapline.Mirror.Shape;

/// <summary>Which frames of those selected are taken.</summary>
public enum SampleBy : byte
{
    /// <summary>All of them.</summary>
    None,

    /// <summary>Every N-th frame of a worker.</summary>
    Frame,

    /// <summary>One frame in N, drawn by a seeded generator.</summary>
    Random,

    /// <summary>All frames of one flow in N, both directions.</summary>
    Flow,
}

/// <summary>The layer behind whose header a slice begins to count.</summary>
public enum SliceFrom : byte
{
    /// <summary>The frame's first byte.</summary>
    Frame,

    /// <summary>Behind the outermost Ethernet header and its tags.</summary>
    Link,

    /// <summary>Behind the innermost IP header.</summary>
    Network,

    /// <summary>Behind the innermost transport header.</summary>
    Transport,
}

/// <summary>Headers that are taken off.</summary>
[Flags]
public enum StripHeaders : ushort
{
    None = 0,
    OuterVlan = 1 << 0,
    Vlan = 1 << 1,
    Mpls = 1 << 2,
    Vxlan = 1 << 3,
    Geneve = 1 << 4,
    Gre = 1 << 5,
    Erspan = 1 << 6,
    IpInIp = 1 << 7,
    Gtpu = 1 << 8,
    Tunnels = Vxlan | Geneve | Gre | Erspan | IpInIp | Gtpu,
}

/// <summary>The compiled shape. Operations happen in the order of these properties, whatever the order of the words.</summary>
public sealed record ShapePlan
{
    /// <summary>Time within which a second copy is a duplicate, in nanoseconds; 0 = duplicates are kept.</summary>
    public long DedupWindowNs { get; init; }

    /// <summary>Copies that differ by TTL or hop limit only are duplicates too.</summary>
    public bool DedupIgnoresTtl { get; init; }

    /// <summary>Copies that differ by the transport checksum only are duplicates too.</summary>
    public bool DedupIgnoresChecksum { get; init; }

    /// <summary>MAC addresses must be equal as well.</summary>
    public bool DedupComparesMac { get; init; }

    /// <summary>How a sample is drawn.</summary>
    public SampleBy SampleBy { get; init; }

    /// <summary>One in so many is taken.</summary>
    public uint SampleOneIn { get; init; } = 1;

    /// <summary>Wire frames of a flow that are kept whole, both directions together; 0 = all.</summary>
    public long FlowFrames { get; init; }

    /// <summary>Payload bytes of a flow that are kept, both directions together; 0 = all.</summary>
    public long FlowBytes { get; init; }

    /// <summary>Later frames of such a flow do not leave at all, where otherwise they leave as headers.</summary>
    public bool FlowRestIsFiltered { get; init; }

    /// <summary>Headers that are taken off.</summary>
    public StripHeaders Strip { get; init; }

    /// <summary>What of the payload is made unreadable; null = nothing.</summary>
    public MaskPlan? Mask { get; init; }

    /// <summary>The addresses' key, 32 bytes; null = addresses stay.</summary>
    public byte[]? AddressKey { get; init; }

    /// <summary>False: Crypto-PAn as published, where no range is kept.</summary>
    public bool KeepsSpecialAddresses { get; init; } = true;

    /// <summary>The new destination MAC address in the low 48 bits; null = as it was.</summary>
    public ulong? DestinationMac { get; init; }

    /// <summary>The new source MAC address in the low 48 bits; null = as it was.</summary>
    public ulong? SourceMac { get; init; }

    /// <summary>Tag to put on: TPID * 65536 + TCI; 0 = none.</summary>
    public uint VlanTag { get; init; }

    /// <summary>Where the slice counts from.</summary>
    public SliceFrom SliceFrom { get; init; }

    /// <summary>Bytes kept from there; negative = no slice.</summary>
    public int SliceBytes { get; init; } = -1;

    /// <summary>The limit on what leaves; null = none.</summary>
    public RateCap? Cap { get; init; }

    /// <summary>The rate at which the output hands frames on, in bits a second; null = as fast as they come.</summary>
    public RateCap? Pace { get; init; }

    /// <summary>
    /// Secret of the de-duplication's and the flows' hashes, so that nobody outside can make two frames look alike.
    /// </summary>
    public ulong Seed { get; init; }

    /// <summary>True when the bytes change, so that the copy is made in memory of the session.</summary>
    public bool Rewrites => Strip != 0 || Mask is not null || AddressKey is not null || DestinationMac is not null
        || SourceMac is not null || VlanTag != 0;

    /// <summary>True when all that is done is to take every N-th frame, which the kernel can do by itself.</summary>
    public bool IsSampleOfFrames => this == new ShapePlan { Seed = Seed, SampleBy = SampleBy.Frame, SampleOneIn = SampleOneIn };

    /// <summary>True when something must be remembered of each flow.</summary>
    public bool FollowsFlows => FlowFrames != 0 || FlowBytes != 0 || Mask is { Fields.Count: > 0 };
}

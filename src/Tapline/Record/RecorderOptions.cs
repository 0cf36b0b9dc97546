// The sizes and names of one worker's recorder. Made once at start.
using Tapline.Base;
using Tapline.Record.Container;
using Tapline.Store;

namespace Tapline.Record;

/// <summary>How one worker records. Immutable.</summary>
public sealed record RecorderOptions
{
    /// <summary>Number of the worker; part of each segment's name.</summary>
    public required int Worker { get; init; }

    /// <summary>The node's name, written into each segment's section header.</summary>
    public string Node { get; init; } = Environment.MachineName;

    /// <summary>The recorder's filter as text for if_filter; null = everything.</summary>
    public string? Filter { get; init; }

    /// <summary>The class and what it keeps, in words for each segment's comment; null = there is only one, and it keeps all.</summary>
    public string? Policy { get; init; }

    /// <summary>Slots of the worker's flow table, by which frames are told to the index; 0 = segments get no index now.</summary>
    public int FlowSlots { get; init; }

    /// <summary>Who the ends of flows are where no point tells, for the index; null = nobody knows.</summary>
    public IEndpointNames? Names { get; init; }

    /// <summary>How segments are compressed at rest.</summary>
    public SegmentCompression Compression { get; init; }

    /// <summary>The key with which segments and their indexes are encrypted at rest; null = they are not.</summary>
    public SegmentKey? Key { get; init; }

    /// <summary>A segment is closed before it grows beyond this; 0 = chosen from the folder's budget.</summary>
    public long SegmentBytes { get; init; }

    /// <summary>A segment is closed when its first frame is this old, so that recordings become visible.</summary>
    public long SegmentAgeNs { get; init; } = 60_000_000_000;

    /// <summary>Frames reach the disk at the latest this long after they were taken (what a crash may cost).</summary>
    public long FlushAgeNs { get; init; } = 1_000_000_000;

    /// <summary>Size of one buffer; a multiple of 4096.</summary>
    public int BufferBytes { get; init; } = Limits.RecordBufferBytes;

    /// <summary>Buffers between the worker and the disk.</summary>
    public int BufferCount { get; init; } = Limits.RecordBuffersPerWorker;
}

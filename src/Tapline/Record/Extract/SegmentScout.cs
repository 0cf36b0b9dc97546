// What is known of a segment before a packet of it is read: which packets a query has to look at, or that there are none.
namespace Tapline.Record.Extract;

/// <summary>The outcome of judging one segment. Immutable.</summary>
internal sealed class SegmentScout
{
    public required ExtractSegment Segment { get; init; }

    /// <summary>The packets to be read; null = all.</summary>
    public PacketChoice? Choice { get; init; }

    /// <summary>Why it can't be judged at all, as a sentence, and is left out; null = it can.</summary>
    public string? Hole { get; init; }

    /// <summary>Blocks that describe its interfaces and machines, for a segment of which no packet is read; null = they are met
    /// when it is.</summary>
    public IReadOnlyList<byte[]>? Descriptions { get; init; }

    /// <summary>No packet of it is wanted, and what its interfaces are is known: it need not be opened.</summary>
    public bool IsRefused => Choice is { Offsets.Length: 0 } && Descriptions is not null;
}

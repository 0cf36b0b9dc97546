// How the segments of a folder are sealed. Plain data.
namespace Tapline.Record.Evidence;

/// <summary>What a folder needs to seal its segments.</summary>
/// <param name="Key">Signs seals and the journal; outlives the folder.</param>
public sealed record EvidenceOptions(NodeKey Key)
{
    /// <summary>New segments are sealed; false = only removals of segments that were sealed before are noted.</summary>
    public bool IsSealing { get; init; } = true;

    /// <summary>Segments are made from files, not from what was seen here: their seals say so.</summary>
    public bool IsImport { get; init; }

    /// <summary>Workers that record: what those beyond them have left unsealed, the first one seals.</summary>
    public int Workers { get; init; } = 1;
}

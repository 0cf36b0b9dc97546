// How the ingest stands, for pages, health and metrics.
namespace Tapline.Server.Ingest;

/// <summary>One picture of the ingest. Immutable.</summary>
internal sealed record IngestState
{
    /// <summary>Batches in the spool that are not in the store yet.</summary>
    public int BatchesWaiting { get; init; }

    public long BatchesIngested { get; init; }

    /// <summary>Batches found ingested already: the process ended between commit and delete.</summary>
    public long BatchesRepeated { get; init; }

    /// <summary>Damaged batches that were put aside.</summary>
    public long BatchesBad { get; init; }

    public long FlowsIngested { get; init; }

    /// <summary>Records that the engine had to drop because the spool was full or its disk failed.</summary>
    public long RecordsDropped { get; init; }

    /// <summary>Age of the newest record when its batch was committed; null before the first batch.</summary>
    public long? LagNs { get; init; }

    /// <summary>Null when all is well; else one sentence.</summary>
    public string? Trouble { get; init; }
}

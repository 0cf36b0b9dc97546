// One decoded batch, as the console ingests it.
namespace Tapline.Store;

/// <summary>A whole, checked batch. Rows are the writer's own structs; names are joined through the tables' ids.</summary>
public sealed class SpoolBatch
{
    /// <summary>Identity for exactly-once ingest: the writer's instance, worker and sequence are unique for ever.</summary>
    public required string BatchId { get; init; }

    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    public required int Worker { get; init; }

    public required long Sequence { get; init; }

    /// <summary>Times of the first and last record in it, ns since the epoch.</summary>
    public required long FirstNs { get; init; }

    public required long LastNs { get; init; }

    /// <summary>Records that this writer had lost when it wrote the batch, cumulative over its life.</summary>
    public required long RecordsDropped { get; init; }

    public required IReadOnlyList<PointInfo> Points { get; init; }

    public required IReadOnlyList<SessionInfo> Sessions { get; init; }

    /// <summary>Machines that took part in the flows and stand behind no point, by their addresses.</summary>
    public IReadOnlyList<EndpointName> Endpoints { get; init; } = [];

    public required FlowRecord[] Flows { get; init; }

    public required LedgerRecord[] Ledger { get; init; }

    public required MirrorLedgerRecord[] MirrorLedger { get; init; }
}

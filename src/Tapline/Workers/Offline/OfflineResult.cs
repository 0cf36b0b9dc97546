// What an analysis of capture files found. Owns native memory (counts, kept records): dispose it after printing.
using Tapline.Capture.Files;
using Tapline.Flows;
using Tapline.Record;

namespace Tapline.Workers.Offline;

/// <summary>The merged result of all workers.</summary>
public sealed class OfflineResult : IDisposable
{
    /// <summary>Files that could be opened.</summary>
    public required int Files { get; init; }

    public required OfflineTally Tally { get; init; }

    public required FlowTally Flows { get; init; }

    /// <summary>Totals of the flow tables.</summary>
    public required FlowCounters FlowCounters { get; init; }

    /// <summary>Observation points: the files' interfaces, by point id.</summary>
    public required IReadOnlyList<FileInterface> Points { get; init; }

    /// <summary>Machines that a recording names; empty = none are known.</summary>
    public IReadOnlyList<RecordedMachine> Machines { get; init; } = [];

    /// <summary>What went wrong with the input, one sentence each; empty = nothing.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    public void Dispose()
    {
        Tally.Dispose();
        Flows.Dispose();
    }
}

// What an analysis of capture files is to do.
using Tapline.Base;
using Tapline.Capture.Files;
using Tapline.Filter;
using Tapline.Record;

namespace Tapline.Workers.Offline;

/// <summary>Orders for <see cref="OfflineAnalysis"/>.</summary>
public sealed record OfflineOptions
{
    /// <summary>Capture files in the order in which they are read; "-" is standard input.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Segments of recordings, one chain for each worker that wrote them; read side by side in time, after the files.</summary>
    public IReadOnlyList<SegmentChain> Chains { get; init; } = [];

    /// <summary>The first time that is analysed, ns since the epoch, and the first that is not any more. Frames outside are not
    /// counted.</summary>
    public long SinceNs { get; init; } = long.MinValue;

    public long UntilNs { get; init; } = long.MaxValue;

    /// <summary>Told of the points met so far, whenever there are more and before their frames are decoded. Any worker's thread.</summary>
    public Action<IReadOnlyList<FileInterface>>? PointsAdded { get; init; }

    /// <summary>Machines that the recordings name, for the result.</summary>
    public IReadOnlyList<RecordedMachine> Machines { get; init; } = [];

    /// <summary>Frames that are analysed; the others are counted as filtered.</summary>
    public CompiledFilter Filter { get; init; } = CompiledFilter.Everything;

    /// <summary>Threads; 1 reads, decodes and follows flows on the calling thread alone.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Keep every flow's record for output; otherwise they are only counted.</summary>
    public bool KeepFlows { get; init; }

    /// <summary>Keep a ledger of each point and second of frame time.</summary>
    public bool KeepLedger { get; init; }

    /// <summary>Flows followed at once, over all workers.</summary>
    public int FlowCapacity { get; init; } = Limits.OfflineFlowsDefault;
}

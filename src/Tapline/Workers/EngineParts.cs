// Everything that a running engine holds, in one place, so that it is closed in one place. Opened by EngineOpening in
// the order of the fields, released in the reverse.
using Tapline.Capture.Ring;
using Tapline.Record;
using Tapline.Store;
using Tapline.Workers.Indexing;

namespace Tapline.Workers;

/// <summary>The opened parts of an engine. Arrays are by worker.</summary>
internal sealed class EngineParts : IDisposable
{
    public required EngineOptions Options { get; init; }

    public required LiveCapture Capture { get; init; }

    public required RingLosses Losses { get; init; }

    public SpoolFolder? SpoolFolder { get; init; }

    /// <summary>The ledger's own writer; numbered after the workers'.</summary>
    public SpoolWriter? SupervisorSpool { get; init; }

    public SegmentFolder? RecordFolder { get; init; }

    /// <summary>Makes indexes that the recording lacks; null = nothing is recorded, or it has not begun.</summary>
    public IndexRepair? IndexRepair { get; set; }

    /// <summary>Removes imports whose time is over; null likewise.</summary>
    public Imports.ImportExpiry? ImportExpiry { get; set; }

    /// <summary>Keeps the recording's rules; null = nothing is recorded.</summary>
    public RetentionKeeper? Keeper { get; init; }

    public required SpoolWriter[] Spools { get; init; }

    public required SegmentRecorder[] Recorders { get; init; }

    public required MirrorDesk Mirrors { get; init; }

    public required Pipeline<SpoolSink>[] Pipelines { get; init; }

    /// <summary>Proves the mirror sessions; null = it is not wanted.</summary>
    public CanaryDesk? Canaries { get; set; }

    public Worker[] Workers { get; set; } = [];

    public LedgerView NewView()
    {
        var counts = new WorkerCounts[Pipelines.Length];
        for (var w = 0; w < counts.Length; w++)
        {
            counts[w] = Pipelines[w].Counts;
        }

        return new LedgerView(Capture, counts, Recorders);
    }

    /// <summary>Releases everything; the workers must have ended.</summary>
    public void Dispose()
    {
        foreach (var pipeline in Pipelines)
        {
            pipeline.Flows?.Dispose();
            pipeline.Dispose();
            pipeline.Counts.Dispose();
        }

        IndexRepair?.Dispose();
        ImportExpiry?.Dispose();
        Canaries?.Dispose();
        Mirrors.Dispose();
        Array.ForEach(Recorders, r => r.Dispose());
        Array.ForEach(Spools, s => s.Dispose());
        SupervisorSpool?.Dispose();
        Keeper?.Dispose();
        RecordFolder?.Dispose();
        SpoolFolder?.Dispose();
        Capture.Dispose();
    }
}

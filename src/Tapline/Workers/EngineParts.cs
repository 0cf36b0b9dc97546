// Everything that a running engine holds, in one place, so that it is closed in one place. Opened by EngineOpening in
// the order of the fields, released in the reverse.
using Tapline.Capture.Ring;
using Tapline.Mirror;
using Tapline.Mirror.Kernel;
using Tapline.Record;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>The opened parts of an engine. Arrays are by worker.</summary>
internal sealed class EngineParts : IDisposable
{
    public required EngineOptions Options { get; init; }

    public required LiveCapture Capture { get; init; }

    /// <summary>Sessions that run in the kernel; null when none does.</summary>
    public KernelMirrors? Kernel { get; init; }

    /// <summary>The path of each session, in the order of the orders.</summary>
    public required IReadOnlyList<KernelDecision> Paths { get; init; }

    public required RingLosses Losses { get; init; }

    public SpoolFolder? SpoolFolder { get; init; }

    /// <summary>The ledger's own writer; numbered after the workers'.</summary>
    public SpoolWriter? SupervisorSpool { get; init; }

    public SegmentFolder? RecordFolder { get; init; }

    public required SpoolWriter[] Spools { get; init; }

    public required SegmentRecorder[] Recorders { get; init; }

    /// <summary>By worker, then the sessions that run in user space.</summary>
    public required MirrorSession[][] Mirrors { get; init; }

    public required Pipeline<SpoolSink>[] Pipelines { get; init; }

    public Worker[] Workers { get; set; } = [];

    /// <summary>A session's ledger, whichever path it takes. Any thread; allocation-free.</summary>
    public MirrorLedgerRecord SessionTotals(int session) =>
        Kernel is { } kernel && kernel.Has((ushort)session) ? kernel.Read((ushort)session) : MirrorTotals.Sum(Mirrors, (ushort)session);

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

        foreach (var sessions in Mirrors)
        {
            Array.ForEach(sessions, s => s.Dispose());
        }

        Kernel?.Dispose();

        Array.ForEach(Recorders, r => r.Dispose());
        Array.ForEach(Spools, s => s.Dispose());
        SupervisorSpool?.Dispose();
        RecordFolder?.Dispose();
        SpoolFolder?.Dispose();
        Capture.Dispose();
    }
}

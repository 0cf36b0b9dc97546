// The ledger of a whole run, taken after the rings were drained: what `tapline engine --json` prints and what the
// demo, the benchmarks and the lab tests compare with the kernel's own counters.
using Tapline.Base;

namespace Tapline.Workers;

/// <summary>How a run ended and what it did with every frame.</summary>
public sealed record EngineReport
{
    /// <summary>Null when all went well, else one sentence: what failed and the mend.</summary>
    public string? Fault { get; init; }

    /// <summary>True when the orders themselves were wrong (exit code 2).</summary>
    public bool IsUsageError { get; init; }

    /// <summary>False when the engine was never started: there is no ledger then.</summary>
    public bool HasRun { get; init; }

    public IReadOnlyList<PointReport> Points { get; init; } = [];

    public IReadOnlyList<MirrorReport> Mirrors { get; init; } = [];

    /// <summary>What was recorded; null = nothing was to be.</summary>
    public RecorderReport? Recorder { get; init; }

    public long DurationNs { get; init; }

    /// <summary>Managed bytes allocated between the engine's steady state and its stop.</summary>
    public long AllocatedBytes { get; init; }

    public long FlowsCreated { get; init; }

    public long FlowsEvicted { get; init; }

    public long FlowRecordsWritten { get; init; }

    public long FlowRecordsDropped { get; init; }

    /// <summary>Exit code of the command: 0 ok, 1 failed, 2 usage.</summary>
    public int ExitCode => Fault is null ? 0 : IsUsageError ? 2 : 1;

    public static EngineReport Failed(string sentence) => new() { Fault = sentence };

    public static EngineReport Usage(string sentence) => new() { Fault = sentence, IsUsageError = true };
}

/// <summary>One point's ledger. arrived = captured + dropped_ring; captured = analysed + undecodable.</summary>
public sealed record PointReport
{
    public required string Point { get; init; }

    public long Arrived { get; init; }

    public long DroppedRing { get; init; }

    public PointCounts Counts { get; init; }
}

/// <summary>One mirror session's ledger. offered = sent + filtered + sampled out + dropped.</summary>
public sealed record MirrorReport
{
    public required string Session { get; init; }

    public required string To { get; init; }

    /// <summary><c>kernel</c> or <c>user</c>.</summary>
    public string Mode { get; init; } = "user";

    public Store.MirrorLedgerRecord Ledger { get; init; }

    /// <summary>What each target of a group got; empty when there is one target.</summary>
    public IReadOnlyList<MirrorMember> Members { get; init; } = [];

    /// <summary>Its way out of the past; null = it began in the present.</summary>
    public Past.PastReport? Past { get; init; }

    /// <summary>What the session's canaries have shown; null = none was due.</summary>
    public CanaryReport? Canary { get; init; }

    /// <summary>
    /// Frames that the tool port's driver dropped meanwhile, whoever sent them: a witness beside the ledger. Kernel path only.
    /// </summary>
    public long? TargetTxDropped { get; init; }
}

/// <summary>What all recorders did together. Frames; bytes on disk.</summary>
public sealed record RecorderReport
{
    public required string Folder { get; init; }

    public long Recorded { get; init; }

    public long Dropped { get; init; }

    /// <summary>Of the recorded ones: cut on purpose, by what the recording takes.</summary>
    public long Sliced { get; init; }

    /// <summary>Bytes written by this run, removed ones included.</summary>
    public long WrittenBytes { get; init; }

    /// <summary>Segments and bytes in the folder, those of earlier runs included.</summary>
    public int Segments { get; init; }

    public long UsedBytes { get; init; }

    public long BudgetBytes { get; init; }

    /// <summary>Segments removed by this run to keep the budget.</summary>
    public long Removed { get; init; }

    /// <summary>Number of holds, and the bytes that they keep.</summary>
    public int Holds { get; init; }

    public long HeldBytes { get; init; }

    /// <summary>Which rule of retention can't be kept; null = all are.</summary>
    public string? Notice { get; init; }

    /// <summary>Segments of a crashed run that were repaired at start.</summary>
    public int Recovered { get; init; }

    /// <summary>Segments of this run that have no index yet: the next start makes it.</summary>
    public long WithoutIndex { get; init; }

    /// <summary>Segments that could not be sealed.</summary>
    public long WithoutSeal { get; init; }

    /// <summary>Visible segments that wait for their seals; those of an engine that has ended get them at the next start.</summary>
    public long SealsWaiting { get; init; }

    /// <summary>False when the file system took no direct writes.</summary>
    public bool IsDirect { get; init; }

    /// <summary>Why the recorder can't write at the moment; null = it can.</summary>
    public string? StallReason { get; init; }

    /// <summary>What each class did, the default one first; empty where there are no classes.</summary>
    public IReadOnlyList<RecordClassReport> Classes { get; init; } = [];

    /// <summary>How each trigger fared.</summary>
    public IReadOnlyList<Triggers.TriggerState> Triggers { get; init; } = [];
}

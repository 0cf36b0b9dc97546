// What to record, where, how much and for how long, as the command line or the configuration decided it. Plain data.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;

namespace Tapline.Workers;

/// <summary>What to record, where, and how much.</summary>
public sealed record RecordPlan
{
    /// <summary>Folder of the segment files.</summary>
    public required string Folder { get; init; }

    /// <summary>Disk space for all segments; the oldest go first.</summary>
    public long BudgetBytes { get; init; } = Limits.RecordBudgetBytesDefault;

    /// <summary>How long segments are kept, ns; 0 = as long as there is room.</summary>
    public long KeepNs { get; init; }

    /// <summary>What stays free of the disk.</summary>
    public FreeDisk MinFree { get; init; }

    /// <summary>Filter expression; null = every frame.</summary>
    public string? Filter { get; init; }

    /// <summary>Compression and encryption of the segments.</summary>
    public AtRest AtRest { get; init; } = AtRest.Plain;

    /// <summary>The folder's rules.</summary>
    public RetentionRules Rules => new() { BudgetBytes = BudgetBytes, KeepNs = KeepNs, MinFree = MinFree };
}

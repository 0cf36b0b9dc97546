// What to record, where, how much and for how long, as the command line or the configuration decided it. Plain data.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Workers.Triggers;

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

    /// <summary>Segments are sealed: hashed, chained and signed with the node's key.</summary>
    public bool Evidence { get; init; } = true;

    /// <summary>The node's key; null = `node.key` in the data folder, or in the recording's where there is none.</summary>
    public string? KeyFile { get; init; }

    /// <summary>What is taken of frames that no class wants.</summary>
    public RecordTake Take { get; init; }

    /// <summary>Classes with folders and rules of their own: each frame goes to the first that wants it, else here.</summary>
    public IReadOnlyList<RecordClassPlan> Classes { get; init; } = [];

    /// <summary>What protects a window, and takes it out into a file.</summary>
    public IReadOnlyList<TriggerPlan> Triggers { get; init; } = [];

    /// <summary>Disk space for all files of triggers; the oldest go first.</summary>
    public long TriggerBudgetBytes { get; init; } = Limits.TriggerBudgetBytesDefault;

    /// <summary>Compression and encryption of the segments.</summary>
    public AtRest AtRest { get; init; } = AtRest.Plain;

    /// <summary>The folder's rules.</summary>
    public RetentionRules Rules => new() { BudgetBytes = BudgetBytes, KeepNs = KeepNs, MinFree = MinFree };

    public bool Equals(RecordPlan? other) => other is not null && Folder == other.Folder && Filter == other.Filter
        && Rules == other.Rules && Take == other.Take && AtRest == other.AtRest && Evidence == other.Evidence
        && Classes.SequenceEqual(other.Classes)
        && Triggers.SequenceEqual(other.Triggers) && TriggerBudgetBytes == other.TriggerBudgetBytes;

    public override int GetHashCode() => HashCode.Combine(Folder, Filter, BudgetBytes);
}

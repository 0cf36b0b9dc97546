// What a recording's folder keeps, and when its oldest segments go: by room, by age, by the disk's free room. Each rule
// alone may remove a segment; a hold (Record/Holds) protects it from all of them.
namespace Tapline.Record;

/// <summary>The rules of one folder. Immutable.</summary>
public sealed record RetentionRules
{
    /// <summary>Disk space for all segments and what belongs to them, in bytes.</summary>
    public required long BudgetBytes { get; init; }

    /// <summary>A segment goes when all its frames are older than this, ns; 0 = age does not matter.</summary>
    public long KeepNs { get; init; }

    /// <summary>What stays free of the disk, whoever filled it.</summary>
    public FreeDisk MinFree { get; init; }
}

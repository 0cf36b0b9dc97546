// One class of a recording, as the command line or the configuration decided it: which frames, how much of them, how long.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;

namespace Tapline.Workers;

/// <summary>The orders for one class. Its segments are in a folder of its name inside the recording's.</summary>
public sealed record RecordClassPlan
{
    /// <summary>Its name and its folder's: small letters, digits, - and _; see <see cref="MistakeInName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Which frames are its own, as far as no class before it took them.</summary>
    public required string Filter { get; init; }

    /// <summary>Disk space for its segments.</summary>
    public long BudgetBytes { get; init; } = Limits.RecordBudgetBytesDefault;

    /// <summary>How long they are kept, ns; 0 = as long as there is room.</summary>
    public long KeepNs { get; init; }

    /// <summary>What it takes of each frame.</summary>
    public RecordTake Take { get; init; }

    /// <summary>How its segments lie on the disk; null = as the recording's.</summary>
    public AtRest? AtRest { get; init; }

    /// <summary>Its folder's rules.</summary>
    /// <param name="minFree">What stays free of the disk: the recording's, for all classes.</param>
    public RetentionRules Rules(FreeDisk minFree) => new() { BudgetBytes = BudgetBytes, KeepNs = KeepNs, MinFree = minFree };

    /// <summary>What is wrong with a name, or null. It becomes a folder's name, so it can't be just any text.</summary>
    public static string? MistakeInName(string name) => ClassFolders.MistakeInName(name, "a class's");
}

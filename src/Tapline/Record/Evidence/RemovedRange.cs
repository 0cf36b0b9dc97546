// Segments that retention removed, one after the other in a chain: what lets a removal by rule be told from one by somebody. Plain
// data; the two links join what was before with what comes after.
namespace Tapline.Record.Evidence;

/// <summary>Removed segments of consecutive sequences.</summary>
internal struct RemovedRange
{
    public UInt128 Chain;

    public long First;

    public long Last;

    /// <summary>What the first one names as previous.</summary>
    public Hash256 Before;

    /// <summary>Link of the last one.</summary>
    public Hash256 Tip;

    /// <summary>Time in the name of the first and of the last one, ns since the epoch.</summary>
    public long SinceNs;

    public long UntilNs;

    /// <summary>Removed by each rule, in the order of <see cref="RemovalReason"/>.</summary>
    public long Budget;

    public long Age;

    public long FreeDisk;

    /// <summary>When the last of them was removed.</summary>
    public long RemovedNs;
}

// What one worker has done over all its points. Written by the worker at the end of each batch, read by the supervisor
// and the control thread; in native memory of its own, so that no other thread's writes share its cache lines.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tapline.Workers;

/// <summary>Frames by <see cref="Decode.DecodeVerdict"/>.</summary>
[InlineArray(Length)]
public struct VerdictCounts
{
    /// <summary>Room for each verdict there is and some to come.</summary>
    public const int Length = 16;

    private long _first;
}

/// <summary>Cumulative totals of one worker.</summary>
[StructLayout(LayoutKind.Sequential, Size = 320)]
public struct WorkerTotals
{
    /// <summary>Odd while a batch is being counted: readers try again (a sequence lock with one writer).</summary>
    internal int Sequence;

    /// <summary>The processor the worker is bound to; -1 = unbound.</summary>
    public int Cpu;

    /// <summary>Rises with each turn of the loop, frames or not: the worker's sign of life.</summary>
    public long Beats;

    public long Frames;
    public long Batches;

    /// <summary>Managed bytes that the worker's thread has allocated since its start.</summary>
    public long AllocatedBytes;

    public long FlowsActive;
    public long FlowsCreated;
    public long FlowsEvicted;
    public long FlowRecords;
    public VerdictCounts Verdicts;
}

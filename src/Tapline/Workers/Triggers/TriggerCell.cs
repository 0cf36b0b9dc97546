// Where a worker leaves word that a trigger was set off, and the control thread takes it. One writer each way: the worker fills an armed
// cell and sets it fired, the control thread empties a fired one and arms it. In native memory; all zero = armed.
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>One trigger on one worker.</summary>
internal struct TriggerCell
{
    /// <summary>Written last by either side, with Volatile.</summary>
    public int IsFired;

    /// <summary>Flow has the flow's record.</summary>
    public int HasFlow;

    /// <summary>The flow is followed to its end under this number; 0 = it is not.</summary>
    public int Followed;

    /// <summary>The control thread's: frames before this time set nothing off.</summary>
    public long QuietUntilNs;

    /// <summary>Time of the frame; of a flow, of its first and last one.</summary>
    public long FirstNs;
    public long LastNs;

    public FlowRecord Flow;
}

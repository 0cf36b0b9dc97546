// A flow that a trigger follows to its end, in native memory between its worker and the control thread. Each step has one writer: the
// worker takes a free one and says when the flow has ended; the control thread takes the end, or gives up, and then the worker
// frees it with the flow.
namespace Tapline.Workers.Triggers;

/// <summary>One followed flow. All zero = free.</summary>
internal struct TriggerFollow
{
    public const int Free = 0;
    public const int Following = 1;
    public const int Ended = 2;
    public const int GivenUp = 3;

    /// <summary>Changed by Interlocked from <see cref="Following"/>, by Volatile otherwise.</summary>
    public int State;

    /// <summary>The flow's slot. The worker's.</summary>
    public int Slot;

    /// <summary>Time of its last frame, when it has ended.</summary>
    public long EndNs;
}

// What a worker tells of a frame that rang a trigger. Blittable, so that telling it is a copy.
using System.Runtime.InteropServices;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>One hit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TriggerHit
{
    /// <summary>The trigger's place in the list.</summary>
    public int Trigger;

    /// <summary>0 when the frame belongs to no flow, and <see cref="Flow"/> says nothing.</summary>
    public int HasFlow;

    /// <summary>The frame's time, ns since the epoch.</summary>
    public long TimeNs;

    /// <summary>The flow as it stood with this frame.</summary>
    public FlowRecord Flow;
}

// A frame's key, worked out in the first pass over a batch and used in the third.
using System.Runtime.InteropServices;

namespace Tapline.Flows;

/// <summary>One lane of a batch. 64 bytes: one cache line.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct PreparedKey
{
    public FlowKey Key;
    public ulong Hash;

    /// <summary>0 when the frame was sent by endpoint A of the key, 1 by B.</summary>
    public byte Direction;

    /// <summary>False: the frame belongs to no flow.</summary>
    public bool IsFlow;

    /// <summary>The frame is a reply by its type (ICMP echo reply): its sender is not the initiator.</summary>
    public bool IsReply;
}

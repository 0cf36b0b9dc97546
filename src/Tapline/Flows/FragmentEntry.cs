// One fragmented IP packet under observation: which flow its first fragment named, or what arrived before that.
using System.Runtime.InteropServices;

namespace Tapline.Flows;

/// <summary>State of one fragmented packet. Plain data in the fragment cache's native memory.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FragmentEntry
{
    /// <summary>Key of the packet without ports: also the key of the flow that takes it if no first fragment comes.</summary>
    public FlowKey Key;

    public uint FragmentId;
    public byte Direction;
    public bool InUse;

    /// <summary>Direction within the flow; differs from <see cref="Direction"/> only between equal addresses.</summary>
    public byte FlowDirection;

    public bool HasSegment;

    /// <summary>Flow of the first fragment, and its id to know whether the slot was given to another since; -1 none.</summary>
    public int Slot;

    public ulong FlowId;
    public long FirstNs;
    public long LastNs;

    /// <summary>Bytes of the packet's payload seen, and its whole length once the last fragment came (else 0).</summary>
    public uint ReceivedLength;

    public uint TotalLength;

    /// <summary>Frames without a flow so far.</summary>
    public uint PendingFrames;

    public ushort Point;
    public ushort TransportHeaderLength;
    public long PendingBytes;
    public long PendingPayloadBytes;

    /// <summary>Payload that the frames so far were counted with, one by one.</summary>
    public long CountedPayloadBytes;

    /// <summary>The TCP header of the first fragment: judged when the packet is whole, for only then its length is
    /// known.</summary>
    public TcpSegment Segment;
}

// What one side of a flow sent. Two of these stand in each flow record: initiator first, then responder.
using System.Runtime.InteropServices;

namespace Tapline.Store;

/// <summary>Counts of one direction of a flow. Plain data, 128 bytes, part of the spool's format.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
public struct DirectionCounts
{
    /// <summary>Frames as captured.</summary>
    public long Frames;

    /// <summary>Wire segments that those frames stand for (more than Frames only for GSO super-frames).</summary>
    public long Segments;

    /// <summary>Original L2 bytes, without FCS.</summary>
    public long Bytes;

    /// <summary>L4 payload bytes by the packets' own lengths.</summary>
    public long PayloadBytes;

    /// <summary>First and last frame of this direction, ns since the epoch; 0 = none.</summary>
    public long FirstNs;

    public long LastNs;

    public uint Retransmissions;
    public uint FastRetransmissions;
    public uint SpuriousRetransmissions;
    public uint OutOfOrder;
    public uint DuplicateAcks;
    public uint ZeroWindows;
    public uint ZeroWindowProbes;
    public uint WindowFulls;
    public uint LostSegments;
    public uint KeepAlives;
    public uint Resets;
    public uint Syns;
    public uint Fins;
    public uint Pushes;

    /// <summary>OR of all TCP flags this side sent.</summary>
    public byte TcpFlagsSeen;

    /// <summary>TTL or hop limit, and traffic class, of the first packet.</summary>
    public byte Ttl;

    public byte TrafficClass;

    /// <summary>Scale announced in the SYN; 0xff = no SYN seen.</summary>
    public byte WindowScale;

    /// <summary>MSS announced in the SYN; 0 = none.</summary>
    public ushort MaximumSegmentSize;

    /// <summary>Frames whose payload was cut by the capture.</summary>
    public uint CutFrames;

    /// <summary>Wire segments whose data (or SYN, FIN) had crossed the tap before: by memory of the sequence space, not
    /// by time, so it equals what the sender's own stack counts as sent again.</summary>
    public uint ResentSegments;

    /// <summary>ACKs of data that the tap has not seen.</summary>
    public uint UnseenAcks;

    /// <summary>ACKs that changed nothing but the window.</summary>
    public uint WindowUpdates;
}

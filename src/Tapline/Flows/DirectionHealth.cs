// What goes wrong in one direction, and what is asked seldom: kept apart so that healthy frames never touch it.
using System.Runtime.InteropServices;

namespace Tapline.Flows;

/// <summary>Cold counters of one direction, 96 bytes. Meanings as in <c>Store.DirectionCounts</c>.</summary>
[StructLayout(LayoutKind.Sequential, Size = 96)]
internal struct DirectionHealth
{
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
    public uint CutFrames;

    /// <summary>Wire segments beyond one per frame (GSO super-frames).</summary>
    public uint ExtraSegments;

    /// <summary>Wire segments whose data had crossed the tap before.</summary>
    public uint ResentSegments;

    public uint UnseenAcks;
    public uint WindowUpdates;

    /// <summary>Holes in the sequence space: data that this tap has not seen (yet).</summary>
    public SequenceHoles Holes;
}

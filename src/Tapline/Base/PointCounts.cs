// What one worker did with the frames of one observation point. One cache line, one writer; the supervisor reads it
// while it grows, so every figure is a whole 64-bit word and only ever increases.
using System.Runtime.InteropServices;

namespace Tapline.Base;

/// <summary>Cumulative counts of one point on one worker. captured = analysed + undecodable (the loss ledger, D6).</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
public struct PointCounts
{
    /// <summary>Frames read out of the ring or file.</summary>
    public long Captured;

    /// <summary>Their original bytes, L2 without FCS.</summary>
    public long CapturedBytes;

    /// <summary>Wire segments that they stand for.</summary>
    public long Segments;

    public long Analysed;
    public long Undecodable;

    /// <summary>Frames handed to the recorder and taken, or wanted there and lost.</summary>
    public long Recorded;

    public long DroppedRecorder;

    /// <summary>Frames whose bytes were cut by the capture.</summary>
    public long Cut;

    /// <summary>Adds another worker's counts of the same point.</summary>
    public void Add(in PointCounts other)
    {
        Captured += other.Captured;
        CapturedBytes += other.CapturedBytes;
        Segments += other.Segments;
        Analysed += other.Analysed;
        Undecodable += other.Undecodable;
        Recorded += other.Recorded;
        DroppedRecorder += other.DroppedRecorder;
        Cut += other.Cut;
    }
}

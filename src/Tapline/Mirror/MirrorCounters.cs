// What a mirror session did with every frame that it was offered. One writer (the worker), any readers; padded to whole
// cache lines so that a reader of one worker's counters never slows another worker.
using System.Runtime.InteropServices;

namespace Tapline.Mirror;

/// <summary>
/// A session's counters on one worker, in frames as captured unless the name says otherwise. At every moment
/// offered = sent + filtered + sampled out + dropped. A frame that waits for a slow target is counted
/// in <see cref="Waiting"/> and becomes offered when its fate is known.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct MirrorCounters
{
    [FieldOffset(64)] public long Offered;

    /// <summary>Frames of which every wire frame was taken by the target.</summary>
    [FieldOffset(72)] public long Sent;

    /// <summary>Wire frames that left; more than <see cref="Sent"/> where super-frames were re-segmented.</summary>
    [FieldOffset(80)] public long SentWireFrames;

    /// <summary>L2 bytes that left, without FCS.</summary>
    [FieldOffset(88)] public long SentBytes;

    /// <summary>Frames that the expression did not select.</summary>
    [FieldOffset(96)] public long Filtered;

    [FieldOffset(104)] public long SampledOut;

    /// <summary>The target took frames more slowly than they came, and the buffer was full.</summary>
    [FieldOffset(112)] public long DroppedBusy;

    /// <summary>Longer than the target's MTU allows, even after re-segmentation.</summary>
    [FieldOffset(120)] public long DroppedTooLong;

    /// <summary>The target interface was down or gone.</summary>
    [FieldOffset(128)] public long DroppedTargetDown;

    /// <summary>
    /// The frame cannot leave as it would on a wire (cut by the capture, contradictory lengths, refused by the kernel).
    /// </summary>
    [FieldOffset(136)] public long DroppedError;

    /// <summary>
    /// Wire frames that left shorter than they were, because the session slices. They are sent, not dropped.
    /// </summary>
    [FieldOffset(144)] public long SlicedWireFrames;

    /// <summary>Frames in the send buffer now. A level, not a count.</summary>
    [FieldOffset(152)] public long Waiting;

    /// <summary>Of the filtered: second copies of a frame that had been offered before.</summary>
    [FieldOffset(192)] public long Deduplicated;

    /// <summary>Of the filtered: frames of a flow of which as much had left as was wanted.</summary>
    [FieldOffset(200)] public long FlowEnded;

    /// <summary>Above the session's rate cap.</summary>
    [FieldOffset(208)] public long DroppedRateCapped;

    /// <summary>Given up for frames of more value while the target was slow.</summary>
    [FieldOffset(232)] public long DroppedShed;

    /// <summary>Frames in whose payload something was masked.</summary>
    [FieldOffset(216)] public long Masked;

    /// <summary>
    /// Frames and flows that were forgotten before their time because the session's table of them was full: a copy may
    /// have passed as new, a flow may have begun anew.
    /// </summary>
    [FieldOffset(224)] public long Forgotten;

    /// <summary>Of the filtered: frames for which the target had no use: nobody read it, or they were its own.</summary>
    [FieldOffset(240)] public long Unwanted;

    /// <summary>Frames that were wanted and did not leave whole.</summary>
    public readonly long Dropped =>
        DroppedBusy + DroppedTooLong + DroppedTargetDown + DroppedError + DroppedRateCapped + DroppedShed;

    /// <summary>True when every offered frame is accounted for.</summary>
    public readonly bool Balances => Offered == Sent + Filtered + SampledOut + Dropped;

    /// <summary>Counts one offered frame as not sent.</summary>
    internal void CountDrop(DropReason reason)
    {
        Offered++;
        switch (reason)
        {
            case DropReason.Busy: DroppedBusy++; break;
            case DropReason.TooLong: DroppedTooLong++; break;
            case DropReason.TargetDown: DroppedTargetDown++; break;
            case DropReason.RateCapped: DroppedRateCapped++; break;
            case DropReason.Shed: DroppedShed++; break;
            case DropReason.Unwanted: Unwanted++; Filtered++; break;
            default: DroppedError++; break;
        }
    }
}

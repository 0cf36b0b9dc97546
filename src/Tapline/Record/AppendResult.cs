// The recorder's answer to each frame, so that the worker's ledger can name what became of it.
namespace Tapline.Record;

/// <summary>What became of a frame handed to <see cref="SegmentRecorder.Append"/>.</summary>
public enum AppendResult : byte
{
    /// <summary>Copied into a buffer that the writer will put on disk.</summary>
    Recorded,

    /// <summary>Lost: every buffer is full or on its way to the disk. The disk is too slow for this rate.</summary>
    DroppedBusy,

    /// <summary>Lost: the writer is stalled (disk full, device error); see <see cref="SegmentRecorder.StallReason"/>.</summary>
    DroppedStalled,

    /// <summary>Lost: longer than a recorder's buffer can take (<c>Limits.FrameBytesMax</c>).</summary>
    DroppedTooLong,

    /// <summary>Lost: the recorder is closed, or the point's id is beyond <c>Limits.PointsMax</c>.</summary>
    DroppedClosed,
}

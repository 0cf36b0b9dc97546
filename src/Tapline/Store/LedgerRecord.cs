// One second of one observation point's ledger, cumulative within the second; sums balance exactly.
using System.Runtime.InteropServices;

namespace Tapline.Store;

/// <summary>Ledger row of a point. arrived = captured + dropped_ring; captured = analysed + undecodable;
/// where a recorder runs, captured = recorded + filtered_recorder + dropped_recorder (D6).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LedgerRecord
{
    /// <summary>Start of the second, ns since the epoch.</summary>
    public long TimeNs;

    public ushort Point;
    public ushort Worker;
    public uint Reserved;

    /// <summary>Frames the kernel offered to the ring, frames lost there, frames read out of it.</summary>
    public long Arrived;

    public long DroppedRing;
    public long Captured;
    public long CapturedBytes;

    /// <summary>Wire segments that the captured frames stand for.</summary>
    public long Segments;

    public long Analysed;
    public long Undecodable;
    public long Recorded;
    public long DroppedRecorder;

    /// <summary>Frames that the recorder's filter did not want.</summary>
    public long FilteredRecorder;
}

/// <summary>Ledger row of a mirror session. offered = sent + filtered + sampled out + dropped.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MirrorLedgerRecord
{
    public long TimeNs;
    public ushort Session;
    public ushort Worker;
    public uint Reserved;
    public long Offered;
    public long Sent;

    /// <summary>Wire frames that left; more than Sent where super-frames were re-segmented.</summary>
    public long SentWireFrames;

    public long SentBytes;
    public long Filtered;
    public long SampledOut;
    public long DroppedBusy;
    public long DroppedTooLong;
    public long DroppedTargetDown;
    public long DroppedError;
}

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
    public long DroppedRateCapped;

    /// <summary>Given up for frames of more value, because the target was slow.</summary>
    public long DroppedShed;

    /// <summary>Of the filtered: second copies of a frame.</summary>
    public long Deduplicated;

    /// <summary>Of the filtered: frames of a flow of which as much had left as was wanted.</summary>
    public long FlowEnded;

    /// <summary>Of the sent: frames in whose payload something was masked.</summary>
    public long Masked;

    /// <summary>Frames and flows that the session forgot before their time because its tables were full.</summary>
    public long Forgotten;
}

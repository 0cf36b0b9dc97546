// Who made an index: the worker that saw the frames, or the packets themselves later on.
namespace Tapline.Record.Index;

/// <summary>How an index was made. Numbers are a format.</summary>
public enum IndexOrigin : byte
{
    /// <summary>While recording: figures of flows are cumulative since the flow's start, flow ids are those of the store.</summary>
    Live = 0,

    /// <summary>From the segment's packets alone: figures begin with the segment, flow ids mean nothing elsewhere.</summary>
    Rebuilt = 1,
}

// What a recorder knows of one point: its interface in the segment under way, and the counts of the segment's window.
using Tapline.Base;

namespace Tapline.Record;

/// <summary>One point's place in the segment under way. Plain data, in native memory, one thread.</summary>
internal struct RecorderPoint
{
    /// <summary>Interface of this point in the segment; -1 = not described yet.</summary>
    public int Interface;

    public LinkType LinkType;

    /// <summary>Listed among the points of the window.</summary>
    public bool IsTouched;

    /// <summary>Counts since the last segment ended.</summary>
    public long Recorded;
    public long RecordedBytes;
    public long Cut;
    public long Sliced;
    public long Filtered;
    public long OtherClass;
    public long Dropped;

    /// <summary>Cumulative losses in the ring as last told, and as they were when the last segment ended.</summary>
    public long RingDrops;
    public long RingDropsBefore;

    /// <summary>Cumulative losses of the writer as they were when the last segment ended.</summary>
    public long LostBefore;

    /// <summary>The writer's losses that the segment's ending tells.</summary>
    public long LostInWindow;
}

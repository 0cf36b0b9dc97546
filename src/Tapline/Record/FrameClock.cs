// Whether the clock that stamps frames was set. A segment's name, window and index say between which times its frames lie, and a
// query believes them: so frames of before and after a step do not share a segment. Sources whose clocks differ for good (a NIC's
// hardware time) interleave their frames and must not make a segment of each: one step in ten seconds counts. One thread.
using Tapline.Base;

namespace Tapline.Record;

/// <summary>Watches the times of one recorder's frames.</summary>
internal struct FrameClock
{
    private const long BackNs = 2 * Clock.SecondNs; // queries put frames in order that lie no further apart
    private const long AheadNs = Limits.SegmentSpanNs;
    private const long PauseMs = 10_000;
    private long _quietUntilMs;

    /// <summary>The second time is before the first, further than frames come out of order.</summary>
    public static bool IsBack(long beforeNs, long timeNs) => beforeNs > timeNs && beforeNs - timeNs > BackNs;

    /// <summary>True when the clock was set between the latest frame and this one.</summary>
    public bool HasStepped(long latestNs, long timeNs)
    {
        if (!IsBack(latestNs, timeNs) && (timeNs <= latestNs || timeNs - latestNs <= AheadNs))
        {
            return false;
        }

        var nowMs = Environment.TickCount64;
        if (nowMs < _quietUntilMs)
        {
            return false;
        }

        _quietUntilMs = nowMs + PauseMs;
        return true;
    }
}

// By whose time a segment is old. The wall clock decides, but not alone: a clock that jumps ahead by hours (a dead battery, a
// wrong time server) would make a whole recording old at once, and removal can't be undone. So a jump, or a start at which
// everything is already old, is given ten minutes in which the clock may be set right again. One thread; told of each second.
using Tapline.Base;

namespace Tapline.Record;

/// <summary>Tells which segments are too old.</summary>
internal sealed class AgeClock
{
    private const long JumpNs = 3600 * Clock.SecondNs;
    private const int PauseTicks = 600;
    private long _nowNs;
    private long _keepNs;
    private int _pause;

    /// <summary>True before the first tick.</summary>
    public bool IsFirst => _nowNs == 0;

    /// <summary>A sentence while age removes nothing because the clock jumped; null otherwise. Any thread.</summary>
    public string? Notice => Volatile.Read(ref _pause) == 0 ? null
        : "The clock has jumped ahead, or all of the recording is old at once: for ten minutes age removes nothing. "
            + "If the time is wrong, set it right.";

    /// <summary>A second has passed.</summary>
    /// <param name="nowNs">Wall clock, ns since the epoch.</param>
    /// <param name="keepNs">How long segments are kept; 0 = age does not matter.</param>
    /// <param name="newestNs">At the first tick: the newest segment there is; 0 = none.</param>
    public void Tick(long nowNs, long keepNs, long newestNs)
    {
        var hasJumped = IsFirst ? newestNs > 0 && keepNs > 0 && IsOlder(newestNs, nowNs, keepNs) : nowNs - _nowNs > JumpNs;
        _nowNs = nowNs;
        _keepNs = keepNs;
        Volatile.Write(ref _pause, hasJumped && keepNs > 0 ? PauseTicks : Math.Max(0, _pause - 1));
    }

    /// <summary>True when all frames of a segment that begins at this time are too old.</summary>
    public bool IsTooOld(long startNs) => _keepNs > 0 && _pause == 0 && IsOlder(startNs, _nowNs, _keepNs);

    private static bool IsOlder(long startNs, long nowNs, long keepNs) => nowNs - startNs - Limits.SegmentSpanNs > keepNs;
}

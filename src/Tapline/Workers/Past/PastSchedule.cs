// When a frame of the past is due: its time against the first one's, divided by the speed, on a clock that only goes forward. The
// schedule is absolute, so that what is late once makes nothing else late and errors do not add up. Pure; one thread.
namespace Tapline.Workers.Past;

/// <summary>Times of departure. Times in ns; speed 2 = twice as fast, 0 = everything at once.</summary>
internal sealed class PastSchedule(double speed)
{
    // A frame so far behind the latest one is a clock that was set back, not two frames that changed places.
    private const long StepBackNs = 2_000_000_000;
    private bool _isBegun;
    private long _originNs;
    private long _originFrameNs;
    private long _latestFrameNs;

    /// <summary>True when nothing is waited for.</summary>
    public bool IsUnpaced => speed <= 0;

    /// <summary>When a frame is due on the clock of <paramref name="nowNs"/>; at or before now = at once.</summary>
    public long Due(long frameNs, long nowNs)
    {
        if (IsUnpaced)
        {
            return nowNs;
        }

        if (!_isBegun || frameNs < _latestFrameNs - StepBackNs)
        {
            Begin(frameNs, nowNs);
        }

        _latestFrameNs = Math.Max(_latestFrameNs, frameNs);
        var sinceNs = (frameNs - _originFrameNs) / speed;
        return sinceNs > long.MaxValue / 4 ? long.MaxValue / 4 : _originNs + (long)sinceNs;
    }

    /// <summary>The next frame is due at once, and the following ones by it.</summary>
    public void Restart() => _isBegun = false;

    /// <summary>This frame left at that moment, and the following ones are due by it.</summary>
    public void Begin(long frameNs, long nowNs)
    {
        _isBegun = true;
        _originNs = nowNs;
        _originFrameNs = frameNs;
        _latestFrameNs = frameNs;
    }
}

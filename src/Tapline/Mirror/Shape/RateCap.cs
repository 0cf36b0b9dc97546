// A limit on what leaves, as a token bucket over frame time, in the form of the generic cell rate algorithm (ITU-T
// I.371): one number, the time at which the bucket would be full again. All workers of a session share it, so the limit
// is the session's and not the worker's. Lock-free; allocates nothing.
namespace Tapline.Mirror.Shape;

/// <summary>Admits at most so many units a second, with a burst.</summary>
public sealed class RateCap
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly double _nsPerUnit;
    private readonly long _burstNs;
    private long _fullAtNs = long.MinValue;

    /// <summary>
    /// A cap of <paramref name="unitsPerSecond"/> with a burst of <paramref name="burstUnits"/>; the units are bits, or
    /// wire frames when <paramref name="countsFrames"/>.
    /// </summary>
    public RateCap(long unitsPerSecond, long burstUnits, bool countsFrames)
    {
        UnitsPerSecond = unitsPerSecond;
        CountsFrames = countsFrames;
        _nsPerUnit = (double)NanosecondsPerSecond / unitsPerSecond;
        _burstNs = (long)(burstUnits * _nsPerUnit);
    }

    /// <summary>The rate.</summary>
    public long UnitsPerSecond { get; }

    /// <summary>True when wire frames are counted, false when bits.</summary>
    public bool CountsFrames { get; }

    /// <summary>
    /// Takes the units at that frame time. False when the bucket has too few. A frame larger than the burst passes when
    /// the bucket is full, and pays afterwards: it would never pass otherwise.
    /// </summary>
    public bool TryTake(long nowNs, long units)
    {
        var cost = (long)(units * _nsPerUnit);
        while (true)
        {
            var fullAt = Volatile.Read(ref _fullAtNs);

            // A worker's clock may be behind another's by a batch; the bucket never gains by that.
            var from = Math.Max(fullAt, nowNs);
            if (from + cost - nowNs > Math.Max(_burstNs, cost))
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _fullAtNs, from + cost, fullAt) == fullAt)
            {
                return true;
            }
        }
    }
}

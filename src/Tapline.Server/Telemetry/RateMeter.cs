// Turns cumulative counters into rates by taking differences between two readings of the same engine. A counter that
// went down, another process id or a younger uptime means a new engine: the first reading of it has no rates.
namespace Tapline.Server.Telemetry;

/// <summary>Rates of one point over the last interval.</summary>
internal readonly record struct PointRate(double FramesPerSecond, double BitsPerSecond, double DropsPerSecond);

/// <summary>Keeps the reading before this one. Not thread-safe: one caller.</summary>
internal sealed class RateMeter
{
    private EngineSnapshot? _previous;

    /// <summary>Seconds between the last two readings by the engine's own clock; 0 = no rates yet.</summary>
    public double IntervalSeconds { get; private set; }

    /// <summary>Rates by point id; empty after the first reading of an engine.</summary>
    public Dictionary<int, PointRate> Advance(EngineSnapshot current)
    {
        var rates = new Dictionary<int, PointRate>();
        var previous = _previous;
        _previous = current;
        IntervalSeconds = 0;
        if (previous is null || previous.Pid != current.Pid || current.UptimeNs <= previous.UptimeNs)
        {
            return rates;
        }

        IntervalSeconds = (current.UptimeNs - previous.UptimeNs) / 1e9;
        var before = previous.Points.ToDictionary(p => p.Id);
        foreach (var point in current.Points)
        {
            // A point that has just appeared has counted from zero since then.
            var old = before.GetValueOrDefault(point.Id) ?? new EngineSnapshot.Point();
            rates[point.Id] = new PointRate(
                PerSecond(point.Captured - old.Captured),
                PerSecond(point.CapturedBytes - old.CapturedBytes) * 8,
                PerSecond(point.DroppedRing - old.DroppedRing));
        }

        return rates;
    }

    /// <summary>Forgets the last reading: the engine was away.</summary>
    public void Reset() => _previous = null;

    private double PerSecond(long difference) => Math.Max(0, difference) / IntervalSeconds;
}

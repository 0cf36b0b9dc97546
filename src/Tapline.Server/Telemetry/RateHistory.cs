// The last minutes of each point's rate, one sample a second, so that a page that has just been opened shows a curve and
// not a dot. Bounded: a fixed number of samples for each point, points that are gone fall out with their samples.
namespace Tapline.Server.Telemetry;

/// <summary>One second of all points.</summary>
internal sealed record RateSample(long TimeMs, IReadOnlyDictionary<string, PointRate> Rates);

/// <summary>A ring of samples. Written by the feed, read by any circuit.</summary>
internal sealed class RateHistory
{
    /// <summary>Five minutes at one sample a second.</summary>
    public const int SamplesMax = 300;

    private readonly Lock _gate = new();
    private readonly Queue<RateSample> _samples = new(SamplesMax);

    public void Add(RateSample sample)
    {
        lock (_gate)
        {
            if (_samples.Count == SamplesMax)
            {
                _samples.Dequeue();
            }

            _samples.Enqueue(sample);
        }
    }

    public RateSample[] ToArray()
    {
        lock (_gate)
        {
            return [.. _samples];
        }
    }
}

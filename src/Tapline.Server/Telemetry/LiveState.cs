// What the console knows of the engine at one moment. Made once a second by the feed, read by every page and by the API.
namespace Tapline.Server.Telemetry;

/// <summary>An immutable picture; the next second brings another.</summary>
internal sealed record LiveState
{
    public static LiveState Unknown { get; } = new() { Trouble = "The engine has not been asked yet." };

    /// <summary>The last answer; null until the first. Kept when the engine goes away: pages show it as its last.</summary>
    public EngineSnapshot? Snapshot { get; init; }

    /// <summary>Null while the engine answers; else one sentence for the operator.</summary>
    public string? Trouble { get; init; }

    /// <summary>When <see cref="Snapshot"/> was taken.</summary>
    public DateTimeOffset? ReadAt { get; init; }

    public IReadOnlyDictionary<int, PointRate> Rates { get; init; } = new Dictionary<int, PointRate>();

    public IReadOnlyList<FlowRow> BusiestFlows { get; init; } = [];

    /// <summary>The busiest flows that moved in the last interval: a connection that has ended stays in the table for a
    /// while, and is not busy.</summary>
    public IReadOnlyList<FlowRow> MovingFlows => [.. BusiestFlows.Where(f => f.BitsPerSecond > 0)];

    public bool IsLive => Trouble is null && Snapshot is not null;

    public double FramesPerSecond => Rates.Values.Sum(r => r.FramesPerSecond);

    public double BitsPerSecond => Rates.Values.Sum(r => r.BitsPerSecond);

    public double DropsPerSecond => Rates.Values.Sum(r => r.DropsPerSecond);

    public PointRate RateOf(int point) => Rates.GetValueOrDefault(point);
}

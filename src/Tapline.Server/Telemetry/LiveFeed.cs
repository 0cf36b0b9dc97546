// Polls the engine once a second for the whole console, however many pages are open, and hands each page the same
// picture. The engine may be absent, busy or new: the picture says so and the feed goes on.
using Microsoft.Extensions.Hosting;

namespace Tapline.Server.Telemetry;

/// <summary>The console's only asker. Runs from start to stop of the host.</summary>
internal sealed class LiveFeed(EngineClient engine, TimeProvider clock) : BackgroundService
{
    private const int BusiestFlowsMax = 20;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly RateMeter _meter = new();
    private LiveState _state = LiveState.Unknown;

    /// <summary>Called after each reading, on the feed's thread; a handler must return at once.</summary>
    public event Action? Changed;

    public LiveState State => Volatile.Read(ref _state);

    public RateHistory History { get; } = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, clock);
        do
        {
            Volatile.Write(ref _state, await ReadAsync(stoppingToken));
            Changed?.Invoke();
        }
        while (await WaitAsync(timer, stoppingToken));
    }

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken stop)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<LiveState> ReadAsync(CancellationToken stop)
    {
        try
        {
            var snapshot = await engine.SnapshotAsync(stop);
            var flows = await engine.FlowsAsync(BusiestFlowsMax, stop);
            var rates = _meter.Advance(snapshot);
            var now = clock.GetUtcNow();
            if (_meter.IntervalSeconds > 0)
            {
                History.Add(new RateSample(now.ToUnixTimeMilliseconds(), ByName(snapshot, rates)));
            }

            return new LiveState { Snapshot = snapshot, ReadAt = now, Rates = rates, BusiestFlows = flows };
        }
        catch (EngineUnavailableException e)
        {
            _meter.Reset();
            return State with { Trouble = e.Message, Rates = new Dictionary<int, PointRate>() };
        }
        catch (OperationCanceledException)
        {
            return State with { Trouble = "The console is ending." };
        }
    }

    /// <summary>Two points may share a name (an interface that came back): their rates are one curve.</summary>
    private static Dictionary<string, PointRate> ByName(EngineSnapshot snapshot, Dictionary<int, PointRate> rates)
    {
        var byName = new Dictionary<string, PointRate>();
        foreach (var point in snapshot.Points)
        {
            var rate = rates.GetValueOrDefault(point.Id);
            var sum = byName.GetValueOrDefault(point.Name);
            byName[point.Name] = new PointRate(
                sum.FramesPerSecond + rate.FramesPerSecond,
                sum.BitsPerSecond + rate.BitsPerSecond,
                sum.DropsPerSecond + rate.DropsPerSecond);
        }

        return byName;
    }
}

// Rates are differences of cumulative counters, and the ledger says "balanced" only when it is.
using Tapline.Server.Telemetry;
using Xunit;

namespace Tapline.Tests.Server;

public class LiveFiguresTests
{
    [Fact]
    public void RatesAreDifferencesByTheEnginesOwnClock()
    {
        var meter = new RateMeter();
        Assert.Empty(meter.Advance(Reading(0, frames: 100)));
        var rates = meter.Advance(Reading(2, frames: 300));
        Assert.Equal(new PointRate(100, 100 * 8 * 50, 0), rates[1]);
    }

    [Fact]
    public void ANewEngineHasNoRatesAtFirst()
    {
        var meter = new RateMeter();
        _ = meter.Advance(Reading(10, frames: 1000));
        Assert.Empty(meter.Advance(Reading(11, frames: 50, pid: 2)));
        Assert.Equal(50, meter.Advance(Reading(12, frames: 100, pid: 2))[1].FramesPerSecond);
        Assert.Empty(meter.Advance(Reading(1, frames: 5, pid: 2)));
    }

    [Fact]
    public void APointThatAppearsCountsFromZeroAndACounterNeverRunsBackwards()
    {
        var meter = new RateMeter();
        _ = meter.Advance(Reading(1, frames: 500) with { Points = [] });
        Assert.Equal(500, meter.Advance(Reading(2, frames: 500))[1].FramesPerSecond);
        Assert.Equal(0, meter.Advance(Reading(3, frames: 100))[1].FramesPerSecond);
    }

    [Theory]
    [InlineData(100, 90, 10, 0, true, false)]
    [InlineData(100, 90, 0, 10, true, true)]
    [InlineData(100, 100, 0, 0, true, true)]
    [InlineData(100, 95, 10, -5, false, false)]
    public void TheLedgerNamesEveryDifference(long arrived, long captured, long dropped, long inRing, bool sound, bool lossless)
    {
        var totals = LedgerTotals.Of(new EngineSnapshot.Point
        {
            Arrived = arrived, Captured = captured, DroppedRing = dropped, Analysed = captured,
        });
        Assert.Equal((inRing, sound, lossless), (totals.InRing, totals.IsSound, totals.IsLossless));
    }

    [Fact]
    public void AMirrorsUnaccountedFramesAreSeen()
    {
        var mirror = new EngineSnapshot.Mirror
        {
            Offered = 100, Sent = 60, Filtered = 30, Dropped = new Dictionary<string, long> { ["busy"] = 3, ["error"] = 2 },
        };
        Assert.Equal(5, LedgerTotals.Dropped(mirror));
        Assert.Equal(5, LedgerTotals.Unaccounted(mirror));
    }

    private static EngineSnapshot Reading(int seconds, long frames, int pid = 1) => new()
    {
        Pid = pid,
        UptimeNs = seconds * 1_000_000_000L,
        Points = [new EngineSnapshot.Point { Id = 1, Name = "p", Captured = frames, CapturedBytes = frames * 50 }],
    };
}

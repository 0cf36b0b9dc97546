// A worker that turns is alive, one that stands still for too long is not.
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class WatchdogTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void OnlyAStandstillLongerThanTheLimitIsStuck()
    {
        var watchdog = new Watchdog(10 * Second, _ => { });
        Assert.False(watchdog.IsStuck(0, 5, 100 * Second));
        Assert.False(watchdog.IsStuck(0, 5, 110 * Second));
        Assert.True(watchdog.IsStuck(0, 5, 111 * Second));
        Assert.False(watchdog.IsStuck(1, 5, 111 * Second));
        Assert.False(watchdog.IsStuck(0, 6, 112 * Second));
        Assert.False(watchdog.IsStuck(0, 6, 122 * Second));
        Assert.True(watchdog.IsStuck(0, 6, 123 * Second));
    }
}

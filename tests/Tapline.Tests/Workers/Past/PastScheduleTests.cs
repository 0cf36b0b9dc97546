// When frames are due: absolute times, so that nothing adds up.
using Tapline.Workers.Past;
using Xunit;

namespace Tapline.Tests.Workers.Past;

public sealed class PastScheduleTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData(1, Second, Second)]
    [InlineData(2, Second, Second / 2)]
    [InlineData(0.5, Second, 2 * Second)]
    [InlineData(10, 86_400 * Second, 8_640 * Second)]
    public void Time_runs_by_the_speed(double speed, long afterNs, long dueNs)
    {
        var schedule = new PastSchedule(speed);
        Assert.Equal(7, schedule.Due(1_700_000_000 * Second, 7));
        Assert.Equal(7 + dueNs, schedule.Due((1_700_000_000 * Second) + afterNs, 999));
    }

    [Fact]
    public void What_was_late_makes_nothing_else_late()
    {
        var schedule = new PastSchedule(1);
        schedule.Due(0, 100);
        for (var i = 1; i < 1000; i++)
        {
            Assert.Equal(100 + (i * 10L), schedule.Due(i * 10L, 100 + (i * 10L) + 5000));
        }
    }

    [Fact]
    public void Frames_that_changed_places_are_due_at_once_and_a_clock_set_back_begins_anew()
    {
        var schedule = new PastSchedule(1);
        schedule.Due(10 * Second, 0);
        Assert.Equal(5 * Second, schedule.Due(15 * Second, 5 * Second));
        Assert.Equal(4 * Second, schedule.Due(14 * Second, 5 * Second));
        Assert.Equal(5 * Second, schedule.Due(3 * Second, 5 * Second));
        Assert.Equal(6 * Second, schedule.Due(4 * Second, 5 * Second));
    }

    [Fact]
    public void Without_a_pace_everything_is_due_now_and_no_time_overflows()
    {
        var schedule = new PastSchedule(0);
        Assert.Equal(42, schedule.Due(long.MaxValue, 42));
        var slow = new PastSchedule(0.0001);
        slow.Due(0, 0);
        Assert.True(slow.Due(long.MaxValue / 2, 0) > 0);
    }
}

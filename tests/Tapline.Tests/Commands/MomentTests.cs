// Times as people write them.
using Tapline.Server.Commands;
using Xunit;

namespace Tapline.Tests.Commands;

public class MomentTests
{
    private const long Now = 1_800_000_000_000_000_000; // 2027-01-15T08:00:00Z

    [Theory]
    [InlineData("10m", Now - 600_000_000_000)]
    [InlineData("1.5h", Now - 5_400_000_000_000)]
    [InlineData("250ms", Now - 250_000_000)]
    [InlineData("1d", Now - 86_400_000_000_000)]
    [InlineData("now", Now)]
    [InlineData("2027-01-15T08:00:00Z", Now)]
    [InlineData("2027-01-15T09:00:00+01:00", Now)]
    [InlineData("2027-01-15 08:00", Now)]
    [InlineData("2027-01-15 08:00:00", Now)]
    [InlineData("2027-01-15T08:00:00.5Z", Now + 500_000_000)]
    [InlineData("2027-01-15T08:00:00.123456789Z", Now + 123_456_789)]
    [InlineData("2027-01-15", Now - (8 * 3_600_000_000_000))]
    public void IsRead(string text, long expected)
    {
        Assert.True(Moment.TryParse(text, Now, out var time));
        Assert.Equal(expected, time);
    }

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("10")]
    [InlineData("10 fortnights")]
    [InlineData("-5m")]
    [InlineData("99999999d")]
    [InlineData("2027-13-01")]
    [InlineData("2027-01-15T25:00:00Z")]
    [InlineData("1969-12-31T23:59:59Z")]
    [InlineData("yesterday")]
    [InlineData("12:00")]
    [InlineData("1900-01-01")]
    [InlineData("2027-01-15T08:00:00.1234567890Z")]
    public void IsRefused(string text) => Assert.False(Moment.TryParse(text, Now, out _));
}

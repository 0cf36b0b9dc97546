// Times as text: to the nanosecond, before and after the epoch, at the ends of what a clock can hold.
using System.Globalization;
using CsCheck;
using Tapline.Base;
using Xunit;

namespace Tapline.Tests.Base;

public class TimeTextTests
{
    [Theory]
    [InlineData(0, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(1, "1970-01-01T00:00:00.000000001Z")]
    [InlineData(-1, "1969-12-31T23:59:59.999999999Z")]
    [InlineData(1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z")]
    [InlineData(951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z")]
    [InlineData(long.MaxValue, "2262-04-11T23:47:16.854775807Z")]
    [InlineData(long.MinValue, "1677-09-21T00:12:43.145224192Z")]
    public void KnownTimes(long timeNs, string expected) => Assert.Equal(expected, TimeText.Text(timeNs));

    [Fact]
    public void TextReadBackIsTheTime() => Gen.Long.Sample(timeNs =>
    {
        var text = TimeText.Text(timeNs);
        var ticks = DateTimeOffset.Parse(text[..27] + "Z", CultureInfo.InvariantCulture).UtcTicks - DateTime.UnixEpoch.Ticks;
        Assert.Equal((Int128)timeNs, ((Int128)ticks * 100) + int.Parse(text[27..29], CultureInfo.InvariantCulture));
    });
}

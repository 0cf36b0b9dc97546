// Times, sizes and moments of retention as people write them.
using Tapline.Base;
using Tapline.Record;
using Tapline.Server.Commands;
using Xunit;

namespace Tapline.Tests.Commands;

public class RetentionWordsTests
{
    [Theory]
    [InlineData("7d", 7 * 86_400L)]
    [InlineData("36h", 36 * 3600L)]
    [InlineData(" 1.5H ", 5400L)]
    [InlineData("2w", 14 * 86_400L)]
    [InlineData("60s", 60L)]
    [InlineData("59s", null)]
    [InlineData("7", null)]
    [InlineData("d", null)]
    [InlineData("-7d", null)]
    [InlineData("7y", null)]
    [InlineData("999999999999d", null)]
    [InlineData("", null)]
    public void KeepIsATime(string text, long? seconds) => Assert.Equal(seconds * Clock.SecondNs, RetentionWords.ParseKeep(text));

    [Theory]
    [InlineData("10%", 0L, 10)]
    [InlineData("50GiB", 50L << 30, 0)]
    [InlineData("100%", null, 0)]
    [InlineData("-1%", null, 0)]
    [InlineData("much", null, 0)]
    public void FreeRoomIsASizeOrAPart(string text, long? bytes, int percent) =>
        Assert.Equal(bytes is null ? null : new FreeDisk(bytes.Value, percent), RetentionWords.ParseMinFree(text));

    [Theory]
    [InlineData("now", 1_800_000_000L)]
    [InlineData("90m", 1_800_000_000L - 5400)]
    [InlineData("2026-01-02T03:04:05Z", 1_767_323_045L)]
    [InlineData("2026-01-02T04:04:05+01:00", 1_767_323_045L)]
    [InlineData("2026-01-02 03:04", 1_767_323_040L)]
    [InlineData("2026-01-02", 1_767_312_000L)]
    [InlineData("12:00", null)]
    [InlineData("1900-01-01", null)]
    [InlineData("yesterday", null)]
    [InlineData("999999999d", null)]
    [InlineData("", null)]
    public void MomentsAreUtcOrAgo(string text, long? seconds) =>
        Assert.Equal(seconds * Clock.SecondNs, Moment.Parse(text, 1_800_000_000L * Clock.SecondNs));
}

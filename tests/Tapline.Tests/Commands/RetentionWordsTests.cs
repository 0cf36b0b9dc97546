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
}

// The demo's account: it balances with and without the node's canaries, and a frame that is missing anywhere is told.
using System.Text.Json;
using Tapline.Server.Demo;
using Xunit;

namespace Tapline.Tests.Server.Demo;

public class DemoSummaryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void ItBalancesWhateverCanariesTheNodeHasSent(long canaries)
    {
        var summary = Of(crossed: 1000, seen: 1000 + canaries, sent: 1000 + canaries, recorded: 1000, canaries);
        Assert.True(summary.Balanced);
        Assert.Contains("Every frame that crossed was seen, mirrored, received and recorded.", summary.ToText(), StringComparison.Ordinal);
        Assert.Equal(canaries > 0, summary.ToText().Contains("its own canaries among them: 3", StringComparison.Ordinal));
        Assert.Equal(canaries, JsonDocument.Parse(summary.ToJson()).RootElement.GetProperty("canaries").GetInt64());
    }

    [Theory]
    [InlineData(999 + 2, 999 + 2, 1000)]
    [InlineData(1000 + 2, 999 + 2, 1000)]
    [InlineData(1000 + 2, 1000 + 2, 999)]
    [InlineData(1000, 1000, 1000)]
    public void AMissingFrameIsNotHiddenByCanaries(long seen, long sent, long recorded)
    {
        var summary = Of(crossed: 1000, seen, sent, recorded, canaries: 2);
        Assert.False(summary.Balanced);
        Assert.Contains("The figures differ", summary.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void ASessionThatAVisitorAddedIsNoneOfTheDemos()
    {
        var summary = Of(crossed: 1000, seen: 1003, sent: 1001, recorded: 1000, canaries: 1, visitors: 2);
        Assert.True(summary.Balanced);
        Assert.Equal(3, summary.Canaries);
        Assert.Equal(1001, summary.Mirrored);
    }

    [Fact]
    public void ANodeThatHasSentNoneYetSaysNothingOfThem() =>
        Assert.Equal(0, DemoSummary.CanariesOf(JsonDocument.Parse("""{"mirrors":[{"sent":1}]}""").RootElement));

    private static DemoSummary Of(long crossed, long seen, long sent, long recorded, long canaries, long visitors = 0)
    {
        var node = JsonSerializer.SerializeToElement(new
        {
            points = new[] { new { point = "p0", analysed = seen, dropped_ring = 0, undecodable = 0 } },
            mirrors = new[]
            {
                new { to = "nic:t0", sent, sent_wire_frames = sent, dropped = new { busy = 0 }, canary = new { sent = canaries } },
                new { to = "file:/x", sent = 7L, sent_wire_frames = 7L, dropped = new { busy = 1 }, canary = new { sent = visitors } },
            },
            recorder = new { recorded, dropped = 0 },
        });
        return new DemoSummary
        {
            CrossedByPort = new() { ["p0"] = crossed }, Node = node, ToolPort = "t0", ToolReceived = sent, ToolLost = 0,
            ToolPortReceived = sent, Console = "", Seconds = 1, NodeExitCode = 0,
        };
    }
}

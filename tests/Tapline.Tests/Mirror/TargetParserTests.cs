// What an operator may write behind --to, what the answer is to everything else, and which sessions feed on themselves.
using Tapline.Mirror;
using Tapline.Mirror.Targets;
using Xunit;

namespace Tapline.Tests.Mirror;

public class TargetParserTests
{
    [Fact]
    public void ANicIsATarget()
    {
        var target = TargetParser.Parse("nic:eth2", out var error);
        Assert.Null(error);
        Assert.Equal(["eth2"], target!.Interfaces);
        Assert.Equal("nic:eth2", target.ToString());
    }

    [Theory]
    [InlineData("eth2", "write nic:INTERFACE")]
    [InlineData("", "write nic:INTERFACE")]
    [InlineData("nic:", "is not an interface name")]
    [InlineData("nic:a/b", "is not an interface name")]
    [InlineData("nic:sixteen-letters-", "is not an interface name")]
    public void OtherThingsGetASentence(string text, string expected)
    {
        Assert.Null(TargetParser.Parse(text, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("br0", "p1", null)]
    [InlineData("tool", "p1", "cannot be observed too")]
    [InlineData("br0", "tool", "is the tool port of session m1 and a source of session m1")]
    [InlineData("peer", "p1", "is the other end of the tool port")]
    [InlineData("br0", "peer", "is the other end of the tool port")]
    public void ASessionThatFeedsOnItselfIsRefused(string point, string from, string? expected) =>
        Check(MirrorValidation.Check([point], [new("m1", [from], "tool")], _ => new(false, "peer", null)), expected);

    [Fact]
    public void TwoSessionsInACircleAreRefused() => Check(
        MirrorValidation.Check(["br0"], [new("m1", ["a"], "b"), new("m2", ["b"], "c")], _ => default),
        "b is the tool port of session m1 and a source of session m2");

    [Fact]
    public void ATargetThatIsASwitchOrLeadsIntoOneIsRefused()
    {
        Check(MirrorValidation.Check(["p1"], [new("m1", [], "br9")], _ => new(true, null, null)), "is a switch");
        Check(MirrorValidation.Check(["p1"], [new("m1", [], "t")], _ => new(false, "p9", "br0")), "back into the switch br0");
    }

    private static void Check(string? answer, string? expected)
    {
        if (expected is null)
        {
            Assert.Null(answer);
            return;
        }

        Assert.Contains(expected, answer, StringComparison.Ordinal);
    }
}

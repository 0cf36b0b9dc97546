// The operator's side of a filter: nothing means everything, a mistake is a sentence, and the text means the same for
// each link type.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Filter;

public class CompiledFilterTests
{
    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData(null)]
    public void AnEmptyExpressionSelectsEverything(string? expression)
    {
        var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
        Assert.Null(error);
        Assert.True(filter!.IsEverything);
        Assert.True(Matches(filter, [], LinkType.Ethernet));
    }

    [Theory]
    [InlineData("tcp prot 80")]
    [InlineData("host")]
    [InlineData("tcp and (port 80")]
    [InlineData("len >")]
    [InlineData("ip broadcast")]
    public void AMistakeIsOneSentence(string expression)
    {
        Assert.Null(CompiledFilter.Compile(expression, LinkType.Ethernet, out var error));
        Assert.StartsWith($"The filter expression \"{expression}\" is not valid: ", error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error!);
    }

    [Fact]
    public void AnExpressionThatLoopsIsRefusedWithTheMend()
    {
        Assert.Null(CompiledFilter.Compile("ip6 protochain 6", LinkType.Ethernet, out var error));
        Assert.Contains("did you mean `ip6 proto`?", error, StringComparison.Ordinal);
    }

    [Fact]
    public void LengthMeansTheOriginalLength()
    {
        var filter = CompiledFilter.Compile("greater 60000", LinkType.Ethernet, out _)!;
        var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = 100, OriginalLength = 65000 };
        Assert.True(filter.Matches(meta, default, new byte[100]));
        meta.OriginalLength = 100;
        Assert.False(filter.Matches(meta, default, new byte[100]));
    }

    [Fact]
    public void AnExpressionFollowsTheFramesLinkType()
    {
        var filter = CompiledFilter.Compile("udp port 53", LinkType.Ethernet, out _)!;
        byte[] ip =
        [
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 53, 0, 8, 0, 0,
        ];
        byte[] ethernet = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, .. ip];
        Assert.True(Matches(filter, ethernet, LinkType.Ethernet));
        Assert.True(Matches(filter, ip, LinkType.Raw));
        Assert.True(Matches(filter, ip, LinkType.Ipv4));
        Assert.False(Matches(filter, ip, LinkType.Ethernet));
    }

    [Fact]
    public void ATagInTheBytesIsFound()
    {
        var filter = CompiledFilter.Compile("vlan 42 and arp", LinkType.Ethernet, out _)!;
        byte[] frame = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0x20, 42, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
        Assert.True(Matches(filter, frame, LinkType.Ethernet));
        frame[15] = 43;
        Assert.False(Matches(filter, frame, LinkType.Ethernet));
    }

    [Fact]
    public void MatchingAllocatesNothing()
    {
        var filter = CompiledFilter.Compile("tcp port 80 or (udp and len > 200) or ip6", LinkType.Ethernet, out _)!;
        var frame = new byte[64];
        var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = 64, OriginalLength = 64 };
        var selected = filter.Matches(meta, default, frame);
        var least = Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                selected |= filter.Matches(meta, default, frame);
            }
        });
        Assert.Equal(0, least);
        Assert.False(selected);
    }

    private static bool Matches(CompiledFilter filter, byte[] frame, LinkType linkType)
    {
        var meta = new FrameMeta
        {
            LinkType = linkType,
            CapturedLength = frame.Length,
            OriginalLength = frame.Length,
        };
        return filter.Matches(meta, default(FrameLayout), frame);
    }
}

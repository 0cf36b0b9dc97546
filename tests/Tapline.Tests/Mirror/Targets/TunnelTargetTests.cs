// Tunnel targets as written, as said again, and what is no target.
using CsCheck;
using Tapline.Mirror.Targets;
using Xunit;

namespace Tapline.Tests.Mirror.Targets;

public class TunnelTargetTests
{
    private static readonly string[] s_kinds = ["vxlan://", "geneve://", "gre://", "erspan://", "tzsp://"];

    [Theory]
    [InlineData("vxlan://10.0.0.5", "vxlan://10.0.0.5:4789?vni=0")]
    [InlineData("vxlan://10.0.0.5:8472?vni=42", "vxlan://10.0.0.5:8472?vni=42")]
    [InlineData("vxlan://[fd00::5]/?vni=16777215", "vxlan://[fd00::5]:4789?vni=16777215")]
    [InlineData("geneve://tool.example?mtu=1400", "geneve://tool.example:6081?vni=0&mtu=1400")]
    [InlineData("gre://10.0.0.5", "gre://10.0.0.5")]
    [InlineData("gre://[fd00::5]?key=0&oversize=slice", "gre://[fd00::5]?key=0&oversize=slice")]
    [InlineData("erspan://10.0.0.5?id=7", "erspan://10.0.0.5?id=7&version=2")]
    [InlineData("erspan://10.0.0.5?version=1", "erspan://10.0.0.5?version=1")]
    [InlineData("erspan://10.0.0.5?id=1023&version=3&subheader=yes&refusal=ignore",
        "erspan://10.0.0.5?id=1023&version=3&subheader=yes&refusal=ignore")]
    [InlineData("tzsp://tool?oversize=fragment", "tzsp://tool:37008?oversize=fragment")]
    public void WhatIsWrittenIsSaidAgain(string text, string canonical)
    {
        var target = TargetParser.Parse(text, out var error);
        Assert.Null(error);
        Assert.Equal(canonical, target!.ToString());
        Assert.Equal(target, TargetParser.Parse(canonical, out _));
        Assert.Empty(target.Interfaces);
    }

    [Theory]
    [InlineData("vxlan://", "names no host")]
    [InlineData("vxlan://fd00::5", "names no host")]
    [InlineData("vxlan://10.0.0.256", "names no host")]
    [InlineData("vxlan://10.5", "names no host")]
    [InlineData("vxlan://[10.0.0.5]", "names no host")]
    [InlineData("vxlan://[fd00::5", "names no host")]
    [InlineData("vxlan://a b", "names no host")]
    [InlineData("vxlan://-tool", "names no host")]
    [InlineData("vxlan://10.0.0.5:0", "is no UDP port; give :1 to :65535")]
    [InlineData("vxlan://10.0.0.5:", "is no UDP port; give :1 to :65535")]
    [InlineData("vxlan://[fd00::5]4789", "is no UDP port; give :1 to :65535")]
    [InlineData("vxlan://10.0.0.5?vni=16777216", "give a number from 0 to 16777215")]
    [InlineData("vxlan://10.0.0.5?key=1", "no option key; its options are vni, mtu, oversize, refusal")]
    [InlineData("vxlan://10.0.0.5?mtu=575", "give a number from 576 to 65535")]
    [InlineData("vxlan://10.0.0.5?oversize=jumbo", "oversize is one of resegment, slice, fragment")]
    [InlineData("gre://10.0.0.5:47", "has no port; leave :47 out")]
    [InlineData("gre://10.0.0.5?key=4294967296", "give a number from 0 to 4294967295")]
    [InlineData("erspan://10.0.0.5?id=1024", "give a number from 0 to 1023")]
    [InlineData("erspan://10.0.0.5?version=4", "give a number from 1 to 3")]
    [InlineData("erspan://10.0.0.5?version=1&id=7", "carries no session id")]
    [InlineData("erspan://10.0.0.5?subheader=yes", "Only ERSPAN version 3 has a subheader")]
    [InlineData("tzsp://10.0.0.5?vni=1", "no option vni")]
    public void WhatIsNoTargetGetsASentence(string text, string expected)
    {
        Assert.Null(TargetParser.Parse(text, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    [Fact]
    public void NoTextIsTooStrange() => Gen.Select(
        Gen.Int[0, s_kinds.Length - 1],
        Gen.String["[]:/?&=.%-0123456789abcdefvnikeymtu\0é"]).Sample((kind, rest) =>
        {
            var target = TargetParser.Parse(s_kinds[kind] + rest, out var error);
            Assert.True(target is null ? error is not null : TargetParser.Parse(target.ToString(), out _) == target);
        });
}

// Addresses as people and exports write them.
using System.Net;
using CsCheck;
using Tapline.Capture.Identity;
using Xunit;

namespace Tapline.Tests.Capture.Identity;

public class AddressTextTests
{
    [Theory]
    [InlineData("52:54:00:12:34:56")]
    [InlineData("52-54-00-12-34-56")]
    [InlineData("5254.0012.3456")]
    [InlineData("525400123456")]
    public void EveryUsualFormOfAMacAddressIsRead(string text)
    {
        Assert.True(MacText.TryParseAny(text, out var mac));
        Assert.Equal("52:54:00:12:34:56", MacText.Format(mac));
    }

    [Theory]
    [InlineData("")]
    [InlineData("52:54:00:12:34")]
    [InlineData("52:54-00:12:34:56")]
    [InlineData("525:400:123:456")]
    [InlineData("5254001234567")]
    [InlineData("52:54:00:12:34:5g")]
    [InlineData(":::::::::::::::::")]
    [InlineData("52:54:00:12:34: 6")]
    public void WhatIsNoMacAddressIsRefused(string text) => Assert.False(MacText.TryParseAny(text, out _));

    [Fact]
    public void AnAddressThatIsWrittenIsReadBack() => Gen.ULong[0, (1UL << 48) - 1].Sample(mac =>
        MacText.TryParse(MacText.Format(mac), out var one) && one == mac
        && MacText.TryParseAny(MacText.Format(mac), out var other) && other == mac);

    [Theory]
    [InlineData("10.0.0.5", "10.0.0.5")]
    [InlineData("10.1.2.3/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("2001:DB8::5", "2001:db8::5")]
    [InlineData("2001:db8:ffff::/32", "2001:db8::/32")]
    [InlineData("::ffff:10.0.0.5", "10.0.0.5")]
    [InlineData("::/0", "::/0")]
    [InlineData("10.0.0.5/32", "10.0.0.5")]
    public void PrefixesAreReadAndCut(string text, string expected)
    {
        Assert.True(IpPrefix.TryParse(text, out var prefix));
        Assert.Equal(expected, prefix.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("10.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("10.0.0.5/33")]
    [InlineData("10.0.0.5/-1")]
    [InlineData("10.0.0.5/")]
    [InlineData("2001:db8::/129")]
    [InlineData("fe80::1%eth0")]
    [InlineData("web01")]
    [InlineData("10.0.0.256")]
    public void WhatIsNoPrefixIsRefused(string text) => Assert.False(IpPrefix.TryParse(text, out _));

    [Theory]
    [InlineData("fe80::1", true)]
    [InlineData("169.254.7.7", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("::", true)]
    [InlineData("::1", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("0.0.0.0/0", false)]
    [InlineData("fd00::1", false)]
    public void AddressesOfNowhereAreKnown(string text, bool expected)
    {
        Assert.True(IpPrefix.TryParse(text, out var prefix));
        Assert.Equal(expected, prefix.IsNowhere);
    }

    [Fact]
    public void APrefixHoldsJustTheAddressesThatTheRuntimeSays() =>
        Gen.Select(Gen.UInt, Gen.Int[0, 32], Gen.UInt).Sample((network, length, address) =>
        {
            IpPrefix.TryParse($"{Ip(network)}/{length}", out var prefix);
            IpPrefix.TryParse(Ip(address).ToString(), out var one);
            var mask = length == 0 ? 0 : uint.MaxValue << (32 - length);
            return (IpPrefix.Cut(one.Address, prefix.LengthBits) == prefix.Address) == ((network & mask) == (address & mask));
        });

    private static IPAddress Ip(uint hostOrder) => new(BitConverter.GetBytes(hostOrder).Reverse().ToArray());
}

// Pseudonyms of addresses: the published vectors of Crypto-PAn, and for any key and any two addresses as many equal
// first bits afterwards as before.
using System.Buffers.Binary;
using System.Net;
using CsCheck;
using Tapline.Mirror.Shape;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class AddressCipherTests
{
    private static readonly byte[] s_publishedKey =
    [
        21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
        216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2,
    ];

    // From the sample trace that the authors published with their implementation.
    [Theory]
    [InlineData("128.11.68.132", "135.242.180.132")]
    [InlineData("129.118.74.4", "134.136.186.123")]
    [InlineData("130.132.252.244", "133.68.164.234")]
    [InlineData("141.223.7.43", "141.167.8.160")]
    [InlineData("141.233.145.108", "141.129.237.235")]
    [InlineData("152.163.225.39", "151.140.114.167")]
    [InlineData("156.29.3.236", "147.225.12.42")]
    [InlineData("165.247.96.84", "162.9.99.234")]
    [InlineData("166.107.77.190", "160.132.178.185")]
    [InlineData("192.102.249.13", "252.138.62.131")]
    public void PseudonymsAreThoseOfCryptoPan(string address, string pseudonym)
    {
        using var cipher = new AddressCipher(s_publishedKey, keepsSpecial: false);
        Assert.Equal(Ipv4(pseudonym), cipher.Hide(Ipv4(address)));
        Assert.Equal(Ipv4(address), cipher.Reveal(Ipv4(pseudonym)));
    }

    [Fact]
    public void PrefixesOfIpv4AreKept() => Gen.Select(Gen.Byte.Array[32], Gen.UInt, Gen.Int[0, 32], Gen.UInt, Gen.Bool).Sample(
        (key, address, shared, rest, keepsSpecial) =>
        {
            using var cipher = new AddressCipher(key, keepsSpecial);
            var mask = shared == 0 ? 0 : uint.MaxValue << (32 - shared);
            var other = (address & mask) | (rest & ~mask);
            Assert.Equal(
                uint.LeadingZeroCount(address ^ other), uint.LeadingZeroCount(cipher.Hide(address) ^ cipher.Hide(other)));
            Assert.Equal(address, cipher.Reveal(cipher.Hide(address)));
        }, iter: 2000);

    [Fact]
    public void PrefixesOfIpv6AreKept() => Gen.Select(
        Gen.Byte.Array[32], Gen.ULong, Gen.ULong, Gen.Int[0, 128], Gen.ULong, Gen.ULong).Sample(
        (key, high, low, shared, otherHigh, otherLow) =>
        {
            using var cipher = new AddressCipher(key, keepsSpecial: (low & 1) != 0);
            var address = new UInt128(high, low);
            var mask = shared == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - shared);
            var other = (address & mask) | (new UInt128(otherHigh, otherLow) & ~mask);
            Assert.Equal(UInt128.LeadingZeroCount(address ^ other),
                UInt128.LeadingZeroCount(cipher.Hide(address) ^ cipher.Hide(other)));
            Assert.Equal(address, cipher.Reveal(cipher.Hide(address)));
        }, iter: 500);

    [Theory]
    [InlineData("0.0.0.0", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("224.0.0.251", true)]
    [InlineData("239.255.255.250", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData("169.254.9.9", false)]
    [InlineData("8.8.8.8", false)]
    public void RangesWithAMeaningStay(string address, bool stays)
    {
        using var cipher = new AddressCipher(s_publishedKey, keepsSpecial: true);
        var hidden = cipher.Hide(Ipv4(address));
        Assert.Equal(stays, hidden == Ipv4(address));
        Assert.Equal(address.StartsWith("169.254.", StringComparison.Ordinal), hidden >> 16 == 0xA9FE);
    }

    [Theory]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("ff02::fb", "ff02::fb")]
    public void Ipv6RangesWithAMeaningStay(string address, string pseudonym)
    {
        using var cipher = new AddressCipher(s_publishedKey, keepsSpecial: true);
        Assert.Equal(Ipv6(pseudonym), cipher.Hide(Ipv6(address)));
    }

    [Fact]
    public void TheLastBitsOfASolicitedNodeGroupAreHidden()
    {
        using var cipher = new AddressCipher(s_publishedKey, keepsSpecial: true);
        var hidden = cipher.Hide(Ipv6("ff02::1:ff12:3456"));
        Assert.Equal(Ipv6("ff02::1:ff00:0") >> 24, hidden >> 24);
        Assert.NotEqual(Ipv6("ff02::1:ff12:3456"), hidden);
    }

    private static uint Ipv4(string text) => BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(text).GetAddressBytes());

    private static UInt128 Ipv6(string text) =>
        BinaryPrimitives.ReadUInt128BigEndian(IPAddress.Parse(text).GetAddressBytes());
}

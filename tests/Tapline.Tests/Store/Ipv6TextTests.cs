// IPv6 text against the runtime's own, which allocates and is otherwise right.
using CsCheck;
using Tapline.Store;
using Xunit;

namespace Tapline.Tests.Store;

public class Ipv6TextTests
{
    [Theory]
    [InlineData(0x2001_0db8_0000_0000, 1, "2001:db8::1")]
    [InlineData(0x2001_0db8_0000_0001, 0x0000_0000_0001_0001, "2001:db8:0:1::1:1")]
    [InlineData(0x2001_0db8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1")]
    [InlineData(0xfe80_0000_0000_0000, 0, "fe80::")]
    [InlineData(0x0001_0000_0000_0000, 0x0000_0000_0000_0000, "1::")]
    [InlineData(0, 1, "::1")]
    [InlineData(ulong.MaxValue, ulong.MaxValue, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void KnownAddresses(ulong high, ulong low, string expected) => Assert.Equal(expected, Text(high, low));

    [Fact]
    public void AsTheRuntimeWritesThem()
    {
        // Groups are often zero; the first is not, since the runtime writes some such addresses in the dotted form.
        var group = Gen.Frequency((1, Gen.Const(0ul)), (1, Gen.ULong[0, 0xffff]));
        Gen.Select(Gen.ULong[1, 0xffff], group.Array[7]).Sample((first, rest) =>
        {
            var high = (first << 48) | (rest[0] << 32) | (rest[1] << 16) | rest[2];
            var low = (rest[3] << 48) | (rest[4] << 32) | (rest[5] << 16) | rest[6];
            var isIsatap = (low >> 32) == 0x5efe;
            return isIsatap || Text(high, low) == new IpAddress16(high, low).ToIPAddress().ToString();
        });
    }

    private static string Text(ulong high, ulong low)
    {
        Span<char> text = stackalloc char[46];
        return text[..Ipv6Text.Format(new IpAddress16(high, low), text)].ToString();
    }
}

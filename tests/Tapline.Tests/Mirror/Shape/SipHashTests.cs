// SipHash-2-4 against the published vectors (Aumasson and Bernstein, reference implementation: key 00 01 … 0f, message
// 00 01 … of each length).
using Tapline.Mirror.Shape;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class SipHashTests
{
    private static readonly byte[] s_key = Enumerable.Range(0, 16).Select(i => (byte)i).ToArray();

    [Theory]
    [InlineData(0, 0x726FDB47DD0E0E31)]
    [InlineData(1, 0x74F839C593DC67FD)]
    [InlineData(7, 0xAB0200F58B01D137)]
    [InlineData(8, 0x93F5F5799A932462)]
    [InlineData(15, 0xA129CA6149BE45E5)]
    [InlineData(63, 0x958A324CEB064572)]
    public void ValuesAreThoseOfThePaper(int bytes, ulong expected)
    {
        var message = Enumerable.Range(0, bytes).Select(i => (byte)i).ToArray();
        Assert.Equal(expected, SipHash.Of(s_key, message));
    }
}

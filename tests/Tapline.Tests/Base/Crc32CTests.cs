// CRC-32C against the published vectors (RFC 3720 appendix B.4), and the two implementations against each other.
using System.Runtime.Intrinsics.X86;
using CsCheck;
using Tapline.Base;
using Xunit;

namespace Tapline.Tests.Base;

public class Crc32CTests
{
    [Fact]
    public void PublishedVectors()
    {
        Assert.Equal(0xe306_9283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0x8a91_36aau, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62a8_ab43u, Crc32C.Compute(Enumerable.Repeat((byte)0xff, 32).ToArray()));
        Assert.Equal(0x46dd_794eu, Crc32C.Compute(Enumerable.Range(0, 32).Select(b => (byte)b).ToArray()));
    }

    [Fact]
    public void ContinuingEqualsOneGo() => Gen.Byte.Array[0, 300].SelectMany(b => Gen.Int[0, b.Length].Select(cut => (b, cut)))
        .Sample(t => Crc32C.Compute(t.b.AsSpan(t.cut), Crc32C.Compute(t.b.AsSpan(0, t.cut))) == Crc32C.Compute(t.b));

    [Fact]
    public void TableAndInstructionAgree()
    {
        Assert.SkipUnless(Sse42.X64.IsSupported, "This processor has no CRC32 instruction; only the table runs here.");
        Gen.Byte.Array[0, 300].Sample(b => Crc32C.Software(b, ~0u) == Crc32C.Hardware(b, ~0u));
    }
}

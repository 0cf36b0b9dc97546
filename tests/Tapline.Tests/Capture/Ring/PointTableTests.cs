// The workers' table agrees with a dictionary, whatever the indices.
using CsCheck;
using Tapline.Capture.Ring;
using Xunit;

namespace Tapline.Tests.Capture.Ring;

public class PointTableTests
{
    [Fact]
    public void EachIndexFindsItsPointAndOthersNone() =>
        Gen.Select(Gen.Int[1, int.MaxValue], Gen.UShort).Array[0, 300].Sample(pairs =>
        {
            var table = new PointTable(pairs);
            var expected = new Dictionary<int, ushort>();
            foreach (var (index, point) in pairs)
            {
                expected[index] = point;
            }

            return expected.All(e => table.Find(e.Key) == e.Value)
                && Enumerable.Range(1, 50).All(i => table.Find(i) == expected.GetValueOrDefault(i));
        });

    [Theory]
    [InlineData(1L << 30, 1 << 20, 1 << 20, 1024)]
    [InlineData(64L << 20, 1 << 20, 1 << 20, 64)]
    [InlineData(2L << 20, 1 << 20, 512 * 1024, 4)]
    [InlineData(0, 1 << 20, 128 * 1024, 4)]
    public void ARingFitsItsShareAndShrinksItsBlocksBeforeItHasTooFew(long bytes, int block, int blockBytes, int blocks) =>
        Assert.Equal(new RingGeometry(blockBytes, blocks, 4), RingGeometry.Fit(bytes, block, 4));
}

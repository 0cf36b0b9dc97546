// Numbers in, the same numbers out, whatever they are; hostile bytes are refused.
using CsCheck;
using Tapline.Record.Index;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class ColumnCodingTests
{
    private static readonly Gen<ulong> s_number = Gen.OneOf(
        Gen.Const(0UL), Gen.ULong[0, 3], Gen.ULong[0, 300], Gen.ULong[0, 1UL << 40], Gen.ULong, Gen.Const(ulong.MaxValue));

    [Fact]
    public void ColumnsSurviveTheirCoding() => s_number.Array[0, 300].Sample(values =>
    {
        var sink = new ByteSink();
        var coding = ColumnEncoder.Encode(values, sink);
        var decoded = new ulong[values.Length];
        if (coding == ColumnCoding.Constant)
        {
            Array.Fill(decoded, values.Length == 0 ? 0 : values[0]);
        }
        else
        {
            Assert.True(ColumnDecoder.TryDecode(coding, sink.Written, decoded));
        }

        Assert.Equal(values, decoded);
    });

    [Fact]
    public void SparseAndPackedAreChosenWhereTheyPay()
    {
        var few = new ulong[1000];
        few[7] = 5;
        Assert.Equal(ColumnCoding.Sparse, ColumnEncoder.Encode(few, new ByteSink()));
        var small = Enumerable.Range(0, 1000).Select(i => (ulong)(i % 4)).ToArray();
        Assert.Equal(ColumnCoding.Packed, ColumnEncoder.Encode(small, new ByteSink()));
        var wide = Enumerable.Range(0, 1000).Select(i => i % 60 == 0 ? 1UL << 40 : 300 + (ulong)i).ToArray();
        Assert.Equal(ColumnCoding.Varints, ColumnEncoder.Encode(wide, new ByteSink()));
        var alike = Enumerable.Range(0, 1000).Select(i => i % 60 == 0 ? 1UL << 40 : 1460UL << (i % 3)).ToArray();
        Assert.Equal(ColumnCoding.Dictionary, ColumnEncoder.Encode(alike, new ByteSink()));
    }

    [Fact]
    public void OfManyDifferentNumbersNoDictionaryIsMade()
    {
        for (var different = 254; different <= 257; different++)
        {
            // The last ones come but once, the first fill the column.
            var values = Enumerable.Range(0, 4000).Select(i => 1UL << 33 | (ulong)(i < different ? i : i % 3) << 20).ToArray();
            var sink = new ByteSink();
            var coding = ColumnEncoder.Encode(values, sink);
            Assert.Equal(different <= 255, coding == ColumnCoding.Dictionary);
            var decoded = new ulong[values.Length];
            Assert.True(ColumnDecoder.TryDecode(coding, sink.Written, decoded));
            Assert.Equal(values, decoded);
        }
    }

    [Fact]
    public void AColumnOfFewNumbersSurvivesItsCoding() => Gen.Select(s_number.Array[1, 40], Gen.Int[0, 39].Array[0, 400]).Sample(
        (numbers, picks) =>
        {
            var values = picks.Select(p => numbers[p % numbers.Length]).ToArray();
            var sink = new ByteSink();
            var coding = ColumnEncoder.Encode(values, sink);
            var decoded = new ulong[values.Length];
            Assert.True(coding == ColumnCoding.Constant || ColumnDecoder.TryDecode(coding, sink.Written, decoded));
            Assert.True(coding == ColumnCoding.Constant || values.AsSpan().SequenceEqual(decoded));
        });

    [Fact]
    public void RulesGoBackAndForth() => Gen.Select(Gen.Int[0, ColumnPlan.All.Length - 1], Gen.Long, Gen.Long).Sample(
        (place, value, guess) =>
        {
            // A difference of -2^63 folds into the one number that has no successor.
            var plan = ColumnPlan.All[place];
            if (plan.None == ColumnPlan.NoNone || value - guess != long.MinValue)
            {
                Assert.Equal(value, ColumnPlan.Decode(plan, ColumnPlan.Encode(plan, value, guess), guess));
            }
        });

    [Fact]
    public void RulesTakeOnlyColumnsThatStandBefore()
    {
        var seen = new HashSet<IndexColumn> { 0 };
        foreach (var plan in ColumnPlan.All)
        {
            Assert.Contains(plan.A, seen);
            Assert.Contains(plan.B, seen);
            Assert.Contains(plan.OnlyIf, seen);
            Assert.True(seen.Add(plan.Column), $"{plan.Column} stands twice");
        }

        Assert.Equal(Enum.GetValues<IndexColumn>().Order(), seen.Where(c => c != 0).Order());
    }

    [Fact]
    public void HostileBytesAreRefusedOrRead() => Gen.Select(Gen.Int[1, 4], Gen.Byte.Array[0, 200], Gen.Int[0, 100]).Sample(
        (coding, bytes, flows) =>
        {
            _ = ColumnDecoder.TryDecode((ColumnCoding)coding, bytes, new ulong[flows]);
        });

    [Fact]
    public void TheFilterNeverSaysNoToWhatIsThere() => Gen.ULong.Array[0, 3000].Sample(
        hashes =>
        {
            var filter = new byte[KeyFilter.Bytes(hashes.Length)];
            foreach (var hash in hashes)
            {
                KeyFilter.Add(filter, hash);
            }

            Assert.All(hashes, h => Assert.True(KeyFilter.MayContain(filter, h)));
        },
        iter: 50);

    [Fact]
    public void TheFilterSaysNoToMostOfWhatIsNotThere()
    {
        const int Keys = 5000;
        var filter = new byte[KeyFilter.Bytes(Keys)];
        for (var i = 0; i < Keys; i++)
        {
            KeyFilter.Add(filter, IndexKey.Mac((ulong)i).Hash);
        }

        var wrong = Enumerable.Range(0, 20_000).Count(i => KeyFilter.MayContain(filter, IndexKey.Mac((ulong)(i + Keys)).Hash));
        Assert.InRange(wrong, 0, 400);
    }
}

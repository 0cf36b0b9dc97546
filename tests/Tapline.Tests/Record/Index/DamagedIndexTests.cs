// An index that is not as it was written is never believed: a flipped bit and a cut anywhere are found; content that was
// forged with its checksums made right is refused or read, and never more than a sentence.
using Tapline.Base;
using Tapline.Record.Extract;
using Tapline.Record.Index;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class DamagedIndexTests
{
    private static readonly ExtractOptions s_all = new() { Folder = "", Filter = ExtractFilter.Compile("not port 1", out _)! };
    private static readonly ExtractOptions s_tcp = new() { Folder = "", Filter = ExtractFilter.Compile("tcp", out _)! };

    [Fact]
    public void AFlippedBitIsFoundWhereverItIs()
    {
        using var made = new MadeIndex();
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var bytes = (byte[])made.Bytes.Clone();
            bytes[round < 100 ? round * 2 : random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            Assert.True(made.IsRefused(bytes), $"round {round}");
        }
    }

    [Fact]
    public void AFlippedBitOfAColumnIsFoundAlsoWhenColumnsAreReadOneByOne()
    {
        using var made = new MadeIndex();
        Assert.Equal(IndexVerdict.Sound, IndexHeader.TryParse(made.Bytes, made.Bytes.Length, out var header));
        Assert.True(header.TryFind(IndexSectionKind.Columns, out var section));
        var random = new Random(4);
        for (var round = 0; round < 200; round++)
        {
            var bytes = (byte[])made.Bytes.Clone();
            bytes[section.Offset + random.NextInt64(section.Bytes)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(made.Path, bytes);
            using var index = SegmentIndex.Open(made.Path, made.SegmentBytes, out _)!;
            Assert.NotEmpty(Columns(index).Where(c => c.Values is null));
            index.ForgetColumns();
        }
    }

    [Fact]
    public void AnIndexWithoutChecksumsOfColumnsSaysTheSame()
    {
        using var made = new MadeIndex();
        List<(IndexColumn Column, long[]? Values)> expected;
        using (var index = SegmentIndex.Open(made.Path, made.SegmentBytes, out _)!)
        {
            expected = Columns(index);
        }

        File.WriteAllBytes(made.Path, WithoutChecksums(made.Bytes));
        using var older = SegmentIndex.Open(made.Path, made.SegmentBytes, out _)!;
        Assert.Equal(expected.Select(c => c.Values), Columns(older).Select(c => c.Values));
        Assert.DoesNotContain(expected, c => c.Values is null);
    }

    [Fact]
    public void PacketsThatTheSegmentHasNoRoomForAreRefusedBeforeMemoryIsTakenForThem()
    {
        using var made = new MadeIndex(frames: 1); // of one flow: all its columns are constants
        var isForged = false;
        File.WriteAllBytes(made.Path, WithoutChecksums(made.Bytes, (column, value) =>
        {
            isForged |= column == IndexColumn.Packets;
            return column == IndexColumn.Packets ? Varint.Fold(100_000_000) : value;
        }));
        Assert.True(isForged, "the column of counts is a constant");
        using var index = SegmentIndex.Open(made.Path, made.SegmentBytes, out _)!;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<InvalidDataException>(() => PacketChoice.Make(index, s_all, null, null));
        Assert.Contains("is damaged (packets)", refusal.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    [Fact]
    public void ACutIsFoundWhereverItIs()
    {
        using var made = new MadeIndex();
        var random = new Random(2);
        for (var round = 0; round < 200; round++)
        {
            Assert.True(made.IsRefused(made.Bytes[..random.Next(made.Bytes.Length)]), $"round {round}");
        }

        Assert.True(made.IsRefused([.. made.Bytes, 0]));
    }

    [Fact]
    public void ForgedContentIsRefusedOrReadAndNothingElse()
    {
        using var made = new MadeIndex();
        var random = new Random(3);
        var refused = 0;
        var older = WithoutChecksums(made.Bytes);
        for (var round = 0; round < 1500; round++)
        {
            var bytes = (byte[])(round % 2 == 0 ? made.Bytes : older).Clone(); // columns without a checksum of their own are believed
            Forge(bytes, random);
            refused += made.IsRefused(bytes) ? 1 : 0;
        }

        Assert.InRange(refused, 100, 1500);
    }

    [Fact]
    public void TheVerdictSaysWhatIsWrong()
    {
        using var made = new MadeIndex();
        Assert.Null(SegmentIndex.Open(made.Path + "x", -1, out var verdict));
        Assert.Equal(IndexVerdict.Missing, verdict);
        Assert.Null(SegmentIndex.Open(made.Path, made.SegmentBytes + 4, out verdict));
        Assert.Equal(IndexVerdict.Stale, verdict);
        var later = (byte[])made.Bytes.Clone();
        later[8]++;
        Seal(later);
        File.WriteAllBytes(made.Path, later);
        Assert.Null(SegmentIndex.Open(made.Path, -1, out verdict));
        Assert.Equal(IndexVerdict.UnknownVersion, verdict);
        File.WriteAllBytes(made.Path, []);
        Assert.Null(SegmentIndex.Open(made.Path, -1, out verdict));
        Assert.Equal(IndexVerdict.Damaged, verdict);
    }

    // Each column read by itself; null = refused.
    private static List<(IndexColumn Column, long[]? Values)> Columns(SegmentIndex index)
    {
        var columns = new List<(IndexColumn, long[]?)>();
        foreach (var plan in ColumnPlan.All)
        {
            try
            {
                columns.Add((plan.Column, index.Column(plan.Column).ToArray()));
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("is damaged", e.Message);
                columns.Add((plan.Column, null));
            }
        }

        return columns;
    }

    // As indexes were written before columns had checksums: the rows of the directory end without.
    private static byte[] WithoutChecksums(byte[] bytes, Func<IndexColumn, ulong, ulong>? forgeConstant = null)
    {
        _ = IndexHeader.TryParse(bytes, bytes.Length, out var header);
        var place = Array.FindIndex(header.Sections, s => s.Kind == IndexSectionKind.Directory);
        var section = header.Sections[place];
        ReadOnlySpan<byte> source = bytes.AsSpan((int)section.Offset, (int)section.Bytes);
        var rows = new ByteSink();
        Assert.True(Varint.TryRead(ref source, out var count));
        rows.AddVarint(count);
        while (!source.IsEmpty)
        {
            Assert.True(Varint.TryRead(ref source, out var number));
            rows.AddVarint(number);
            var coding = source[0];
            source = source[1..];
            rows.Add((byte)(coding & ~ColumnDirectory.CrcEnds));
            for (var i = (coding & ColumnDirectory.BoundsFollow) != 0 ? 3 : 1; i > 0; i--) // bounds, then the constant or the bytes
            {
                Assert.True(Varint.TryRead(ref source, out var value));
                var isConstant = i == 1 && (coding & ~ColumnDirectory.BoundsFollow) == (int)ColumnCoding.Constant;
                rows.AddVarint(isConstant && forgeConstant is not null ? forgeConstant((IndexColumn)number, value) : value);
            }

            source = source[((coding & ColumnDirectory.CrcEnds) != 0 ? sizeof(uint) : 0)..];
        }

        // It stands at the end then, as it may be longer.
        byte[] older = [.. bytes, .. rows.Written];
        BitConverter.TryWriteBytes(older.AsSpan(56), older.LongLength);
        (section with { Offset = bytes.Length, Bytes = rows.Length, Crc = Crc32C.Compute(rows.Written) })
            .Write(older.AsSpan(96 + (place * IndexHeader.SectionEntryBytes)));
        Seal(older);
        return older;
    }

    // Changes some bytes of one section, or of the header's numbers, and makes the checksums right again.
    private static void Forge(byte[] bytes, Random random)
    {
        Assert.Equal(IndexVerdict.Sound, IndexHeader.TryParse(bytes, bytes.Length, out var header));
        var place = random.Next(header.Sections.Length + 1);
        if (place == header.Sections.Length)
        {
            bytes[random.Next(16, 92)] = (byte)random.Next(256);
        }
        else
        {
            var section = header.Sections[place];
            for (var i = random.Next(1, 4); i > 0 && section.Bytes > 0; i--)
            {
                bytes[section.Offset + random.NextInt64(section.Bytes)] = (byte)random.Next(256);
            }

            var content = bytes.AsSpan((int)section.Offset, (int)section.Bytes);
            (section with { Crc = Crc32C.Compute(content) }).Write(bytes.AsSpan(96 + (place * IndexHeader.SectionEntryBytes)));
        }

        Seal(bytes);
    }

    private static void Seal(byte[] bytes)
    {
        bytes.AsSpan(92, 4).Clear();
        BitConverter.TryWriteBytes(bytes.AsSpan(92), Crc32C.Compute(bytes.AsSpan(0, IndexHeader.Bytes)));
    }

    /// <summary>A real index, whose bytes a test may change.</summary>
    private sealed class MadeIndex : IDisposable
    {
        private readonly WorkerFixture _fixture;

        public MadeIndex(int frames = 1500)
        {
            _fixture = LiveIndexTests.Record(TraceMaker.Frames(9, 1500), frames, 1L << 30);
            var segment = Assert.Single(LiveIndexTests.Segments(_fixture));
            SegmentBytes = new FileInfo(segment).Length;
            Path = SegmentIndex.PathOf(segment);
            Bytes = File.ReadAllBytes(Path);
        }

        public string Path { get; }

        public long SegmentBytes { get; }

        public byte[] Bytes { get; }

        /// <summary>True when opening or reading everything refuses it by verdict or sentence.</summary>
        public bool IsRefused(byte[] bytes)
        {
            File.WriteAllBytes(Path, bytes);
            using var index = SegmentIndex.Open(Path, SegmentBytes, out _);
            if (index is null)
            {
                return true;
            }

            try
            {
                _ = PacketChoice.Make(index, s_tcp, null, null);
                _ = IndexedSegment.Read(index);
                return false;
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("is damaged", e.Message);
                return true;
            }
        }

        public void Dispose() => _fixture.Dispose();
    }
}

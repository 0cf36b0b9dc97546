// The summary of a folder: what it says is what segments and indexes say, queries answer the same with it, without it, and with one that
// is damaged, of other segments or torn; it goes with the segments, and where it can't be written only speed is lost.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Record.Index;
using Tapline.Record.Summary;
using Tapline.Tests.Record.Index;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Xunit;

namespace Tapline.Tests.Record.Summary;

public sealed class FolderSummaryTests
{
    private const int Frames = 2000;
    private const int ShelfRows = 4;
    private static readonly string[] s_questions = ["", "udp", "port 53", "host 203.0.113.77", "not tcp", "frames > 1", "point p1"];

    [Fact]
    public void ARowSaysWhatSegmentAndIndexSay()
    {
        using var recording = new Copies(3);
        var plan = recording.Plan("udp");
        Assert.Equal(3, plan.Segments.Count);
        Assert.All(plan.Segments, segment =>
        {
            Assert.NotNull(segment.Summary);
            var end = SegmentEnd.TryRead(segment.Path)!;
            Assert.Equal((end.StartNs, end.EndNs, end.IsRecovered, end.SegmentBytes),
                (segment.End!.StartNs, segment.End.EndNs, segment.End.IsRecovered, segment.End.SegmentBytes));
            Assert.Equal(end.Rows, segment.End.Rows);
            Assert.Equal(end.Places, segment.End.Places);
            var bare = new ExtractSegment
            {
                Folder = segment.Folder, File = segment.File, Name = segment.Name, IsHidden = false, Bytes = segment.Bytes, End = end,
            };
            Assert.Equal(SegmentDescriptions.TryRead(bare)!, segment.Summary.Descriptions(end.Places!.Length)!);
            var head = segment.Summary.Head()!;
            var index = File.ReadAllBytes(SegmentIndex.PathOf(segment.Path));
            Assert.Equal(index[..head.Length], head);
            using var byHead = SegmentIndex.OpenByHead(SegmentIndex.PathOf(segment.Path), head, segment.Bytes)!;
            using var whole = SegmentIndex.Open(SegmentIndex.PathOf(segment.Path), segment.Bytes, out _)!;
            Assert.Equal(whole.Zone(IndexColumn.StartNs), byHead.Zone(IndexColumn.StartNs));
            Assert.Equal(whole.Column(IndexColumn.Packets).ToArray(), byHead.Column(IndexColumn.Packets).ToArray());
        });
    }

    [Fact]
    public void ARowIsJudgedByItsSegmentAndIndex()
    {
        using var recording = new Copies(3);
        SummaryVerdict[] Judge()
        {
            using var verifier = new SummaryVerifier(recording.Path);
            return [.. recording.Names.Select(name => verifier.Judge(name))];
        }

        Assert.Equal([SummaryVerdict.Same, SummaryVerdict.Same, SummaryVerdict.Same], Judge());

        // A head that refuses everything, with all its checksums right.
        var shelf = Assert.Single(recording.Shelves);
        var (rows, heads) = (Path.Combine(recording.Path, $"segments-{shelf}.tls"), Path.Combine(recording.Path, $"segments-{shelf}.tlk"));
        var (row, head) = (File.ReadAllBytes(rows), File.ReadAllBytes(heads));
        var headBytes = BinaryPrimitives.ReadInt32LittleEndian(row.AsSpan(44));
        head[headBytes - 1] ^= 1;
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(56), Crc32C.Compute(head.AsSpan(0, headBytes)));
        var rowBytes = BinaryPrimitives.ReadInt32LittleEndian(row.AsSpan(8));
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(12), Crc32C.Compute(row.AsSpan(16, rowBytes - 16)));
        File.WriteAllBytes(rows, row);
        File.WriteAllBytes(heads, head);

        // An index that was made anew, and a segment that is another by now.
        var index = SegmentIndex.PathOf(recording.Segments[1]);
        var anew = File.ReadAllBytes(index);
        anew[68] = (byte)IndexOrigin.Rebuilt;
        File.WriteAllBytes(index, anew);
        File.AppendAllText(recording.Segments[2], "more");
        Assert.Equal([SummaryVerdict.Other, SummaryVerdict.Older, SummaryVerdict.None], Judge());
    }

    [Fact]
    public void ARefusedSegmentIsNotOpenedAtAll()
    {
        using var recording = new Copies(5);
        foreach (var segment in recording.Segments)
        {
            File.Delete(SegmentIndex.PathOf(segment));
            using var file = new FileStream(segment, FileMode.Open);
            var bytes = new byte[file.Length]; // of the same length, and no segment any more
            file.Write(bytes);
        }

        var (_, report) = recording.Ask("host 203.0.113.77");
        Assert.Equal((5, 0, 0L), (report.SegmentsRefused, report.SegmentsRead, report.ReadBytes));
    }

    [Fact]
    public void AnswersAreTheSameWhateverBecameOfTheSummary()
    {
        using var recording = new Copies(6);
        var random = new Random(4);
        var expected = s_questions.ToDictionary(q => q, q => recording.Ask(q).Times);
        Assert.True(expected["udp"].Count > 100 && expected["host 203.0.113.77"].Count == 0);
        var files = Directory.GetFiles(recording.Path, "segments-*").ToDictionary(f => f, File.ReadAllBytes);
        Assert.True(files.Count >= 4, "the test wants several shelves");
        for (var round = 0; round < 120; round++)
        {
            foreach (var (path, bytes) in files)
            {
                switch (random.Next(6))
                {
                    case 0:
                        File.Delete(path);
                        break;
                    case 1:
                        File.WriteAllBytes(path, bytes[..random.Next(bytes.Length)]);
                        break;
                    case 2:
                        var other = (byte[])bytes.Clone();
                        other[random.Next(other.Length)] ^= (byte)(1 << random.Next(8));
                        var rest = other.AsSpan(random.Next(other.Length));
                        random.NextBytes(rest[..Math.Min(rest.Length, 9)]);
                        File.WriteAllBytes(path, other);
                        break;
                    case 3:
                        // Another shelf's: rows and heads do not belong together.
                        File.WriteAllBytes(path, files.Values.ElementAt(random.Next(files.Count)));
                        break;
                    default:
                        File.WriteAllBytes(path, bytes);
                        break;
                }
            }

            var question = s_questions[round % s_questions.Length];
            Assert.Equal(expected[question], recording.Ask(question).Times);
        }
    }

    [Fact]
    public void ARowOfAnyPartsIsReadWithoutHarm()
    {
        using var heads = new SummaryHeads();
        var random = new Random(5);
        for (var round = 0; round < 20_000; round++)
        {
            var row = new byte[SummaryRow.FixedBytes + random.Next(100)];
            for (var at = SummaryRow.FixedBytes; at + 4 <= row.Length; at += 4)
            {
                uint[] words = [0, 1, 12, 16, 32, 1, LedgerBlock.Type, PlacesBlock.Type, MachinesBlock.Type, uint.MaxValue, 0x8000_0000];
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(at), words[random.Next(words.Length)]);
            }

            SummaryRow.Write(row, default, 1000, random.Next(row.Length - SummaryRow.FixedBytes + 1), 0, []);
            var summary = new SegmentSummary(SummaryRow.TryRead(row, out var length)!, heads, "/nowhere");
            Assert.Equal(row.Length, length);
            Assert.Null(summary.End());
            Assert.True(summary.Descriptions(1)?.Count is null or 1);
            Assert.Null(summary.Head());
        }

        foreach (var bytes in new[] { 0, 255, 256, 1000 })
        {
            Assert.Null(SegmentIndex.OpenByHead("/nowhere", new byte[bytes], 1000));
        }
    }

    [Fact]
    public void WhatIsSaidOfAnotherSegmentOfThatNameDoesNotCount()
    {
        using var recording = new Copies(2);
        var segment = recording.Segments[1];
        using (var other = LiveIndexTests.Record(TraceMaker.Frames(31, 500), 500, 1L << 30))
        {
            var source = Assert.Single(LiveIndexTests.Segments(other));
            File.Copy(source, segment, overwrite: true);
            File.Copy(SegmentIndex.PathOf(source), SegmentIndex.PathOf(segment), overwrite: true);
        }

        Assert.Equal([true, false], recording.Plan("").Segments.Select(s => s.Summary is not null));
        Assert.Equal(Frames + 500, recording.Ask("").Times.Count);
    }

    [Fact]
    public void AnIndexThatWasMadeAnewIsReadItself()
    {
        using var recording = new Copies(2);
        var expected = recording.Ask("udp").Times;
        var ofFlows = recording.Ask("frames > 1").Times;
        Assert.NotEmpty(ofFlows);
        var index = SegmentIndex.PathOf(recording.Segments[0]);
        Assert.True(Tapline.Workers.Indexing.SegmentIndexer.TryIndex(recording.Segments[0], out _));
        Assert.Equal(expected, recording.Ask("udp").Times);
        Assert.Equal(ofFlows, recording.Ask("frames > 1").Times);
        File.Delete(index);
        Assert.Equal(expected, recording.Ask("udp").Times);
    }

    [Fact]
    public void ShelvesGoWithTheirSegmentsAndBytesAreCounted()
    {
        using var recording = new Copies(11);
        Assert.Equal(recording.SummaryBytes, recording.Summary.Bytes);
        Assert.Equal(3, Directory.GetFiles(recording.Path, "*.tls").Length);
        recording.RemoveOldest(5);
        recording.Add(2); // fills the third shelf, and begins another
        Assert.Equal(["000002", "000003", "000004"], recording.Shelves);
        Assert.Equal(recording.SummaryBytes, recording.Summary.Bytes);
        Assert.Equal(8, recording.Plan("").Segments.Count(s => s.Summary is not null));

        // Opened anew, it goes on where it was; what a crash tore begins another shelf.
        var reopened = new FolderSummary(recording.Path, ShelfRows);
        var bytes = reopened.Settle(new DiskCalls());
        Assert.Equal(recording.SummaryBytes, bytes);
        Assert.Equal(["000002", "000003", "000004"], recording.Shelves);
        using (var file = new FileStream(SummaryShelf.RowsOf(recording.Path, 4), FileMode.Append))
        {
            file.Write([1, 2, 3]);
        }

        File.Delete(SummaryShelf.RowsOf(recording.Path, 3));
        _ = reopened.Settle(new DiskCalls());
        Assert.Equal(8, recording.Plan("").Segments.Count(s => s.Summary is not null));
        Assert.Equal(recording.SummaryBytes, reopened.Bytes);
    }

    [Fact]
    public void ADiskThatTakesNoSummaryCostsNothingElse()
    {
        using var fixture = LiveIndexTests.Record(TraceMaker.Frames(32, 1000), 1000, 1L << 30, new DiskWithoutSummaries());
        Assert.Equal(1000, IndexedSegment.PacketOffsets(Assert.Single(LiveIndexTests.Segments(fixture))).Count);
        Assert.Empty(Directory.GetFiles(fixture.RecordingPath, "*.tls"));
        Assert.Equal(Directory.GetFiles(fixture.RecordingPath).Sum(f => new FileInfo(f).Length), fixture.Recordings.UsedBytes);
        fixture.Recordings.Dispose();
        using var opened = SegmentFolder.TryOpen(fixture.RecordingPath, 1L << 30, out _)!; // then it gets its row
        Assert.Single(Directory.GetFiles(fixture.RecordingPath, "*.tls"));
    }

    [Fact]
    public void ARowIsWrittenWithoutAllocation()
    {
        using var recording = new Copies(1);
        var disk = new DiskCalls();
        var name = recording.Names[0];
        var summary = new FolderSummary(recording.Path, 1 << 20);
        _ = summary.Settle(disk);
        _ = summary.Note(disk, name, 0, 1);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                _ = summary.Note(disk, name, 0, 1);
            }
        }));
    }

    /// <summary>A folder with copies of one recorded segment, at different times by name, and a summary of small shelves.</summary>
    private sealed class Copies : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly string _source;
        private readonly WorkerFixture _fixture = LiveIndexTests.Record(TraceMaker.Frames(30, Frames), Frames, 1L << 30);
        private readonly DiskCalls _disk = new();
        private SegmentName _next;

        public Copies(int count)
        {
            _source = Assert.Single(LiveIndexTests.Segments(_fixture));
            Assert.True(SegmentName.TryParse(System.IO.Path.GetFileName(_source), out _next, out _));
            Summary = new FolderSummary(Path, ShelfRows);
            _ = Summary.Settle(_disk);
            Add(count);
        }

        public string Path => _folder.Path;

        public FolderSummary Summary { get; }

        public List<SegmentName> Names { get; } = [];

        public string[] Segments => [.. Directory.GetFiles(Path, "*.pcapng").Order(StringComparer.Ordinal)];

        public string[] Shelves =>
            [.. Directory.GetFiles(Path, "*.tls").Select(f => System.IO.Path.GetFileName(f)[9..15]).Order(StringComparer.Ordinal)];

        public long SummaryBytes => Directory.GetFiles(Path, "segments-*").Sum(f => new FileInfo(f).Length);

        public void Add(int count)
        {
            for (var i = 0; i < count; i++)
            {
                File.Copy(_source, PathOf(_next));
                File.Copy(SegmentIndex.PathOf(_source), SegmentIndex.PathOf(PathOf(_next)));
                Names.Add(_next);
                Assert.True(Summary.Note(_disk, _next, Names[0].StartNs, Names.Count) is not 0);
                _next = _next with { StartNs = _next.StartNs + 1 };
            }
        }

        public void RemoveOldest(int count)
        {
            for (var i = 0; i < count; i++)
            {
                File.Delete(PathOf(Names[0]));
                File.Delete(SegmentIndex.PathOf(PathOf(Names[0])));
                Names.RemoveAt(0);
            }
        }

        public ExtractPlan Plan(string question) => ExtractPlan.Make(Options(question), out _)!;

        public (List<long> Times, ExtractReport Report) Ask(string question)
        {
            var sink = new TimeSink();
            var report = Extraction.Run(Plan(question), Options(question), sink, null, CancellationToken.None);
            Assert.Empty(report.Faults);
            return (sink.Times, report);
        }

        public void Dispose()
        {
            _fixture.Dispose();
            _folder.Dispose();
        }

        private ExtractOptions Options(string question) =>
            new() { Folder = Path, Filter = ExtractFilter.Compile(question, out _)! };

        private string PathOf(in SegmentName name)
        {
            var path = new PathBuffer(Path);
            name.AddTo(path, isHidden: false);
            return System.Text.Encoding.UTF8.GetString(path.Path[..^1]);
        }
    }

    /// <summary>A disk that refuses files of summaries.</summary>
    private sealed class DiskWithoutSummaries : DiskCalls
    {
        public override int Open(ReadOnlySpan<byte> path, int flags) =>
            path.EndsWith(".tls\0"u8) || path.EndsWith(".tlk\0"u8) ? -NativeFile.EIO : base.Open(path, flags);
    }

    private sealed class TimeSink : IExtractSink
    {
        public List<long> Times { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) => Times.Add(meta.TimestampNs);

        public void Rest()
        {
        }
    }
}

// A recording in containers is the recording: the same frames, the same answers, the same repairs, whatever the disk does.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Record.Extract;
using Tapline.Record.Index;
using Tapline.Record.Io;
using Tapline.Tests.Filter.Witness;
using Tapline.Tests.Record.Index;
using Tapline.Tests.Support;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Record.Container;

public sealed class ContainerRecordingTests : IClassFixture<FrameCorpus>, IDisposable
{
    private const long Second = RecorderFixture.Second;
    private const int ExpressionStep = 30;
    private const int FrameStep = 3;
    private readonly FrameCorpus _corpus;
    private readonly TestKeys _keys = new();

    public ContainerRecordingTests(FrameCorpus corpus) => _corpus = corpus;

    public void Dispose() => _keys.Dispose();

    [Theory]
    [InlineData(SegmentCompression.Lz4, false)]
    [InlineData(SegmentCompression.None, true)]
    [InlineData(SegmentCompression.Lz4, true)]
    public void FramesOfAnySizeAreReadBackInOrder(SegmentCompression compression, bool isEncrypted)
    {
        using var fixture = Fixture(compression, isEncrypted);
        var random = new Random(7);
        for (var index = 0; index < 400; index++)
        {
            while (fixture.Append(random.Next(index % 9 == 0 ? 70_000 : 1500), (ushort)(1 + (index % 3))) != AppendResult.Recorded)
            {
                Thread.Yield();
            }

            fixture.Recorder.EndBatch(RecorderFixture.Start + (index * Second / 3));
        }

        fixture.Recorder.Close(RecorderFixture.Start + (200 * Second));
        fixture.AssertAllTakenAreThere();
        Assert.True(fixture.Segments.Length >= 3);
        Assert.All(fixture.Segments, s => Assert.EndsWith(".tlz", s));
        Assert.Equal(fixture.Segments.Sum(s => new FileInfo(s).Length), fixture.Recordings.UsedBytes);
        Assert.Equal(fixture.Recordings.UsedBytes, fixture.Recorder.BytesWritten);
        Assert.All(fixture.Segments, s => Assert.Equal(0u, Flags(s)));
        Assert.Equal(isEncrypted, File.Exists(fixture.Folder[KeyRing.ListName]));
    }

    [Fact]
    public void EveryWayGivesTheSameAnswersWithAndWithoutIndex()
    {
        _corpus.NeedsAll();
        using var folder = new TemporaryFolder();
        Record(folder["plain"], SegmentCompression.None, null);
        Record(folder["lz4"], SegmentCompression.Lz4, null);
        Record(folder["locked"], SegmentCompression.None, _keys.Known);
        Record(folder["both"], SegmentCompression.Lz4, _keys.Known);
        string[] ways = ["lz4", "locked", "both"];
        var expressions = Expressions.ByHand.Where((_, i) => i % ExpressionStep == 0).Append("").Append("retransmissions > 0").ToList();
        var expected = expressions.ConvertAll(e => Answer(folder["plain"], e, useIndex: true));
        Assert.Contains(expected, a => a.Frames > 1000);
        foreach (var way in ways)
        {
            Assert.True(Size(folder[way], ".tlz") < Size(folder["plain"], ".pcapng") * (way == "locked" ? 1.01 : 0.9), way);
            for (var i = 0; i < expressions.Count; i++)
            {
                Assert.True(expected[i] == Answer(folder[way], expressions[i], useIndex: true), $"{way}, {expressions[i]}, by index");
                var isAnswered = !expressions[i].Contains("retransmissions", StringComparison.Ordinal);
                Assert.True(!isAnswered || expected[i] == Answer(folder[way], expressions[i], useIndex: false), $"{way}, {expressions[i]}");
            }
        }
    }

    [Fact]
    public void AnIndexIsEncryptedWithItsSegmentAndSaysTheSame()
    {
        using var fixture = Fixture(SegmentCompression.Lz4, isEncrypted: true);
        for (var index = 0; index < 300; index++)
        {
            fixture.Append(600);
        }

        fixture.Recorder.Close(RecorderFixture.Start + Second);
        var segment = Assert.Single(fixture.Segments);
        Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        var path = SegmentIndex.PathOf(segment);
        Assert.EndsWith("-2.tlx", path);
        var bytes = File.ReadAllBytes(path);
        Assert.True(ContainerHeader.Recognises(bytes));
        Assert.Equal(-1, bytes.AsSpan().IndexOf("vnet1"u8));
        Assert.Equal(-1, File.ReadAllBytes(segment).AsSpan().IndexOf("vnet1"u8));
        using var index1 = SegmentIndex.Open(path, SegmentInput.LengthOf(segment), out var verdict);
        Assert.Equal(IndexVerdict.Sound, verdict);
        Assert.Equal(300, index1!.Header.Frames);
        bytes[^200] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var damaged = SegmentIndex.Open(path, -1, out verdict);
        Assert.True(damaged is null || Throws(damaged), "a changed index is believed");

        static bool Throws(SegmentIndex index)
        {
            try
            {
                _ = IndexedSegment.Read(index);
                return false;
            }
            catch (Exception e) when (e is InvalidDataException or ContainerException)
            {
                return true;
            }
        }
    }

    [Theory]
    [InlineData(SegmentCompression.Lz4, false)]
    [InlineData(SegmentCompression.Lz4, true)]
    public void ACrashIsRepairedToTheLastWholeBlock(SegmentCompression compression, bool isEncrypted)
    {
        using var fixture = Fixture(compression, isEncrypted);
        for (var flush = 0; flush < 5; flush++)
        {
            for (var index = 0; index < 200; index++)
            {
                fixture.Append(1000, (ushort)(1 + (index % 2)));
            }

            var written = fixture.Recorder.BytesWritten;
            fixture.Recorder.EndBatch(RecorderFixture.Start + (2 * flush * Second));
            fixture.Recorder.EndBatch(RecorderFixture.Start + (((2 * flush) + 1) * Second));
            Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > written + 200_000));
        }

        var hidden = fixture.Folder.Names.Single(n => n.EndsWith(".tlz", StringComparison.Ordinal));
        Assert.Equal('.', hidden[0]);
        var image = File.ReadAllBytes(fixture.Folder[hidden]);
        Assert.Equal(0, image.Length % 4096);
        var blocks = ContainerFile.Blocks(image);
        var random = new Random(3);
        var cuts = blocks.ConvertAll(b => b.Offset + b.Bytes).Concat(Enumerable.Range(0, 15).Select(_ => random.Next(image.Length)));
        foreach (var cut in cuts)
        {
            using var crashed = new TemporaryFolder();
            File.WriteAllBytes(crashed[hidden], image[..cut]);
            using var folder = SegmentFolder.TryOpen(crashed.Path, 1 << 30, out var error);
            Assert.Null(error);
            var whole = blocks.Count(b => b.Offset + b.Bytes <= cut);
            if (whole == 0)
            {
                Assert.Equal([".lock"], crashed.Names);
                continue;
            }

            var name = crashed.Names.Single(n => n[0] != '.');
            Assert.EndsWith("Z-2.recovered.tlz", name);
            var frames = SegmentFile.Frames(crashed[name]);
            Assert.Equal(fixture.Taken.Take(frames.Count).Select(f => f.TimestampNs), frames.Select(f => f.TimestampNs));
            Assert.InRange(frames.Count, (whole * 50) - 70, 1000);
            var rows = SegmentFile.Ledger(crashed[name], out var flags);
            Assert.Equal(LedgerBlock.RecoveredFlag, flags);
            Assert.Equal(frames.Count, rows.Sum(r => r.Recorded));
            using var input = SegmentInput.Open(crashed[name]);
            Assert.True(input.Container!.IsFinished);
            var nonces = ContainerFile.Blocks(File.ReadAllBytes(crashed[name])).ConvertAll(b => b.Nonce);
            Assert.Equal(nonces.Count, nonces.Distinct().Count());
            Assert.Empty(nonces.Skip(whole).Intersect(blocks.Select(b => b.Nonce)));
        }
    }

    [Fact]
    public void WithoutItsKeyACrashIsShownAsItIsAndReadLater()
    {
        var key = _keys.Unknown();
        using var fixture = new RecorderFixture(change: o => o with { Key = key });
        for (var index = 0; index < 500; index++)
        {
            fixture.Append(1000);
        }

        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + Second);
        Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > 400_000));
        var hidden = fixture.Folder.Names.Single(n => n.EndsWith(".tlz", StringComparison.Ordinal));
        using var crashed = new TemporaryFolder();
        File.Copy(fixture.Folder[hidden], crashed[hidden]);
        using (var folder = SegmentFolder.TryOpen(crashed.Path, 1 << 30, out var error))
        {
            Assert.Null(error);
            Assert.Equal(1, folder!.Recovered);
        }

        var options = new ExtractOptions { Folder = crashed.Path };
        Assert.Null(ExtractPlan.Make(options, out var sentence));
        Assert.Contains(key.Id, sentence);
        Assert.Contains("--key", sentence);
        Assert.NotNull(KeyRing.TryAdd(key.Path, out _));
        Assert.Equal(fixture.Taken.Count, Answer(crashed.Path, "", useIndex: false, isWhole: false).Frames);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AQueryOfAChangedSegmentGivesOnlyWhatWasRecordedAndTellsALoss(bool isEncrypted)
    {
        using var fixture = Fixture(SegmentCompression.Lz4, isEncrypted);
        for (var index = 0; index < 300; index++)
        {
            fixture.Append(700);
        }

        fixture.Recorder.Close(RecorderFixture.Start + Second);
        var segment = Assert.Single(fixture.Segments);
        var bytes = File.ReadAllBytes(segment);
        var random = new Random(5);
        for (var run = 0; run < 150; run++)
        {
            var copy = bytes.ToArray();
            copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(segment, run % 2 == 0 ? copy : bytes[..random.Next(bytes.Length)]);
            var options = new ExtractOptions { Folder = fixture.Folder.Path, Filter = ExtractFilter.Compile("ip or not ip", out _)! };
            var sink = new FrameSink();
            var plan = ExtractPlan.Make(options, out var error);
            Assert.True(plan is not null, error);
            var report = Extraction.Run(plan, options, sink, null, CancellationToken.None);
            Assert.True(
                report.Selected == 300 || plan.Holes.Count + report.Faults.Count > 0, $"run {run}: a loss is not told");
            Assert.All(sink.Frames.Zip(fixture.Taken), pair => Assert.Equal(pair.Second.Bytes, pair.First));
        }
    }

    [Fact]
    public void AFullDiskIsWaitedForAndNoBlockIsWrittenTwice()
    {
        var disk = new FaultyDisk { WriteError = NativeFile.ENOSPC, ShortWriteBytes = 100_352 };
        using var fixture = new RecorderFixture(disk: disk, change: Encrypted);
        var dropped = 0;
        while (dropped < 10)
        {
            dropped += fixture.Append(50_000) == AppendResult.Recorded ? 0 : 1;
        }

        Assert.True(Await.Until(() => fixture.Recorder.State == RecorderState.Stalled));
        disk.WriteError = 0;
        Assert.True(Await.Until(() => fixture.Recorder.State == RecorderState.Recording));
        Assert.True(Await.Until(() => fixture.Append(50_000) == AppendResult.Recorded));
        fixture.Recorder.Close(0);
        fixture.AssertAllTakenAreThere();
        var rows = fixture.Segments.SelectMany(s => SegmentFile.Ledger(s, out _)).ToList();
        Assert.Equal(fixture.Recorder.Dropped, rows.Sum(r => r.DroppedRecorder));
    }

    [Fact]
    public void ADeviceErrorEndsTheSegmentAtItsLastWholeBlockAndTheNextGoesOn()
    {
        var disk = new FaultyDisk();
        using var fixture = new RecorderFixture(disk: disk, change: Encrypted);
        fixture.Append(1000);
        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + Second);
        Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > 0));
        disk.WriteError = NativeFile.EIO;
        fixture.Append(1001);
        fixture.Recorder.EndBatch(RecorderFixture.Start + (2 * Second));
        Assert.True(Await.Until(() => fixture.Recorder.Dropped == 1));
        disk.WriteError = 0;
        Assert.True(Await.Until(() =>
        {
            fixture.Recorder.EndBatch(RecorderFixture.Start + (3 * Second));
            return fixture.Append(1002) == AppendResult.Recorded;
        }));
        fixture.Recorder.Close(RecorderFixture.Start + (4 * Second));
        Assert.Equal([".recovered.tlz", ".tlz"], fixture.Segments.Select(s => s[(s.LastIndexOf("Z-2", StringComparison.Ordinal) + 3)..]));
        Assert.Equal([1000, 1002], fixture.Segments.SelectMany(SegmentFile.Frames).Select(f => f.Bytes.Length));
    }

    [Fact]
    public void WhatIsUnderWayIsReadUpToTheLastFlush()
    {
        using var fixture = Fixture(SegmentCompression.Lz4, isEncrypted: true);
        for (var index = 0; index < 200; index++)
        {
            fixture.Append(900);
        }

        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + (2 * Second));
        Assert.True(Await.Until(() => Answer(fixture.Folder.Path, "", useIndex: true).Frames == 200));
        Assert.Empty(fixture.Segments);
        fixture.Recorder.Close(RecorderFixture.Start + (3 * Second));
        Assert.Equal(200, Answer(fixture.Folder.Path, "", useIndex: true).Frames);
    }

    [Fact]
    public void BuffersBecomeContainersWithoutAllocation()
    {
        using var output = new ContainerOutput(SegmentCompression.Lz4, _keys.Known, 2 << 20);
        using var buffer = new SegmentBuffer(2 << 20);
        new Random(1).NextBytes(buffer.Memory[..(1 << 20)]);
        output.Begin();
        long end = 0;
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var turn = 0; turn < 30; turn++)
            {
                buffer.FileOffset = end;
                buffer.Length = buffer.CapacityBytes;
                end = buffer.FileEnd;
                while (output.TryNext(buffer, out var pages, out _))
                {
                    Assert.True(pages.Length % SegmentBuffer.PageBytes == 0);
                    output.Written();
                }
            }
        }));
    }

    private static uint Flags(string segment)
    {
        _ = SegmentFile.Ledger(segment, out var flags);
        return flags;
    }

    private static long Size(string folder, string ending) =>
        new DirectoryInfo(folder).EnumerateFiles("*" + ending).Sum(f => f.Length);

    // How many frames an expression selects, and all that they are.
    private static (long Frames, ulong Hash) Answer(string folder, string expression, bool useIndex, bool isWhole = true)
    {
        var filter = ExtractFilter.Compile(expression, out var error);
        Assert.True(filter is not null, error);
        var options = new ExtractOptions { Folder = folder, Filter = filter, UseIndex = useIndex, DisorderNs = 20_000_000_000 };
        var sink = new HashSink();
        var plan = ExtractPlan.Make(options, out error);
        Assert.True(plan is not null, error);
        var report = Extraction.Run(plan, options, sink, null, CancellationToken.None);
        Assert.True(!isWhole || report.Faults.Count == 0, string.Join(' ', report.Faults));
        return (report.Selected, sink.Hash);
    }

    private RecorderFixture Fixture(SegmentCompression compression, bool isEncrypted) => new(change: o => o with
    {
        Compression = compression, Key = isEncrypted ? _keys.Known : null,
    });

    private RecorderOptions Encrypted(RecorderOptions options) =>
        options with { Compression = SegmentCompression.Lz4, Key = _keys.Known };

    private void Record(string folder, SegmentCompression compression, SegmentKey? key)
    {
        using (var recordings = SegmentFolder.TryOpen(folder, 1 << 30, out _)!)
        using (var recorder = new SegmentRecorder(recordings, new RecorderOptions
        {
            Worker = 0, Node = "n", SegmentBytes = Limits.SegmentBytesMin, Compression = compression, Key = key,
        }))
        {
            for (var number = 0; number < _corpus.Count; number += FrameStep)
            {
                var frame = _corpus.Frame(number, out var originalLength);
                var meta = FrameCorpus.Meta(frame, originalLength);
                meta.TimestampNs = number * Second;
                while (recorder.Append(meta, frame) != AppendResult.Recorded)
                {
                    Thread.Yield();
                }
            }
        }

        foreach (var segment in Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".pcapng" or ".tlz"))
        {
            Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        }
    }

    private sealed class FrameSink : IExtractSink
    {
        public List<byte[]> Frames { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) => Frames.Add(frame.ToArray());

        public void Rest()
        {
        }
    }

    private sealed class HashSink : IExtractSink
    {
        public ulong Hash { get; private set; } = 14695981039346656037;

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) =>
            Hash = unchecked((Hash ^ Crc32C.Compute(block) ^ (ulong)meta.TimestampNs) * 1099511628211);

        public void Rest()
        {
        }
    }
}

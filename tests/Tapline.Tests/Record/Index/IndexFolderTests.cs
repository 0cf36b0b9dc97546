// The folder with indexes: they go with their segments, count with them, and are made where they are missing.
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Index;
using Tapline.Record.Summary;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class IndexFolderTests
{
    [Fact]
    public void TheBudgetCountsBothAndRemovesBoth()
    {
        // Four segments of 4 MiB fill the smallest budget but for what is reserved.
        using var fixture = LiveIndexTests.Record(TraceMaker.Frames(10, 8000), 220_000, 32L << 20);
        var segments = LiveIndexTests.Segments(fixture);
        Assert.True(fixture.Recordings.Removed > 0);
        var indexes = Directory.GetFiles(fixture.RecordingPath, "*.tlx").Order(StringComparer.Ordinal);
        Assert.Equal(segments.Select(SegmentIndex.PathOf), indexes);
        var bytes = Directory.GetFiles(fixture.RecordingPath).Sum(f => new FileInfo(f).Length);
        Assert.Equal(bytes, fixture.Recordings.UsedBytes);
        Assert.InRange(fixture.Recordings.UsedBytes, 1, fixture.Recordings.BudgetBytes);
    }

    [Fact]
    public void WhatACrashLeftOfIndexesIsRemovedAndMadeAnew()
    {
        using var folder = new TemporaryFolder();
        using (var fixture = LiveIndexTests.Record(TraceMaker.Frames(11, 3000), 3000, 1L << 30))
        {
            var segment = Assert.Single(LiveIndexTests.Segments(fixture));
            File.Copy(segment, folder[Path.GetFileName(segment)]);
            File.WriteAllBytes(folder["." + Path.GetFileName(SegmentIndex.PathOf(segment))], [1, 2, 3]);
            File.WriteAllBytes(folder["20200101T000000.000000000Z-0.tlx"], [1, 2, 3]);
            File.WriteAllBytes(folder["notes.tlx"], [1, 2, 3]);
        }

        using var opened = SegmentFolder.TryOpen(folder.Path, 1L << 30, out _)!;
        Assert.Equal(["notes.tlx"], folder.Names.Where(n => n.EndsWith(".tlx", StringComparison.Ordinal)));
        var said = new List<string>();
        using (var repair = IndexRepair.Start([opened], said.Add))
        {
            Assert.True(repair.Join(TimeSpan.FromSeconds(60)));
        }

        Assert.Equal("1 segment of the recording had no index and has one now.", Assert.Single(said));
        var only = folder.Names.Single(n => n.EndsWith(".pcapng", StringComparison.Ordinal));
        IndexedSegment.AssertEveryPacketIsInOneList(folder[only]);
        string[] counted = [only, SegmentIndex.PathOf(only), .. folder.Names.Where(n => SummaryShelf.TryParse(n, out _))];
        Assert.Equal(counted.Sum(n => new FileInfo(folder[n]).Length), opened.UsedBytes);
    }

    [Fact]
    public void ADamagedIndexIsMadeAnew()
    {
        using var fixture = LiveIndexTests.Record(TraceMaker.Frames(12, 3000), 3000, 1L << 30);
        var segment = Assert.Single(LiveIndexTests.Segments(fixture));
        using (var file = new FileStream(SegmentIndex.PathOf(segment), FileMode.Open))
        {
            file.Position = 300;
            file.WriteByte(0xff);
        }

        using (var repair = IndexRepair.Start([fixture.Recordings], _ => { }))
        {
            Assert.True(repair.Join(TimeSpan.FromSeconds(60)));
        }

        IndexedSegment.AssertEveryPacketIsInOneList(segment);
    }

    [Fact]
    public void ASegmentWhoseIndexCannotBeWrittenGoesWithout()
    {
        using var fixture = LiveIndexTests.Record(TraceMaker.Frames(13, 1000), 1000, 1L << 30, new DiskWithoutIndexes());
        Assert.Equal(1000, IndexedSegment.PacketOffsets(Assert.Single(LiveIndexTests.Segments(fixture))).Count);
        Assert.Equal(1, fixture.Recorder.WithoutIndex);
        Assert.DoesNotContain(Directory.GetFiles(fixture.RecordingPath), f => f.EndsWith(".tlx", StringComparison.Ordinal));
        var bytes = Directory.GetFiles(fixture.RecordingPath).Sum(f => new FileInfo(f).Length);
        Assert.Equal(bytes, fixture.Recordings.UsedBytes);
    }

    [Fact]
    public void AFileOfTheSmallestBlocksIsIndexed()
    {
        using var folder = new TemporaryFolder();
        var file = new CaptureBytes(bigEndian: false);
        file.Section().Interface(1, 0);
        for (var i = 0; i < 5000; i++)
        {
            file.Simple([]);
        }

        File.WriteAllBytes(folder["a.pcapng"], file.ToArray());
        Assert.True(SegmentIndexer.TryIndex(folder["a.pcapng"], out var sentence), sentence);
        Assert.Contains("5000 packets", sentence);
        using var index = IndexedSegment.Open(folder["a.pcapng"]);
        Assert.Equal(5000, index.Header.Frames);
        Assert.Equal(5000, IndexedSegment.Read(index).Packets.Sum(p => p.Length));
    }

    [Fact]
    public void AFileThatIsNoPcapngIsRefusedWithASentence()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.pcapng"], TraceMaker.File(TraceMaker.Frames(1, 3)));
        Assert.False(SegmentIndexer.TryIndex(folder["a.pcapng"], out var sentence));
        Assert.Contains("editcap", sentence);
        Assert.False(SegmentIndexer.TryIndex(folder["b.pcapng"], out sentence));
        Assert.Contains("b.pcapng", sentence);
    }

    /// <summary>A disk that fails whenever an index is to become visible.</summary>
    private sealed class DiskWithoutIndexes : DiskCalls
    {
        public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
            to.EndsWith(".tlx\0"u8) ? -NativeFile.EIO : base.Publish(from, to);
    }
}

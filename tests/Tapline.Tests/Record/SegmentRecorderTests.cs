// A recording as its readers meet it: whole frames, names that sort by time, ledgers that balance, a budget that holds.
using CsCheck;
using Tapline.Base;
using Tapline.Record;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public class SegmentRecorderTests
{
    private const long Second = RecorderFixture.Second;

    [Fact]
    public void FramesOfAnySizeAreReadBackInOrder() =>
        Gen.Int[0, 70_000].Array[1, 120].Sample(
            lengths =>
            {
                using var fixture = new RecorderFixture();
                for (var index = 0; index < lengths.Length; index++)
                {
                    // Every buffer may be away for a moment; a live worker would count, a test waits.
                    while (fixture.Append(lengths[index], (ushort)(1 + (index % 3))) != AppendResult.Recorded)
                    {
                        Thread.Yield();
                    }

                    fixture.Recorder.EndBatch(RecorderFixture.Start + (index * Second / 3));
                }

                fixture.Recorder.Close(RecorderFixture.Start + (200 * Second));
                fixture.AssertAllTakenAreThere();
            },
            iter: 20);

    [Fact]
    public void TheLedgerAccountsForEveryFrameOfTheWindow()
    {
        using var fixture = new RecorderFixture(filter: "tcp port 80");
        for (var index = 0; index < 10; index++)
        {
            Assert.Equal(AppendResult.Recorded, fixture.Append(100));
        }

        fixture.Append(60, 2, FrameFlags.Cut);
        fixture.Recorder.CountFiltered(1);
        fixture.Recorder.CountFiltered(9);
        fixture.Recorder.SetRingDrops(1, 5);
        Assert.Equal(AppendResult.DroppedTooLong, fixture.Append(Limits.FrameBytesMax + 1));
        Assert.Equal(AppendResult.DroppedClosed, fixture.Append(60, Limits.PointsMax));
        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + (61 * Second)); // old enough: closed
        fixture.Append(100);
        fixture.Recorder.SetRingDrops(1, 7);
        fixture.Recorder.Close(RecorderFixture.Start + (62 * Second));

        var segments = fixture.Segments;
        Assert.Equal(2, segments.Length);
        var rows = SegmentFile.Ledger(segments[0], out var flags).ToDictionary(r => r.Point);
        Assert.Equal(0u, flags);
        Assert.Equal([1, 2, 9], rows.Keys.Order().Select(k => (int)k));
        Assert.All(rows.Values, r => Assert.Equal(r.Arrived, r.Captured + r.DroppedRing));
        Assert.All(rows.Values, r => Assert.Equal(r.Captured, r.Recorded + r.Filtered + r.DroppedRecorder));
        Assert.Equal((10, 5, 1, 1), (rows[1].Recorded, rows[1].DroppedRing, rows[1].Filtered, rows[1].DroppedRecorder));
        Assert.Equal(1000, rows[1].RecordedBytes);
        Assert.Equal((1, 1), (rows[2].Recorded, rows[2].Cut));
        Assert.Equal((0, 1, 1), (rows[9].Recorded, rows[9].Filtered, rows[9].Arrived));
        var second = Assert.Single(SegmentFile.Ledger(segments[1], out _));
        Assert.Equal((1, 2, 0, 0), (second.Recorded, second.DroppedRing, second.Filtered, second.DroppedRecorder));
        Assert.Equal(12, fixture.Recorder.Recorded);
        Assert.Equal(2, fixture.Recorder.Dropped);
    }

    [Fact]
    public void SegmentsAreHiddenUntilTheyAreWholeAndNamedByTime()
    {
        using var fixture = new RecorderFixture();
        fixture.Append(100);
        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + (2 * Second)); // flushed, not closed
        Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > 0));
        Assert.Equal([".20231114T221320.123456790Z-2.pcapng", ".lock"], fixture.Folder.Names);
        fixture.Recorder.EndBatch(RecorderFixture.Start + (60 * Second));
        Assert.True(Await.Until(() => fixture.Recordings.Segments == 1));
        Assert.Equal([".lock", "20231114T221320.123456790Z-2.pcapng", "segments-000001.tls"], fixture.Folder.Names);
        fixture.Append(100, timestampNs: fixture.Taken[0].TimestampNs); // the same name again
        fixture.Recorder.Close(0);
        string[] names =
            [".lock", "20231114T221320.123456790Z-2.pcapng", "20231114T221320.123456791Z-2.pcapng", "segments-000001.tls"];
        Assert.Equal(names, fixture.Folder.Names);
        fixture.AssertAllTakenAreThere();
    }

    [Fact]
    public void APointThatChangesGetsAnInterfaceOfItsOwn()
    {
        using var fixture = new RecorderFixture();
        fixture.Append(100);
        fixture.Recorder.AddPoint(new PointInfo(1, "vnet1", "vm_port", "br0", "web02"));
        fixture.Append(100);
        fixture.Append(100, 2);
        fixture.Recorder.Close(0);
        var blocks = SegmentFile.Blocks(Assert.Single(fixture.Segments)).Select(b => b.Type).ToArray();
        Assert.Equal(
            [PcapngWriter.SectionHeader, 1, 6, 1, 6, 1, 6, 5, 5, PlacesBlock.Type, LedgerBlock.Type],
            blocks);
    }

    [Fact]
    public void TheBudgetHoldsAndTheOldestGoFirst() =>
        Gen.Int[1, 60_000].Array[200, 400].Sample(
            lengths =>
            {
                const long Budget = Limits.RecordBudgetBytesMin;
                using var fixture = new RecorderFixture(Budget);
                long offered = 0;
                for (var round = 0; offered < 2 * Budget; round++)
                {
                    foreach (var length in lengths)
                    {
                        while (fixture.Append(length) != AppendResult.Recorded)
                        {
                            Thread.Yield();
                        }

                        offered += length;
                    }

                    Assert.InRange(DiskUse(fixture.Folder.Path), 0, Budget + Limits.SegmentBytesMin + (1 << 20));
                }

                fixture.Recorder.Close(0);
                Assert.InRange(fixture.Recordings.UsedBytes, Budget / 2, Budget);
                Assert.True(fixture.Recordings.Removed > 0);
                var kept = fixture.Segments.SelectMany(SegmentFile.Frames).Select(f => f.TimestampNs).ToList();
                Assert.Equal(fixture.Taken.TakeLast(kept.Count).Select(f => f.TimestampNs), kept);
                Assert.Equal(fixture.KeptBytes, fixture.Recordings.UsedBytes);
            },
            iter: 3,
            threads: 1);

    [Fact]
    public void ACrashIsRepairedToTheLastWholeBlock()
    {
        using var fixture = new RecorderFixture();
        for (var index = 0; index < 1000; index++)
        {
            fixture.Append(1000, (ushort)(1 + (index % 2)));
        }

        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + Second);
        Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > 1_000_000));
        var hidden = fixture.Folder.Names.Single(n => n.EndsWith(".pcapng", StringComparison.Ordinal));
        var image = File.ReadAllBytes(fixture.Folder[hidden]);
        Assert.Equal(0, image.Length % 4096);

        foreach (var cut in new[] { image.Length, image.Length / 2, (image.Length / 2) + 1, 5000, 1300 })
        {
            using var crashed = new TemporaryFolder();
            File.WriteAllBytes(crashed[hidden], image[..cut]);
            using var folder = SegmentFolder.TryOpen(crashed.Path, 1 << 30, out var error);
            Assert.Null(error);
            Assert.Equal((1, 1), (folder!.Recovered, folder.Segments));
            var name = crashed.Names.Single(n => n[0] != '.');
            Assert.EndsWith("Z-2.recovered.pcapng", name);
            var frames = SegmentFile.Frames(crashed[name]);
            Assert.Equal(fixture.Taken.Take(frames.Count).Select(f => f.TimestampNs), frames.Select(f => f.TimestampNs));
            Assert.InRange(frames.Count, Math.Min(1000, (cut / 1060) - 2), 1000);
            var rows = SegmentFile.Ledger(crashed[name], out var flags);
            Assert.Equal(LedgerBlock.RecoveredFlag, flags);
            Assert.Equal(frames.Count, rows.Sum(r => r.Recorded));
            Assert.All(rows, r => Assert.Equal(-1, r.Arrived));
        }
    }

    [Fact]
    public void ALeftoverWithoutFramesIsRemovedAndAWholeOneKeepsItsLedger()
    {
        using var fixture = new RecorderFixture();
        fixture.Append(100);
        fixture.Recorder.Close(0);
        var whole = Path.GetFileName(Assert.Single(fixture.Segments));
        using var crashed = new TemporaryFolder();
        File.Copy(fixture.Folder[whole], crashed["." + whole]);
        File.WriteAllBytes(crashed[".20200101T000000.000000000Z-0.pcapng"], File.ReadAllBytes(fixture.Folder[whole])[..200]);
        File.WriteAllBytes(crashed[".20200101T000000.000000001Z-0.pcapng"], []);
        File.WriteAllBytes(crashed["foreign.pcapng"], [1]);
        using var folder = SegmentFolder.TryOpen(crashed.Path, 1 << 30, out _);
        Assert.Equal(1, folder!.Recovered);
        Assert.Equal([".lock", whole, "foreign.pcapng", "segments-000001.tls"], crashed.Names);
        Assert.Equal(1, Assert.Single(SegmentFile.Ledger(crashed[whole], out _)).Recorded);
    }

    [Fact]
    public void TwoRecordersOnOneFolderAreToldSo()
    {
        using var fixture = new RecorderFixture();
        Assert.Null(SegmentFolder.TryOpen(fixture.Folder.Path, 1 << 30, out var error));
        Assert.Contains("Another Tapline process", error);
        Assert.Null(SegmentFolder.TryOpen(fixture.Folder["other"], 1, out error));
        Assert.Contains("budget", error);
    }

    [Fact]
    public void WorkersShareOneFolder()
    {
        using var fixture = new RecorderFixture();
        using var other = new SegmentRecorder(fixture.Recordings, new RecorderOptions { Worker = 7, BufferBytes = 2 << 20 });
        fixture.Append(100);
        var meta = new FrameMeta { CapturedLength = 1, OriginalLength = 1, LinkType = LinkType.Raw };
        meta.TimestampNs = RecorderFixture.Start + 1;
        Assert.Equal(AppendResult.Recorded, other.Append(meta, [7]));
        other.Close(0);
        fixture.Recorder.Close(0);
        Assert.Equal(2, fixture.Segments.Length);
        Assert.EndsWith("Z-7.pcapng", fixture.Segments[1]);
        Assert.Equal(LinkType.Raw, Assert.Single(SegmentFile.Frames(fixture.Segments[1])).LinkType);
    }

    [Fact]
    public void SteadyRecordingAllocatesNothing()
    {
        using var fixture = new RecorderFixture(Limits.RecordBudgetBytesMin);
        var frame = new byte[300];
        var now = RecorderFixture.Start;
        Run(3000);
        Assert.Equal(0, Allocations.LeastOf(() => Run(100_000)));
        Assert.True(fixture.Recordings.Removed > 0 || fixture.Recorder.Dropped > 0);

        void Run(int frames)
        {
            var meta = new FrameMeta { CapturedLength = 300, OriginalLength = 300, LinkType = LinkType.Ethernet };
            for (var index = 0; index < frames; index++)
            {
                meta.TimestampNs = now += 1000;
                meta.PointId = (ushort)(index % 5);
                _ = fixture.Recorder.Append(meta, frame);
                if (index % 64 == 0)
                {
                    fixture.Recorder.EndBatch(now += Second / 10);
                }
            }
        }
    }

    private static long DiskUse(string folder)
    {
        long sum = 0;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
        {
            try
            {
                sum += file.Length;
            }
            catch (FileNotFoundException)
            {
                // removed meanwhile
            }
        }

        return sum;
    }
}

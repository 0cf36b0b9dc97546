// Seals as they are written: openssl(1), dd and sha256sum agree with them, chains go on over restarts, nothing is allocated.
using System.Diagnostics;
using System.Text.Json;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class SealTests
{
    [Fact]
    public void OpensslVerifiesSealsAndJournalAndDdTheBlocks()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        recording.AssertIntact();
        foreach (var file in recording.Segments.Select(SealedRecording.SealOf).Append(recording.Journal))
        {
            Assert.Contains("Verified OK", Openssl.Verify(file, recording.PublicKey));
            Openssl.Run($"sed -i 's/version\":1/version\":2/' '{file}'");
            Assert.DoesNotContain("Verified OK", Openssl.Verify(file, recording.PublicKey));
            Openssl.Run($"sed -i 's/version\":2/version\":1/' '{file}'");
        }

        var segment = recording.Segments[1];
        var seal = Json(SealedRecording.SealOf(segment));
        var blocks = seal.GetProperty("blocks").EnumerateArray().Select(b => b.GetString()).ToList();
        Assert.Equal(3, blocks.Count);
        for (var block = 0; block < blocks.Count; block++)
        {
            Assert.StartsWith(blocks[block]!, Openssl.Run($"dd if='{segment}' bs=1048576 skip={block} count=1 status=none | sha256sum"));
        }

        var before = SealedRecording.SealOf(recording.Segments[0]);
        Assert.StartsWith(seal.GetProperty("previous").GetString()!, Openssl.Run($"head -n -1 '{before}' | sha256sum"));
        Assert.Equal(Path.GetFileName(segment), seal.GetProperty("segment").GetString());
        Assert.StartsWith(seal.GetProperty("key").GetString()!, Openssl.Run(
            $"openssl pkey -pubin -in '{recording.PublicKey}' -outform DER | sha256sum"));
    }

    [Fact]
    public void AChainGoesOnOverRestartsForEachWorker()
    {
        using var recording = new SealedRecording();
        recording.Record(2, worker: 0);
        recording.Record(1, worker: 3);
        recording.Record(2, worker: 0);
        recording.AssertIntact();
        var report = recording.Verify();
        Assert.Equal([(0, 4L), (3, 1L)], report.Chains.Select(c => (c.Worker, c.Sequence)));
        Assert.Equal(5, report.Segments);
    }

    [Fact]
    public void ANameThatIsTakenMovesOnWithItsSeal()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open())
        {
            recording.Record(folder, 1, frames: 2);
            var taken = new SegmentName(recording.Now, 0, IsRecovered: false);
            var path = new PathBuffer(recording.Folder);
            taken.AddTo(path, isHidden: false);
            File.WriteAllText(System.Text.Encoding.UTF8.GetString(path.Path[..^1]), "somebody's");
            recording.Record(folder, 2, frames: 2);

            // And one that somebody takes in the last moment: the seal is taken back.
            recording.Record(folder, 2, frames: 2, disk: new TakenDisk());
        }

        var report = recording.Verify();
        Assert.Equal(FindingKind.Unsealed, Assert.Single(report.Findings).Kind);
        Assert.Equal((5, 5L), (report.Segments, Assert.Single(report.Chains).Sequence));
        Assert.Empty(Directory.GetFiles(recording.Folder, ".2*"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SealingAllocatesNothing(bool isLate)
    {
        using var recording = new SealedRecording();
        using var folder = recording.Open();
        var sealer = folder.Evidence!.NewSealer(folder.Path, s_disk, 0, 4 << 20)!;
        var path = new PathBuffer(recording.Folder);
        var bytes = new byte[3_000_000];
        var time = SealedRecording.Start;
        var least = Allocations.LeastOf(() =>
        {
            for (var turn = 0; turn < 50; turn++)
            {
                var name = new SegmentName(time++, 0, IsRecovered: false);
                name.AddTo(path.Reset(), isHidden: false);
                var fd = s_disk.Open(path.Path, NativeFile.O_RDWR | NativeFile.O_CREAT);
                _ = s_disk.WriteAll(fd, bytes, 0);
                _ = s_disk.Close(fd);
                sealer.Begin();
                sealer.Take(bytes.AsSpan(0, isLate ? 1_500_000 : bytes.Length), 0, isBehind: false);
                sealer.Seal(name, bytes.Length, default(Hash256));
                while (sealer.Waiting > 0)
                {
                    Thread.Yield();
                }

                folder.Evidence!.NoteRemoval(s_disk, name, RemovalReason.Budget);
                folder.Evidence!.Settle(s_disk);
                _ = s_disk.Remove(path.Path);
            }
        });
        Assert.Equal(0, least);
        Assert.Equal(0, sealer.Lost);
        sealer.End();
        sealer.Dispose();
    }

    [Fact]
    public void AWriterThatIsBehindLeavesHashingForLater()
    {
        using var recording = new SealedRecording();
        var disk = new FaultyDisk();
        long recorded;
        using (var folder = recording.Open())
        {
            using var recorder = new SegmentRecorder(
                folder, new RecorderOptions { Worker = 0, BufferBytes = 2 << 20, BufferCount = 4, SegmentBytes = 4 << 20 }, disk);
            disk.Gate.Reset();
            var frame = new byte[50_000];
            var meta = new FrameMeta
            {
                TimestampNs = SealedRecording.Start, CapturedLength = frame.Length, OriginalLength = frame.Length,
                LinkType = LinkType.Ethernet,
            };
            while (recorder.Append(meta, frame) == AppendResult.Recorded)
            {
                // Until all buffers are full: each that is written has others behind it.
            }

            disk.Gate.Set();
            recorder.Close(SealedRecording.Start + SealedRecording.Second);
            recorded = recorder.Recorded;
            Assert.Equal(recording.Segments.Length, folder.Segments);
            Assert.Equal((0, 0), (recorder.WithoutSeal, recorder.SealsWaiting));
        }

        Assert.True(recorded > 80);
        Assert.Empty(Directory.GetFiles(recording.Folder, ".2*"));
        recording.AssertIntact();
        recording.AssertSealedInOrder();
        Assert.Equal(recording.Segments.Length, Assert.Single(recording.Verify().Chains).Sequence);
        Assert.Equal(recorded, recording.Segments.Sum(s => SegmentFile.Frames(s).Count()));
    }

    [Fact]
    public void BytesThatWereNotToldAreHashedFromDisk()
    {
        using var folder = new TemporaryFolder();
        var bytes = new byte[(5 << 20) + 77];
        new Random(3).NextBytes(bytes);
        File.WriteAllBytes(folder["f"], bytes);
        var path = System.Text.Encoding.UTF8.GetBytes(folder["f"] + '\0');
        using var told = new BlockHashes(1 << 20);
        told.Add(bytes, 0);
        told.Finish();
        using var partly = new BlockHashes(1 << 20);
        partly.Add([1, 2, 3], 0);
        partly.Begin();
        partly.Add(bytes.AsSpan(0, 1_500_000), 0);
        partly.Add(bytes.AsSpan(1_000_000, 1_000_000), 1_000_000); // twice: a page is written again
        partly.Add(bytes.AsSpan(4_000_000), 4_000_000); // beyond a gap
        Assert.Equal(2_000_000, partly.Bytes);
        using var reader = new HashReader();
        reader.StopAt(0);
        Assert.Equal(-NativeFile.EINTR, reader.TryComplete(partly, path, bytes.Length));
        reader.StopAt(long.MaxValue);
        Assert.Equal(-NativeFile.EIO, reader.TryComplete(partly, path, bytes.Length + 1)); // shorter than it was
        using var whole = new BlockHashes(1 << 20);
        Assert.Equal(0, reader.TryComplete(partly, path, bytes.Length));
        Assert.Equal(0, reader.TryComplete(whole, path, bytes.Length));
        Assert.Equal(-NativeFile.ENOENT, reader.TryComplete(whole, "/none\0"u8, bytes.Length + 1));
        Assert.Equal(0, reader.TryHash(path, out var hash));
        Assert.Equal(Hash256.Of(bytes), hash);
        whole.Finish();
        partly.Finish();
        partly.Finish();
        Assert.Equal(told.Blocks.ToArray(), partly.Blocks.ToArray());
        Assert.Equal(told.Blocks.ToArray(), whole.Blocks.ToArray());
        Assert.Equal(6, told.Blocks.Length);
    }

    private sealed class TakenDisk : DiskCalls
    {
        private bool _isTaken;

        public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
        {
            if (_isTaken || !to[..^1].EndsWith(".pcapng"u8))
            {
                return base.Publish(from, to);
            }

            _isTaken = true;
            return -NativeFile.EEXIST;
        }
    }

    private static readonly DiskCalls s_disk = new();

    private static JsonElement Json(string path) => JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
}

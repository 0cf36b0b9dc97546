// Segments that are seen before they are sealed: in the order of time, however long the seals have to wait, whatever retention removes
// meanwhile, over full and dead disks, and told as what they are.
using System.Text;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class LateSealTests
{
    private const int ENOSPC = NativeFile.ENOSPC;
    private const int EIO = NativeFile.EIO;

    [Theory]
    [InlineData(ENOSPC)]
    [InlineData(EIO)]
    public void SealsThatCanNotBeWrittenWaitAndComeInTheOrderOfTime(int error)
    {
        using var recording = new SealedRecording();
        var disk = new SealDisk();
        using (var folder = recording.Open())
        {
            using var recorder = recording.NewRecorder(folder, disk);
            recording.RecordSegments(recorder, 1);
            Assert.True(Await.Until(() => Seals(recording) == 1));
            disk.SealError = error;
            recording.RecordSegments(recorder, 12);
            Assert.True(Await.Until(() => recorder.SealsWaiting == 12));
            Assert.Equal(13, recording.Segments.Length);
            var live = recording.Verify();
            Assert.True(live.IsIntact, SealedRecording.Sentences(live));
            Assert.Equal((12, 1), (live.NotSealedYet, live.Segments));
            Assert.Contains(live.Notes, n => n.Contains("not sealed yet", default));
            Assert.Null(recorder.StallReason);

            disk.SealError = 0;
            recording.RecordSegments(recorder, 1);
            Assert.True(Await.Until(() => Seals(recording) == 14 && recorder.SealsWaiting == 0));
            Assert.Equal(0, recorder.WithoutSeal);
            recording.AssertIntact();
            Assert.Equal(0, recording.Verify().NotSealedYet);
        }

        recording.AssertIntact();
        recording.AssertSealedInOrder();
        Assert.Equal(14, Assert.Single(recording.Verify().Chains).Sequence);
    }

    [Fact]
    public async Task ALiveRecordingWhoseSealsComeLateIsNoAlarm()
    {
        using var recording = new SealedRecording();
        var disk = new SealDisk();
        using (var folder = recording.Open(budgetBytes: 64 << 20))
        {
            disk.SealError = ENOSPC;
            var writer = Task.Run(() => recording.Record(folder, 16, disk: disk), TestContext.Current.CancellationToken);
            Assert.True(Await.Until(() => recording.Segments.Length > 0));
            long waited = 0;
            for (var turn = 0; !writer.IsCompleted; turn++)
            {
                disk.SealError = turn % 2 == 0 ? ENOSPC : 0;
                var report = recording.Verify();
                Assert.True(report.IsIntact, SealedRecording.Sentences(report));
                waited += report.NotSealedYet;
            }

            disk.SealError = 0;
            await writer;
            Assert.True(waited > 0);
        }

        recording.Record(1); // seals what the end had no time for
        recording.AssertIntact();
        recording.AssertSealedInOrder();
    }

    [Fact]
    public void WhatRetentionRemovesBeforeItsSealIsDroppedAndTold()
    {
        using var recording = new SealedRecording();
        var disk = new SealDisk { SealError = ENOSPC };
        long removed;
        using (var folder = recording.Open(budgetBytes: 32 << 20))
        {
            using var recorder = recording.NewRecorder(folder, disk);
            recording.RecordSegments(recorder, 20);
            Assert.True(Await.Until(() => folder.Removed > 4));
            removed = folder.Removed;
            disk.SealError = 0;
        }

        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal((removed, 0), (report.RemovedUnsealed, report.Removed));
        Assert.Contains(report.Notes, n => n.Contains("before they were sealed", default));
        Assert.Equal(recording.Segments.Length, Assert.Single(report.Chains).Sequence);
        recording.AssertSealedInOrder();
    }

    [Fact]
    public void WhatARuleIsRemovingIsNotSealed()
    {
        using var recording = new SealedRecording();
        using var folder = recording.Open();
        var disk = new DiskCalls();
        var evidence = folder.Evidence!;
        var chain = evidence.ChainOf(0);
        var name = new SegmentName(SealedRecording.Start, 0, IsRecovered: false);
        var file = Path.Combine(recording.Folder, "20231114T221320.000000000Z-0.pcapng");
        File.WriteAllText(file, "x");
        var seal = new SegmentSeal { Bytes = 1 };
        evidence.NoteRemoval(disk, name, RemovalReason.Age);
        Assert.Equal(-NativeFile.EBUSY, evidence.Seal(disk, chain, name, ref seal, new Hash256[1]));

        // It could not be removed: it is sealed after all, and a removal that is noted then stands in the journal.
        evidence.Settle(disk);
        Assert.Equal(0, evidence.Seal(disk, chain, name, ref seal, new Hash256[1]));
        File.Delete(file);
        Assert.Equal(-NativeFile.ENOENT, evidence.Seal(disk, chain, name, ref seal, new Hash256[1]));
        Assert.Equal(2, chain.Next);
    }

    [Fact]
    public void AFullDiskStopsNeitherRecordingNorSealingForGood()
    {
        using var recording = new SealedRecording();
        var disk = new FaultyDisk();
        using (var folder = recording.Open())
        {
            using var recorder = recording.NewRecorder(folder, disk);
            recording.RecordSegments(recorder, 2);
            disk.WriteError = ENOSPC;
            recording.RecordFrames(recorder, 40);
            Assert.True(Await.Until(() => recorder.StallReason is not null));
            disk.WriteError = 0;
            Assert.True(Await.Until(() => recorder.StallReason is null));
            recording.RecordSegments(recorder, 2);
        }

        // A full disk takes the oldest.
        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(4, recording.Segments.Length + report.Removed + report.RemovedUnsealed);
        recording.AssertSealedInOrder();
    }

    [Fact]
    public void ADeadDiskEndsSoonAndTheNextStartSealsWhatIsLeft()
    {
        using var recording = new SealedRecording();
        var disk = new SealDisk();
        using (var folder = recording.Open())
        {
            using var recorder = recording.NewRecorder(folder, disk);
            recording.RecordSegments(recorder, 3);
            Assert.True(Await.Until(() => Seals(recording) == 3));
            disk.SealError = EIO;
            recording.RecordSegments(recorder, 3);
            Assert.True(Await.Until(() => recorder.SealsWaiting == 3));
            disk.IsDead = true;
            recording.RecordFrames(recorder, 4);
        }

        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(3, report.NotSealedYet);
        recording.Record(1);
        report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal((7, 3, 0), (report.Segments, report.Recovered, report.NotSealedYet));
        recording.AssertSealedInOrder();
    }

    [Fact]
    public void AFileThatCanNotBeReadIsGivenUpAndThoseBehindItAreSealed()
    {
        using var recording = new SealedRecording();
        using var folder = recording.Open();
        var sealer = folder.Evidence!.NewSealer(folder.Path, new DiskCalls(), 0, 4 << 20)!;
        var first = Put(recording, SealedRecording.Start, 1000);
        var second = Put(recording, SealedRecording.Start + 1, 1000);
        sealer.SealRecovered(first, 1001); // shorter than it was
        sealer.SealRecovered(second, 1000);
        Assert.True(Await.Until(() => sealer.Waiting == 0));
        Assert.Equal((1, 1), (sealer.Lost, Seals(recording)));
        sealer.End();
        sealer.Dispose();
    }

    [Fact]
    public void BeyondTheLimitSegmentsStayWithoutASealAndAreCounted()
    {
        using var recording = new SealedRecording();
        using var folder = recording.Open();
        var sealer = folder.Evidence!.NewSealer(folder.Path, new SealDisk { SealError = EIO }, 0, 4 << 20)!;
        var name = Put(recording, SealedRecording.Start, 1000);
        for (var turn = 0; turn < Tapline.Base.Limits.SealsWaitingMax + 10; turn++)
        {
            sealer.SealRecovered(name, 1000);
        }

        Assert.InRange(sealer.Lost, 9, 10); // one may be at hand
        sealer.End();
        sealer.Dispose();
    }

    private static SegmentName Put(SealedRecording recording, long timeNs, int bytes)
    {
        var name = new SegmentName(timeNs, 0, IsRecovered: false);
        var path = new Tapline.Base.PathBuffer(recording.Folder);
        name.AddTo(path, isHidden: false);
        File.WriteAllBytes(Encoding.UTF8.GetString(path.Path[..^1]), new byte[bytes]);
        return name;
    }

    private static int Seals(SealedRecording recording) => Directory.GetFiles(recording.Folder, "2*.sig").Length;

    /// <summary>Takes no seals, as a disk that is full to the last block, or nothing at all.</summary>
    private sealed class SealDisk : DiskCalls
    {
        public volatile int SealError;
        public volatile bool IsDead;

        public override int Open(ReadOnlySpan<byte> path, int flags) => IsDead ? -EIO
            : SealError != 0 && path[..^1].EndsWith(".sig"u8) ? -SealError : base.Open(path, flags);

        public override long Write(int fd, ReadOnlySpan<byte> bytes, long offset) => IsDead ? -EIO : base.Write(fd, bytes, offset);

        public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => IsDead ? -EIO : base.Publish(from, to);

        public override int Replace(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => IsDead ? -EIO : base.Replace(from, to);

        public override int Remove(ReadOnlySpan<byte> path) => IsDead ? -EIO : base.Remove(path);
    }
}

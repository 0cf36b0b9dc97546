// Crashes between any two of the files that make a sealed segment visible: the next start puts them right, and nothing is an alarm.
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class SealCrashTests
{
    [Theory]
    [InlineData(".pcapng")]
    [InlineData(".sig")]
    [InlineData("evidence.json")]
    public void ACrashBeforeAFileBecomesVisibleIsPutRight(string ending)
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var crashing = new CrashingDisk(ending, recording);
        using (var folder = recording.Open())
        {
            recording.Record(folder, 1, disk: crashing);
        }

        Assert.True(crashing.IsDead);
        File.WriteAllBytes(recording.Journal, crashing.Journal); // ending, as a crash does not, wrote a newer one
        var before = recording.Verify();
        Assert.True(before.IsIntact, SealedRecording.Sentences(before));
        Assert.Contains(before.Notes, n => n.Contains("next start", default));
        Assert.Equal(ending == ".sig" ? 1 : 0, before.NotSealedYet);
        recording.Record(1);
        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(4, report.Segments);
        Assert.Equal(ending == "evidence.json" ? 0 : 1, report.Recovered);
        Assert.DoesNotContain(report.Notes, n => n.Contains("its end is lost", default));
        recording.AssertSealedInOrder();
    }

    [Fact]
    public void ACrashInMidSegmentIsSealedAsRecoveredAndNamed()
    {
        using var recording = new SealedRecording();
        recording.Record(1);
        using (var folder = recording.Open())
        using (var recorder = new SegmentRecorder(
            folder, new RecorderOptions { Worker = 0, BufferBytes = 2 << 20, BufferCount = 4 }, new CrashingDisk(".pcapng")))
        {
            recording.RecordFrames(recorder, 40);
            Assert.True(Await.Until(() => recorder.BytesWritten > 0));
            recorder.Close(0);
        }

        var hidden = Directory.GetFiles(recording.Folder, ".2*.pcapng").Single();
        File.WriteAllBytes(hidden, File.ReadAllBytes(hidden)[..1_500_000]);
        recording.Record(1);
        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal((3, 1), (report.Segments, report.Recovered));
        Assert.Contains(report.Notes, n => n.Contains(".recovered.pcapng", default) && n.Contains("its end is lost", default));
    }

    [Fact]
    public void SegmentsOfAWorkerThatIsNoMoreAreSealedByTheFirstOne()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open())
        {
            recording.Record(folder, 1, worker: 3);
            recording.Record(folder, 1, worker: 3, disk: new CrashingDisk(".sig"));
        }

        Assert.Equal(1, recording.Verify().NotSealedYet);
        recording.Record(1);
        recording.AssertIntact();
        Assert.Equal([(3, 2L), (0, 1L)], recording.Verify().Chains.Select(c => (c.Worker, c.Sequence)));
    }

    [Fact]
    public void ASealThatThePowerTookIsMissedAndItsSegmentSealedAgain()
    {
        using var recording = new SealedRecording();
        byte[] journal;
        using (var folder = recording.Open())
        {
            recording.Record(folder, 2);
            journal = File.ReadAllBytes(recording.Journal);
        }

        File.WriteAllBytes(recording.Journal, journal); // no end came
        File.WriteAllBytes(SealedRecording.SealOf(recording.Segments[1]), []);
        recording.Record(1);
        var report = recording.Verify();
        Assert.Contains("number 2 of worker 0", Assert.Single(report.Findings).Sentence);
        Assert.Equal((3, 1), (report.Segments, report.Recovered));
    }

    [Fact]
    public void WhatIsPutIntoARecordingThatHasEndedIsNotSealedByTheNextStart()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var inserted = Path.Combine(recording.Folder, "20991231T000000.000000000Z-0.pcapng");
        File.Copy(recording.Segments[1], inserted);
        recording.AssertOne(FindingKind.Unsealed, inserted);
        recording.Record(1);
        recording.AssertOne(FindingKind.Unsealed, inserted);
    }

    [Fact]
    public void WhatIsPutBetweenSealedSegmentsIsNotSealedAfterACrash()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        using (var folder = recording.Open())
        {
            recording.Record(folder, 1, disk: new CrashingDisk(".sig"));
        }

        var inserted = Path.Combine(recording.Folder, "20231114T221400.000000000Z-0.pcapng");
        File.Copy(recording.Segments[1], inserted);
        recording.AssertOne(FindingKind.Unsealed, inserted);
        recording.Record(1);
        recording.AssertOne(FindingKind.Unsealed, inserted);
    }

    [Fact]
    public void AJournalThatThePowerSetBackIsBroughtUpToDate()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var older = File.ReadAllBytes(recording.Journal);
        recording.Record(3);
        File.WriteAllBytes(recording.Journal, older);
        recording.Record(1);
        recording.AssertIntact();
        Assert.Equal(6, Assert.Single(recording.Verify().Chains).Sequence);
    }

    /// <summary>Dies, as a process does, when a file of some name is about to become visible: nothing happens any more.</summary>
    private sealed class CrashingDisk(string ending, SealedRecording? recording = null) : DiskCalls
    {
        public bool IsDead { get; private set; }

        /// <summary>The journal as it was then.</summary>
        public byte[] Journal { get; private set; } = [];

        public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => Dies(to) ? -NativeFile.EIO : base.Publish(from, to);

        public override int Replace(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => Dies(to) ? -NativeFile.EIO : base.Replace(from, to);

        public override int Open(ReadOnlySpan<byte> path, int flags) => IsDead ? -NativeFile.EIO : base.Open(path, flags);

        public override int Remove(ReadOnlySpan<byte> path) => IsDead ? -NativeFile.EIO : base.Remove(path);

        private bool Dies(ReadOnlySpan<byte> to)
        {
            Journal = IsDead || recording is null ? Journal : File.ReadAllBytes(recording.Journal);
            IsDead |= System.Text.Encoding.UTF8.GetString(to[..^1]).EndsWith(ending, StringComparison.Ordinal);
            return IsDead;
        }
    }
}

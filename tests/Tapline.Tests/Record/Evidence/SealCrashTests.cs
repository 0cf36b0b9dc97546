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
        var crashing = new CrashingDisk(ending);
        using (var folder = recording.Open())
        {
            recording.Record(folder, 1, disk: crashing);
        }

        Assert.True(crashing.IsDead);
        var before = recording.Verify();
        Assert.True(before.IsIntact, SealedRecording.Sentences(before));
        Assert.Contains(before.Notes, n => n.Contains("at the next start", default));
        recording.Record(1);
        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(4, report.Segments);
        Assert.Equal(ending == ".sig" ? 1 : 0, report.Recovered);
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
        foreach (var seal in Directory.GetFiles(recording.Folder, "*.sig").OrderDescending(StringComparer.Ordinal).Take(1))
        {
            File.Delete(seal); // as if the crash had come before it
        }

        File.WriteAllBytes(hidden, File.ReadAllBytes(hidden)[..1_500_000]);
        File.WriteAllText(recording.Journal, OlderJournal(recording));
        recording.Record(1);
        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal((3, 1), (report.Segments, report.Recovered));
        Assert.Contains(report.Notes, n => n.Contains(".recovered.pcapng", default) && n.Contains("its end is lost", default));
    }

    [Fact]
    public void ASealThatCanNotBeWrittenIsCountedAndTheSegmentIsKept()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open())
        {
            recording.Record(folder, 1, disk: new NoSealDisk());
        }

        Assert.Single(recording.Segments);
        Assert.Empty(Directory.GetFiles(recording.Folder, ".2*"));
        recording.AssertOne(FindingKind.Unsealed, recording.Segments[0]);
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

    // The journal before the last seal, signed again: what the disk had when the crash came.
    private static string OlderJournal(SealedRecording recording)
    {
        using var keys = PublicKeys.TryRead(recording.PublicKey, out _)!;
        var journal = EvidenceJournal.TryRead(File.ReadAllBytes(recording.Journal), keys, out _)!;
        var chain = Assert.Single(journal.Chains);
        var seal = SealedFile.TryRead(recording.Folder, Path.GetFileName(SealedRecording.SealOf(recording.Segments[^1])), keys)!;
        (chain.Next, chain.Tip) = (2, seal.Seal.Link);
        var text = new SignedText();
        journal.Write(text, recording.Key, 0);
        return System.Text.Encoding.UTF8.GetString(text.Written);
    }

    /// <summary>Dies, as a process does, when a file of some name is about to become visible: nothing happens any more.</summary>
    private sealed class CrashingDisk(string ending) : DiskCalls
    {
        public bool IsDead { get; private set; }

        public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => Dies(to) ? -NativeFile.EIO : base.Publish(from, to);

        public override int Replace(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) => Dies(to) ? -NativeFile.EIO : base.Replace(from, to);

        public override int Open(ReadOnlySpan<byte> path, int flags) => IsDead ? -NativeFile.EIO : base.Open(path, flags);

        public override int Remove(ReadOnlySpan<byte> path) => IsDead ? -NativeFile.EIO : base.Remove(path);

        private bool Dies(ReadOnlySpan<byte> to)
        {
            IsDead |= System.Text.Encoding.UTF8.GetString(to[..^1]).EndsWith(ending, StringComparison.Ordinal);
            return IsDead;
        }
    }

    private sealed class NoSealDisk : DiskCalls
    {
        public override int Publish(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
            to[..^1].EndsWith(".sig"u8) ? -NativeFile.EIO : base.Publish(from, to);
    }
}

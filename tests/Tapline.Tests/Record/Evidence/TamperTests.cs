// Everything that somebody may do to a recording is found and its place named; what retention and crashes do is not taken for it.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Tests.Support;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class TamperTests
{
    [Fact]
    public void AFlippedBitOfASegmentIsFoundInItsBlock()
    {
        using var recording = new SealedRecording();
        recording.Record(3);
        var random = new Random(11);
        foreach (var segment in recording.Segments)
        {
            var whole = File.ReadAllBytes(segment);
            for (var turn = 0; turn < 8; turn++)
            {
                var at = turn == 0 ? 0 : turn == 1 ? whole.Length - 1 : random.Next(whole.Length);
                Flip(segment, at, random);
                var finding = recording.AssertOne(FindingKind.Altered, segment);
                Assert.InRange(at, finding.OffsetFirst!.Value, finding.OffsetLast!.Value);
                Assert.True(finding.OffsetLast - finding.OffsetFirst < BlockHashes.BlockBytes);
                Assert.NotNull(finding.SinceNs);
                File.WriteAllBytes(segment, whole);
            }
        }

        recording.AssertIntact();
    }

    [Fact]
    public void AFlippedBitOfASealOrJournalIsFoundWhereverItIs()
    {
        using var recording = new SealedRecording();
        recording.Record(2, frames: 2);
        var random = new Random(12);
        foreach (var file in recording.Segments.Select(SealedRecording.SealOf).Append(recording.Journal))
        {
            var whole = File.ReadAllBytes(file);
            for (var turn = 0; turn < 25; turn++)
            {
                Flip(file, turn == 0 ? 0 : turn == 1 ? whole.Length - 1 : random.Next(whole.Length), random);
                var report = recording.Verify();
                Assert.Contains(report.Findings, f => f.File == Path.GetFileName(file)
                    && f.Kind is FindingKind.Seal or FindingKind.Journal);
                File.WriteAllBytes(file, whole);
            }
        }

        recording.AssertIntact();
    }

    [Fact]
    public void ASummaryThatSaysSomethingElseIsFoundUnlessNoQueryBelievesIt()
    {
        using var recording = new SealedRecording();
        recording.Record(3);
        var rows = Assert.Single(Directory.GetFiles(recording.Folder, "segments-*.tls"));
        var whole = File.ReadAllBytes(rows);
        var altered = whole.ToArray();
        altered[64 + 20] ^= 1; // of what the last blocks say
        File.WriteAllBytes(rows, altered);
        recording.AssertIntact();
        var length = BinaryPrimitives.ReadInt32LittleEndian(altered.AsSpan(8));
        BinaryPrimitives.WriteUInt32LittleEndian(altered.AsSpan(12), Crc32C.Compute(altered.AsSpan(16, length - 16)));
        File.WriteAllBytes(rows, altered);
        recording.AssertOne(FindingKind.Summary, recording.Segments[0]);
        File.Delete(rows);
        recording.AssertIntact();
    }

    [Fact]
    public void ACutAndAGrownSegmentAreNamedWithTheirEnds()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var segment = recording.Segments[1];
        var whole = File.ReadAllBytes(segment);
        foreach (var length in new[] { whole.Length - 1, whole.Length - 4096, BlockHashes.BlockBytes, 1, 0 })
        {
            File.WriteAllBytes(segment, whole[..length]);
            var cut = recording.AssertOne(FindingKind.Cut, segment);
            Assert.Equal((length, whole.Length - 1), (cut.OffsetFirst, cut.OffsetLast));
        }

        File.WriteAllBytes(segment, [.. whole, 1, 2, 3, 4]);
        Assert.Equal(whole.Length, recording.AssertOne(FindingKind.Grown, segment).OffsetFirst);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void ARemovedSegmentIsMissedWithItsTime(int which)
    {
        using var recording = new SealedRecording();
        recording.Record(5);
        var segment = recording.Segments[which];
        File.Move(segment, segment + ".away");
        var finding = recording.AssertOne(FindingKind.Missing, segment);
        Assert.Equal(which * 62, (finding.SinceNs - SealedRecording.Start) / SealedRecording.Second);
        Assert.True(SealText.TryRead(File.ReadAllBytes(SealedRecording.SealOf(segment)), out var seal));
        File.Delete(SealedRecording.SealOf(segment));
        finding = recording.AssertOne(FindingKind.Missing, null);
        Assert.Contains($"number {seal.Sequence} of worker 0", finding.Sentence);
        File.Delete(segment + ".away");
    }

    [Fact]
    public void ExchangedSegmentsAreBothNamed()
    {
        using var recording = new SealedRecording();
        recording.Record(4);
        var segments = recording.Segments;
        Swap(segments[1], segments[2]);
        var report = recording.Verify();
        var foreign = report.Findings.Where(f => f.Kind == FindingKind.Foreign).ToList();
        Assert.Equal([Path.GetFileName(segments[1]), Path.GetFileName(segments[2])], foreign.Select(f => f.File));
        Assert.Contains(Path.GetFileName(segments[2]), foreign[0].Sentence);

        // With their seals: each is named by its true name.
        Swap(SealedRecording.SealOf(segments[1]), SealedRecording.SealOf(segments[2]));
        report = recording.Verify();
        Assert.Equal(2, report.Findings.Count(f => f.Kind == FindingKind.Foreign && f.Sentence.Contains("under another name", default)));
        Swap(SealedRecording.SealOf(segments[1]), SealedRecording.SealOf(segments[2]));
        Swap(segments[1], segments[2]);
        recording.AssertIntact();
    }

    [Fact]
    public void AForeignSegmentIsFoundWithAndWithoutASeal()
    {
        using var recording = new SealedRecording();
        using var other = new SealedRecording();
        recording.Record(2);
        other.Record(4);
        var source = other.Segments[3];
        var inserted = Path.Combine(recording.Folder, Path.GetFileName(source));
        File.Copy(source, inserted);
        recording.AssertOne(FindingKind.Unsealed, inserted);
        File.Copy(SealedRecording.SealOf(source), SealedRecording.SealOf(inserted));
        Assert.Contains("not among those trusted", recording.AssertOne(FindingKind.Seal, SealedRecording.SealOf(inserted)).Sentence);
    }

    [Fact]
    public void ASegmentOfAnotherFolderOfTheSameNodeIsForeign()
    {
        using var recording = new SealedRecording();
        recording.Record(1);
        var beside = Path.Combine(recording.Data, "beside");
        using (var folder = SegmentFolder.TryOpen(
            beside, new RetentionRules { BudgetBytes = 1 << 30 }, out _, evidence: new EvidenceOptions(recording.Key))!)
        {
            recording.Record(folder, 1);
        }

        foreach (var file in Directory.GetFiles(beside, "2*"))
        {
            File.Copy(file, Path.Combine(recording.Folder, Path.GetFileName(file)));
        }

        recording.AssertOne(FindingKind.Foreign, recording.Segments[1]);
    }

    [Fact]
    public void AnOlderJournalAndAMissingOneAreFound()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var older = File.ReadAllBytes(recording.Journal);
        recording.Record(2);
        var newer = File.ReadAllBytes(recording.Journal);
        File.WriteAllBytes(recording.Journal, older);
        Assert.Contains("older journal", recording.AssertOne(FindingKind.Journal, recording.Journal).Sentence);
        File.Delete(recording.Journal);
        recording.AssertOne(FindingKind.Journal, recording.Journal);
        File.WriteAllBytes(recording.Journal, newer);
        recording.AssertIntact();
    }

    [Fact]
    public void WhoSetsEverythingBackIsFoundByAnAnchorOnly()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var older = File.ReadAllBytes(recording.Journal);
        recording.Record(2);
        var anchor = Path.Combine(recording.Data, "anchor.json");
        File.Copy(recording.Journal, anchor);
        using var keys = PublicKeys.TryRead(recording.PublicKey, out _)!;
        var options = new VerifyOptions { Folder = "", Keys = keys, Anchor = anchor };
        Assert.True(recording.Verify(options).IsIntact);
        File.WriteAllBytes(recording.Journal, older);
        foreach (var segment in recording.Segments[2..])
        {
            File.Delete(segment);
            File.Delete(SealedRecording.SealOf(segment));
        }

        recording.AssertIntact(); // the known impossible case: docs/limits.md
        var finding = Assert.Single(recording.Verify(options).Findings);
        Assert.Contains("had sealed 4 segments then, and has 2 now", finding.Sentence);
    }

    [Fact]
    public void AnotherKeyProvesNothing()
    {
        using var recording = new SealedRecording();
        recording.Record(1);
        var report = recording.Verify(isOtherKey: true);
        Assert.Equal([FindingKind.Journal, FindingKind.Seal], report.Findings.Select(f => f.Kind).Order().Reverse());
    }

    [Fact]
    public void WhatRetentionRemovesIsNoAlarm()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open(budgetBytes: 32 << 20))
        {
            for (var turn = 0; turn < 15; turn++)
            {
                recording.Record(folder, 1); // its end waits for the seal
            }

            Assert.True(folder.Removed > 0);
        }

        recording.AssertIntact();
        var report = recording.Verify();
        Assert.Equal(15 - recording.Segments.Length, report.Removed);

        // One of those that are left, removed by hand, is.
        var segment = recording.Segments[0];
        File.Delete(segment);
        File.Delete(SealedRecording.SealOf(segment));
        recording.AssertOne(FindingKind.Missing, null);
    }

    [Fact]
    public async Task RetentionWhileItIsVerifiedIsNoAlarm()
    {
        using var recording = new SealedRecording();
        using var folder = recording.Open(budgetBytes: 32 << 20);
        recording.Record(folder, 8);
        var writer = Task.Run(() => recording.Record(folder, 30, worker: 1), TestContext.Current.CancellationToken);
        var turns = 0;
        try
        {
            do
            {
                recording.AssertIntact();
                turns++;
            }
            while (!writer.IsCompleted);
        }
        finally
        {
            await writer;
        }

        Assert.True(folder.Removed > 20);
        Assert.True(turns > 1);
        recording.AssertIntact();
    }

    [Fact]
    public void RemovalsAreNotedWhileNothingIsSealed()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open(budgetBytes: 32 << 20))
        {
            recording.Record(folder, 4);
        }

        using (var folder = recording.Open(budgetBytes: 32 << 20, isSealing: false))
        {
            recording.Record(folder, 20, worker: 1);
            Assert.True(folder.Removed > 4);
        }

        var report = recording.Verify();
        Assert.Equal(4, report.Removed);
        Assert.True(report.Findings.All(f => f.Kind == FindingKind.Unsealed), SealedRecording.Sentences(report));
    }

    [Fact]
    public void SegmentsFromBeforeSealingAreToldFromInsertedOnes()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open(hasKey: false))
        {
            recording.Record(folder, 2);
        }

        var report = recording.Verify();
        Assert.Equal(FindingKind.Journal, Assert.Single(report.Findings, f => f.Kind == FindingKind.Journal).Kind);
        recording.Record(2);
        report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(2, report.Unsealed);
        Assert.Contains(report.Notes, n => n.Contains("nothing proves them", default));
        File.Copy(recording.Segments[0], Path.Combine(recording.Folder, "20240101T000000.000000000Z-0.pcapng"));
        recording.AssertOne(FindingKind.Unsealed, "20240101T000000.000000000Z-0.pcapng");
    }

    [Fact]
    public void ImportedSegmentsSaySo()
    {
        using var recording = new SealedRecording();
        using (var folder = recording.Open(isImport: true))
        {
            recording.Record(folder, 2);
        }

        var report = recording.Verify();
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(2, report.Imported);
    }

    [Fact]
    public void AnEncryptedIndexThatWasMadeAnewIsTheSameByWhatItSays()
    {
        using var keys = new Container.TestKeys();
        using var recording = new SealedRecording();
        using (var folder = recording.Open())
        {
            using var recorder = new SegmentRecorder(folder, new RecorderOptions
            {
                Worker = 0, Node = "n", BufferBytes = 2 << 20, BufferCount = 4, FlowSlots = 16, Key = keys.Known,
            });
            recording.RecordSegments(recorder, 1);
        }

        var segment = Assert.Single(Directory.GetFiles(recording.Folder, "*.tlz"));
        var index = Path.ChangeExtension(segment, ".tlx");
        var report = Verify(recording);
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(0, report.IndexesMade);
        var live = File.ReadAllBytes(index);
        File.Delete(index);
        Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        Assert.NotEqual(live, File.ReadAllBytes(index));
        report = Verify(recording);
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(1, report.IndexesMade);
        Assert.Contains(report.Notes, n => n.Contains("made later", default));

        Flip(index, new FileInfo(index).Length / 2, new Random(3));
        Assert.Equal(FindingKind.Index, Assert.Single(Verify(recording).Findings).Kind);

        static VerifyReport Verify(SealedRecording recording)
        {
            using var trusted = PublicKeys.TryRead(recording.PublicKey, out _)!;
            return recording.Verify(new VerifyOptions
            {
                Folder = "", Keys = trusted, MakeIndex = (segment, index) => SegmentIndexer.TryIndex(segment, out _, default, index),
            });
        }
    }

    [Fact]
    public void ALostJournalIsMadeAnewAndWhatIsNotKnownIsSaid()
    {
        using var recording = new SealedRecording();
        recording.Record(4);
        File.Delete(recording.Journal);
        recording.Record(1);
        recording.AssertIntact();
        File.Delete(recording.Journal);
        foreach (var file in new[] { recording.Segments[0], SealedRecording.SealOf(recording.Segments[0]) })
        {
            File.Delete(file);
        }

        recording.Record(1);
        Assert.Contains("journal was lost", recording.AssertOne(FindingKind.Missing, null).Sentence);
    }

    [Fact]
    public void AJournalThatWasAlteredIsPutAsideAndTold()
    {
        using var recording = new SealedRecording();
        recording.Record(2);
        var text = File.ReadAllText(recording.Journal);
        File.WriteAllText(recording.Journal, text.Replace("\"next\":3", "\"next\":2", StringComparison.Ordinal));
        using (var folder = recording.Open())
        {
            Assert.Contains("can't be believed", folder.Notice);
            recording.Record(folder, 1);
        }

        Assert.True(File.Exists(recording.Journal + ".bad"));
        recording.AssertIntact();
    }

    private static void Swap(string left, string right)
    {
        File.Move(left, left + ".swap");
        File.Move(right, left);
        File.Move(left + ".swap", right);
    }

    internal static void Flip(string path, long at, Random random)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ (1 << random.Next(8))));
    }
}

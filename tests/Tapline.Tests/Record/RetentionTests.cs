// What retention removes, in which order, and what it never touches: age, free disk, companions, holds, jumping clocks.
using System.Globalization;
using CsCheck;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Holds;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public class RetentionTests
{
    private const long Hour = 3600L * 1_000_000_000;
    private const long Start = RecorderFixture.Start;

    [Fact]
    public void AgeRemovesWhatIsOlderAndNothingElse()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = 10 * Hour });
        recording.Write(0, 5, 9, 20);
        using var folder = recording.Open();
        folder.Keep(recording.Disk, Start + (20 * Hour));
        Assert.Equal([Recording.NameOf(20)], recording.Segments);
        Assert.Equal(3, folder.RemovedBy(RemovalReason.Age));
        folder.Keep(recording.Disk, Start + (30 * Hour) + Limits.SegmentSpanNs);
        Assert.Single(recording.Segments);
    }

    [Fact]
    public void AClockThatJumpsAheadRemovesNothingForTenMinutes()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = 10 * Hour });
        recording.Write(0, 1);
        using var folder = recording.Open();
        folder.Keep(recording.Disk, Start + (2 * Hour));
        var now = Start + (50 * Hour);
        folder.Keep(recording.Disk, now);
        Assert.Equal(2, recording.Segments.Length);
        Assert.Contains("clock has jumped", folder.Notice);
        folder.Keep(recording.Disk, Start + (2 * Hour)); // set right again
        Assert.Equal(2, recording.Segments.Length);
        for (var second = 0; second < 600; second++)
        {
            folder.Keep(recording.Disk, now += Clock.SecondNs);
        }

        Assert.Equal(2, recording.Segments.Length); // the way back up was a jump again
        folder.Keep(recording.Disk, now + Clock.SecondNs);
        Assert.Empty(recording.Segments);
        Assert.Null(folder.Notice);
    }

    [Fact]
    public void ARecordingThatIsOldAsAWholeWaitsTenMinutes()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = Hour });
        recording.Write(0, 1);
        using var folder = recording.Open();
        var now = Start + (1000 * Hour);
        folder.Keep(recording.Disk, now);
        Assert.Equal(2, recording.Segments.Length);
        for (var second = 0; second < 600; second++)
        {
            folder.Keep(recording.Disk, now += Clock.SecondNs);
        }

        Assert.Empty(recording.Segments);
    }

    [Fact]
    public void FreeRoomIsMadeOldestFirstAndNoMoreThanNeeded()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, MinFree = new FreeDisk(0, 10) });
        recording.Write(0, 1, 2, 3);
        using var folder = recording.Open();
        recording.Disk.TotalBytes = 1000 * Recording.SegmentBytes;
        recording.Disk.AvailableBytes = (100 * Recording.SegmentBytes) - Recording.SegmentBytes - 1;
        folder.Keep(recording.Disk, Start);
        Assert.Equal([Recording.NameOf(2), Recording.NameOf(3)], recording.Segments);
        Assert.Equal(2, folder.RemovedBy(RemovalReason.FreeDisk));
        folder.Keep(recording.Disk, Start); // a reader may have the removed file open: not looked at again at once
        Assert.Equal(2, recording.Segments.Length);
    }

    [Fact]
    public void OfAllFoldersOnADiskTheFullestByItsBudgetGivesFirst()
    {
        var small = new RetentionRules { BudgetBytes = 1 << 30, MinFree = new FreeDisk(1 << 20, 0) };
        using var first = new Recording(small);
        using var second = new Recording(small with { BudgetBytes = 2L << 30 });
        first.Write(10, 11, 12, 13);
        second.Write(0, 1, 2, 3, 4); // older, but a smaller part of its budget
        var shared = new RecordingDisk(small.MinFree);
        using var one = first.Open(shared);
        using var two = second.Open(shared);
        first.Disk.TotalBytes = 1L << 40;
        first.Disk.AvailableBytes = (1 << 20) - (3 * Recording.SegmentBytes);
        two.Keep(first.Disk, Start);
        Assert.Equal([Recording.NameOf(12), Recording.NameOf(13)], first.Segments);
        Assert.Equal([.. Enumerable.Range(1, 4).Select(Recording.NameOf)], second.Segments);
        Assert.Equal((2, 1), (one.RemovedBy(RemovalReason.FreeDisk), two.RemovedBy(RemovalReason.FreeDisk)));

        // On a full disk the same; what is held is nobody's to give.
        second.Hold(0, 9);
        two.Keep(first.Disk, Start);
        Assert.True(two.MakeRoom(first.Disk) && two.MakeRoom(first.Disk));
        Assert.False(two.MakeRoom(first.Disk));
        Assert.Empty(first.Segments);
        Assert.Equal(4, second.Segments.Length);
    }

    [Fact]
    public void BudgetsThatNoDiskCanGiveAreRefusedAndOthersShrinkTogether()
    {
        using var temporary = new TemporaryFolder();
        var total = new DriveInfo(temporary.Path).TotalSize;
        var rules = new RetentionRules { BudgetBytes = total / 2 };
        var folders = new[] { (temporary["a"], rules), (temporary["a/db"], rules), (temporary["a/web"], rules) };
        RecordingDisks.Fit(folders, [], default, out var error);
        Assert.Contains("lower budgets", error);
        RecordingDisks.Fit(folders[..2], [], new FreeDisk(0, 50), out error);
        Assert.Contains("without what must stay free", error);

        // Half of the disk each is never free here; a third of it may be.
        var fitting = RecordingDisks.Fit(
            [(temporary["a"], rules with { BudgetBytes = total / 3 }), (temporary["a/db"], rules with { BudgetBytes = total / 6 })],
            [], default, out error);
        Assert.Null(error);
        Assert.Same(fitting[0].Disk, fitting[1].Disk);
        Assert.InRange(fitting[0].Rules.BudgetBytes, (2 * fitting[1].Rules.BudgetBytes) - 10, (2 * fitting[1].Rules.BudgetBytes) + 10);
        var room = DiskBudget.Now([temporary["a"], temporary["a/db"]], default);
        Assert.InRange(fitting.Sum(f => f.Rules.BudgetBytes), 1, Math.Max(room + (1 << 30), Limits.RecordBudgetBytesMin * 2));
    }

    [Fact]
    public void WhereNothingMayGoNothingIsReservedAndASentenceSaysSo()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, MinFree = new FreeDisk(1 << 20, 0) });
        recording.Write(0);
        recording.Hold(0, 1);
        using var folder = recording.Open();
        recording.Disk.TotalBytes = 1 << 30;
        recording.Disk.AvailableBytes = 1 << 20;
        Assert.False(folder.TryReserve(recording.Disk, 1));
        Assert.Contains("frames are dropped", folder.Notice);
        Assert.Single(recording.Segments);
    }

    [Fact]
    public void CompanionsAreCountedAndGoWithTheirSegment()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = Hour });
        recording.Write(0, 50);
        var stem = Recording.NameOf(0)[..^".pcapng".Length];
        File.WriteAllBytes(recording.Folder[stem + ".tlx"], new byte[1000]);
        File.WriteAllBytes(recording.Folder[stem + ".sig"], new byte[10]);
        File.WriteAllBytes(recording.Folder[stem + ".txt"], new byte[10]);
        using var folder = recording.Open();
        Assert.Equal((2 * Recording.SegmentBytes) + 1010, folder.UsedBytes);
        folder.Keep(recording.Disk, Start + (50 * Hour));
        Assert.Equal(Recording.SegmentBytes, folder.UsedBytes);
        Assert.Equal([".lock", stem + ".txt", Recording.NameOf(50)], recording.Folder.Names);
    }

    [Fact]
    public void AHoldKeepsItsWindowFromEveryRuleUntilItIsRemoved()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = Hour });
        recording.Write(0, 5, 9, 50);
        var hold = recording.Hold(5, 8);
        using var folder = recording.Open();
        Assert.Equal((1, 1, Recording.SegmentBytes), (folder.Holds, folder.HeldSegments, folder.HeldBytes));
        folder.Keep(recording.Disk, Start + (50 * Hour));
        Assert.Equal([Recording.NameOf(5), Recording.NameOf(50)], recording.Segments);
        Assert.Equal(Start + (5 * Hour), folder.OldestNs);
        while (folder.MakeRoom(recording.Disk))
        {
        }

        Assert.Equal([Recording.NameOf(5)], recording.Segments);
        Assert.Null(HoldFile.TryRemove(recording.Folder.Path, hold.Id));
        folder.Keep(recording.Disk, Start + (50 * Hour));
        Assert.Empty(recording.Segments);
        Assert.Equal((0L, 0L, 0), (folder.UsedBytes, folder.HeldBytes, folder.Segments));
    }

    [Fact]
    public void AHoldThatIsAddedWhileRunningAlsoKeepsWhatBeganJustBefore()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = Hour });
        recording.Write(0, 9);
        using var folder = recording.Open();
        recording.HoldNs(Start + Limits.SegmentSpanNs, Start + (2 * Hour));
        folder.Keep(recording.Disk, Start + (10 * Hour));
        Assert.Equal([Recording.NameOf(0), Recording.NameOf(9)], recording.Segments);
    }

    [Fact]
    public void TheKeeperFollowsHoldsAndTellsEachNoticeOnce()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30 });
        recording.Write(0);
        using var folder = recording.Open();
        var told = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var keeper = new RetentionKeeper([folder], told.Enqueue, recording.Disk);
        recording.Hold(0, 1);
        Assert.True(Await.Until(() => folder.HeldSegments == 1));
        File.WriteAllText(recording.Folder[HoldFile.Name], "{");
        Assert.True(Await.Until(() => told.Any(t => t.Contains("stays held"))));
        File.Delete(recording.Folder[HoldFile.Name]);
        Assert.True(Await.Until(() => folder.HeldSegments == 0 && told.Count == 2));
        Assert.Contains("kept again", told.Last());
    }

    [Fact]
    public void AFolderWithEachRuleAndHoldsForgetsNothing() =>
        Check.Sample(
            Gen.Select(Gen.Int[0, 60].Array[1, 30], Gen.Int[0, 60].Array[0, 4], Gen.Int[1, 60]),
            random =>
            {
                var (hours, held, keep) = random;
                using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = keep * Hour });
                hours = [.. hours.Distinct()];
                recording.Write(hours);
                using var folder = recording.Open();
                folder.Keep(recording.Disk, Start);
                foreach (var hour in held)
                {
                    recording.Hold(hour, hour + 3);
                }

                // Hour by hour, so that the clock does not jump.
                for (var hour = 0; hour <= 61; hour++)
                {
                    folder.Keep(recording.Disk, Start + (hour * Hour));
                }

                var expected = hours
                    .Where(h => 61 - h <= keep || held.Any(w => h >= w && h <= w + 3))
                    .Order().Select(Recording.NameOf);
                Assert.Equal(expected, recording.Segments);
                Assert.Equal(recording.Segments.Length, folder.Segments);
                Assert.Equal(recording.Segments.Length * Recording.SegmentBytes, folder.UsedBytes);
                Assert.Equal(folder.HeldSegments * Recording.SegmentBytes, folder.HeldBytes);
            },
            iter: 100,
            threads: 1);

    [Fact]
    public void HoldsThatFillTheBudgetLeaveAnEighthForTheRestAndAreTold()
    {
        const long Budget = Limits.RecordBudgetBytesMin;
        using var fixture = new RecorderFixture(Budget);
        HoldFile.TryAdd(fixture.Folder.Path, Recording.Wanted(Start - Hour, Start + Hour), out _);
        fixture.Recordings.Keep(new(), Start);
        Fill(2 * Budget, Start);
        Assert.Equal(0, fixture.Recordings.Removed);
        Assert.InRange(fixture.Recordings.HeldBytes, Budget * 3 / 2, long.MaxValue);
        Assert.Contains("beyond its budget", fixture.Recordings.Notice);
        Fill(2 * Budget, Start + (3 * Hour));
        Assert.InRange(
            fixture.Recordings.UsedBytes - fixture.Recordings.HeldBytes, 1, (Budget / Limits.UnheldPartOfBudget) + (8 << 20));
        Assert.True(fixture.Recordings.RemovedBy(RemovalReason.Budget) > 0);

        void Fill(long bytes, long fromNs)
        {
            for (long written = 0; written < bytes; written += 50_000)
            {
                while (fixture.Append(50_000, timestampNs: fromNs + (written / 50_000)) != AppendResult.Recorded)
                {
                    Thread.Yield();
                }
            }
        }
    }

    [Fact]
    public void LookingAfterAFolderAllocatesNothing()
    {
        using var recording = new Recording(new RetentionRules { BudgetBytes = 1 << 30, KeepNs = Hour, MinFree = new FreeDisk(1, 0) });
        recording.Write([.. Enumerable.Range(0, 100)]);
        recording.Hold(3, 5);
        using var folder = recording.Open();
        var now = Start;
        folder.Keep(recording.Disk, now);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var second = 0; second < 6000; second++)
            {
                folder.Keep(recording.Disk, now += Clock.SecondNs);
            }
        }));
        Assert.True(folder.Removed > 0);
    }

    /// <summary>A folder with segments of invented times and of one size.</summary>
    private sealed class Recording(RetentionRules rules) : IDisposable
    {
        public const long SegmentBytes = 5000;

        public TemporaryFolder Folder { get; } = new();

        public FaultyDisk Disk { get; } = new();

        public string[] Segments => [.. Folder.Names.Where(n => n.EndsWith(".pcapng", StringComparison.Ordinal))];

        public static string NameOf(int hour) => DateTimeOffset.FromUnixTimeMilliseconds(Start / 1_000_000).AddHours(hour)
            .ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture) + ".123456789Z-0.pcapng";

        public static Hold Wanted(long sinceNs, long untilNs) =>
            new() { Id = 0, SinceNs = sinceNs, UntilNs = untilNs, By = "me", Why = "a test", AddedNs = Start };

        public void Write(params int[] hours) =>
            Array.ForEach(hours, hour => File.WriteAllBytes(Folder[NameOf(hour)], new byte[SegmentBytes]));

        public Hold Hold(int sinceHour, int untilHour) => HoldNs(Start + (sinceHour * Hour), Start + (untilHour * Hour));

        public Hold HoldNs(long sinceNs, long untilNs)
        {
            var hold = HoldFile.TryAdd(Folder.Path, Wanted(sinceNs, untilNs), out var error);
            Assert.Null(error);
            return hold!;
        }

        public SegmentFolder Open(RecordingDisk? shared = null)
        {
            var folder = SegmentFolder.TryOpen(Folder.Path, rules, out var error, Folder.Path, shared);
            Assert.Null(error);
            return folder!;
        }

        public void Dispose() => Folder.Dispose();
    }
}

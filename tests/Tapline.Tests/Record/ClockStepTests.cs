// The clock that stamps frames is set, back and ahead: segments keep to one side of it, queries find both, windows of ledgers follow, and
// retention removes what was recorded first, whatever time it thought it was.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public class ClockStepTests
{
    private const long Hour = 3600 * Clock.SecondNs;
    private const long Start = RecorderFixture.Start;

    [Theory]
    [InlineData(-Hour)]
    [InlineData(-5 * Clock.SecondNs)]
    [InlineData(Hour)]
    [InlineData(300 * 24 * Hour)]
    public void FramesOfBeforeAndAfterAStepShareNoSegmentAndBothAreFound(long step)
    {
        using var fixture = new RecorderFixture();
        for (var i = 0; i < 10; i++)
        {
            fixture.Append(100, timestampNs: Start + i);
        }

        fixture.Recorder.EndBatch(Start);
        for (var i = 0; i < 10; i++)
        {
            fixture.Append(100, timestampNs: Start + step + i);
        }

        fixture.Recorder.EndBatch(Start + step);
        fixture.Recorder.Close(Start + step + Clock.SecondNs);
        Assert.Equal(2, fixture.Segments.Length);
        Assert.All(fixture.Segments, s => Assert.Equal(10, SegmentFile.Frames(s).Count));
        Assert.Equal(10, CountIn(fixture, Start, Start + 10));
        Assert.Equal(10, CountIn(fixture, Start + step, Start + step + 10));
        foreach (var segment in fixture.Segments)
        {
            var end = SegmentEnd.TryRead(segment)!;
            var times = SegmentFile.Frames(segment).ConvertAll(f => f.TimestampNs);
            Assert.InRange(times.Min(), Math.Min(Start, end.StartNs), long.MaxValue);
            Assert.InRange(end.EndNs, times.Max(), Math.Max(times.Max(), end.StartNs) + Clock.SecondNs + Math.Abs(step));
        }

        var last = SegmentEnd.TryRead(fixture.Segments[step < 0 ? 0 : 1])!;
        Assert.Equal(Start + step + Clock.SecondNs, last.EndNs);
    }

    [Fact]
    public void TwoClocksThatDifferForGoodShareASegment()
    {
        using var fixture = new RecorderFixture();
        for (var i = 0; i < 2000; i++)
        {
            fixture.Append(100, timestampNs: Start + i + (i % 2 * Hour));
        }

        fixture.Recorder.Close(Start + Hour);
        Assert.Equal(2, fixture.Segments.Length);
        Assert.Equal(2000, fixture.Segments.Sum(s => SegmentFile.Frames(s).Count));
        Assert.Equal(2000, fixture.Recorder.Recorded);
    }

    [Fact]
    public void WhatWasRecordedByAClockThatWasAheadGoesBeforeWhatIsRecordedNow()
    {
        const long Budget = Limits.RecordBudgetBytesMin;
        using var fixture = new RecorderFixture(Budget);
        var now = Clock.NowNs();
        Fill(aheadNs: 8000 * Hour);
        Assert.True(fixture.Recordings.Removed > 0);
        var ahead = fixture.Segments;
        Fill(aheadNs: 0);
        fixture.Recorder.Close(0);
        Assert.Empty(ahead.Intersect(fixture.Segments));
        Assert.True(fixture.Segments.Length > 2);
        Assert.InRange(fixture.Recordings.OldestNs, now, Clock.NowNs());

        // Twice the budget, by a clock that is so far ahead.
        void Fill(long aheadNs)
        {
            for (var i = 0; i < 2 * Budget / 50_000; i++)
            {
                while (fixture.Append(50_000, timestampNs: Clock.NowNs() + aheadNs) != AppendResult.Recorded)
                {
                    Thread.Yield();
                }
            }
        }
    }

    [Fact]
    public void AStepBackUnderARunningFolderMakesNothingYounger()
    {
        using var fixture = new RecorderFixture();
        var disk = new FaultyDisk();
        var now = Clock.NowNs();
        foreach (var hour in new[] { -3, -1, -2 })
        {
            fixture.Append(100, timestampNs: now + (hour * Hour));
            fixture.Recorder.EndBatch(now);
            var segments = fixture.Recordings.Segments;
            fixture.Recorder.EndBatch(now + (61 * Clock.SecondNs));
            Assert.True(Await.Until(() => fixture.Recordings.Segments == segments + 1));
        }

        // The clock says now that it is four hours earlier: a frame of then is the newest.
        fixture.Recordings.Keep(disk, now);
        fixture.Recordings.Keep(disk, now - (4 * Hour));
        fixture.Append(100, timestampNs: now - (4 * Hour) + 1);
        fixture.Recorder.Close(0);
        var expected = fixture.Segments; // by name: -4, -3, -2, -1
        Assert.Equal(4, expected.Length);
        foreach (var next in new[] { 1, 2, 3, 0 })
        {
            Assert.True(fixture.Recordings.MakeRoom(disk));
            Assert.DoesNotContain(expected[next], fixture.Segments);
        }
    }

    private static int CountIn(RecorderFixture fixture, long sinceNs, long untilNs)
    {
        var sink = new CountSink();
        var options = new ExtractOptions
        {
            Folder = fixture.Folder.Path, Filter = ExtractFilter.Compile("", out _)!, SinceNs = sinceNs, UntilNs = untilNs,
        };
        var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, sink, null, CancellationToken.None);
        Assert.Empty(report.Faults);
        return sink.Count;
    }

    private sealed class CountSink : IExtractSink
    {
        public int Count { get; private set; }

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) => Count++;

        public void Rest()
        {
        }
    }
}

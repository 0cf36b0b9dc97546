// What a failing disk does to a recording: nothing silently, nothing to the worker, and it recovers by itself.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public class RecorderFaultTests
{
    [Fact]
    public void AFullDiskStallsVisiblyAndLosesOnlyWhatNoBufferTook()
    {
        var disk = new FaultyDisk { WriteError = NativeFile.ENOSPC };
        using var fixture = new RecorderFixture(disk: disk);
        var dropped = 0;
        while (dropped < 10)
        {
            var result = fixture.Append(50_000);
            dropped += result == AppendResult.Recorded ? 0 : 1;
            Assert.True(result is AppendResult.Recorded or AppendResult.DroppedBusy or AppendResult.DroppedStalled);
        }

        Assert.True(Await.Until(() => fixture.Recorder.State == RecorderState.Stalled));
        Assert.Contains("no space left", fixture.Recorder.StallReason);
        Assert.Equal(AppendResult.DroppedStalled, fixture.Append(50_000));
        disk.WriteError = 0;
        Assert.True(Await.Until(() => fixture.Recorder.State == RecorderState.Recording));
        Assert.True(Await.Until(() => fixture.Append(50_000) == AppendResult.Recorded));
        fixture.Recorder.Close(0);
        Assert.Equal(RecorderState.Closed, fixture.Recorder.State);
        fixture.AssertAllTakenAreThere();
        Assert.Equal(fixture.Taken.Count, fixture.Recorder.Recorded);
        var rows = fixture.Segments.SelectMany(s => SegmentFile.Ledger(s, out _)).ToList();
        Assert.Equal(fixture.Recorder.Dropped, rows.Sum(r => r.DroppedRecorder));
        Assert.Equal(fixture.Recorder.Recorded, rows.Sum(r => r.Recorded));
    }

    [Fact]
    public void AFullDiskIsRelievedByRemovingTheOldest()
    {
        var disk = new OneFullDisk();
        using var fixture = new RecorderFixture(disk: disk);
        for (var segment = 0; segment < 3; segment++)
        {
            Assert.Equal(AppendResult.Recorded, fixture.Append(1000));
            fixture.Recorder.EndBatch(RecorderFixture.Start);
            fixture.Recorder.EndBatch(RecorderFixture.Start + (61 * RecorderFixture.Second));
            Assert.True(Await.Until(() => fixture.Recordings.Segments == segment + 1));
        }

        disk.FailsOnce = true;
        Assert.Equal(AppendResult.Recorded, fixture.Append(1000));
        fixture.Recorder.Close(0);
        Assert.Equal(3, fixture.Segments.Length);
        Assert.Equal(1, fixture.Recordings.Removed);
        Assert.Equal(4, fixture.Recorder.Recorded);
        fixture.Taken.RemoveAt(0);
        fixture.AssertAllTakenAreThere();
    }

    [Fact]
    public void ADeviceErrorEndsTheSegmentAtItsLastWholeBlockAndTheNextGoesOn()
    {
        var disk = new FaultyDisk();
        using var fixture = new RecorderFixture(disk: disk);
        fixture.Append(1000);
        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + RecorderFixture.Second);
        Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > 0));
        disk.WriteError = NativeFile.EIO;
        Assert.Equal(AppendResult.Recorded, fixture.Append(1001));
        fixture.Recorder.EndBatch(RecorderFixture.Start + (2 * RecorderFixture.Second));
        Assert.True(Await.Until(() => fixture.Recorder.State == RecorderState.Stalled));
        Assert.True(Await.Until(() => fixture.Recorder.Dropped == 1));
        Assert.Equal(1, fixture.Recorder.LostByWriter(1));
        disk.WriteError = 0;
        fixture.Append(1002);
        fixture.Recorder.Close(RecorderFixture.Start + (3 * RecorderFixture.Second));
        Assert.Equal((2, 1), (fixture.Recorder.Recorded, fixture.Recorder.Dropped));
        fixture.Taken.RemoveAt(1);
        fixture.AssertAllTakenAreThere();
        Assert.Contains(".recovered.", fixture.Segments[0]);
        var row = Assert.Single(SegmentFile.Ledger(fixture.Segments[1], out _));
        Assert.Equal((1, 1, 2), (row.Recorded, row.DroppedRecorder, row.Arrived));
    }

    [Fact]
    public void ADeviceThatNeverAnswersNeverHoldsTheWorker()
    {
        var disk = new FaultyDisk();
        disk.Gate.Reset();
        using var fixture = new RecorderFixture(disk: disk);
        while (fixture.Append(60_000) == AppendResult.Recorded)
        {
        }

        Assert.Equal(AppendResult.DroppedBusy, fixture.Append(60_000));
        disk.Gate.Set();
        Assert.True(Await.Until(() => fixture.Append(60_000) == AppendResult.Recorded));
        fixture.Recorder.Close(0);
        fixture.AssertAllTakenAreThere();
    }

    [Theory]
    [InlineData(NativeFile.EIO)]
    [InlineData(NativeFile.EROFS)]
    [InlineData(NativeFile.ENOSPC)]
    public void ClosingOnADeadDiskEndsAndCountsEveryFrame(int errno)
    {
        var disk = new FaultyDisk { OpenError = errno };
        using var fixture = new RecorderFixture(disk: disk);
        for (var index = 0; index < 200; index++)
        {
            fixture.Append(60_000);
        }

        fixture.Recorder.Close(0);
        Assert.Equal((0, 200), (fixture.Recorder.Recorded, fixture.Recorder.Dropped));
        Assert.Empty(fixture.Segments);
        Assert.Equal(0, fixture.Recordings.UsedBytes);
    }

    [Fact]
    public void ShortWritesAreContinued()
    {
        using var fixture = new RecorderFixture(disk: new FaultyDisk { ShortWriteBytes = 4000 });
        for (var index = 0; index < 30; index++)
        {
            fixture.Append(1000);
        }

        fixture.Recorder.Close(0);
        fixture.AssertAllTakenAreThere();
        Assert.False(fixture.Recorder.IsDirect);
    }

    [Fact]
    public void ARenameThatFailsLeavesTheSegmentForTheNextStart()
    {
        var disk = new FaultyDisk { PublishError = NativeFile.EIO };
        using var fixture = new RecorderFixture(disk: disk);
        fixture.Append(1000);
        fixture.Recorder.Close(0);
        Assert.Empty(fixture.Segments);
        Assert.NotNull(fixture.Recorder.StallReason);
        fixture.Recordings.Dispose();
        using var again = SegmentFolder.TryOpen(fixture.Folder.Path, 1 << 30, out _);
        Assert.Equal(1, again!.Recovered);
        fixture.AssertAllTakenAreThere();
    }

    private sealed class OneFullDisk : DiskCalls
    {
        public bool FailsOnce { get; set; }

        public override long Write(int fd, ReadOnlySpan<byte> bytes, long offset)
        {
            if (!FailsOnce)
            {
                return base.Write(fd, bytes, offset);
            }

            FailsOnce = false;
            return -NativeFile.ENOSPC;
        }
    }
}

// What is done to a recording's folder behind the recorder's back: removed, moved, put back, files taken out of it, files that can't be
// removed, leftovers that can't be repaired. Recording goes on where it can, and each frame that is not there is counted.
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public class FolderFaultTests
{
    private const long Start = RecorderFixture.Start;
    private const long Second = RecorderFixture.Second;

    [Fact]
    public void AFolderThatIsRemovedIsMadeAnewAndWhatWasInItIsCounted()
    {
        using var fixture = new RecorderFixture();
        Flush(fixture, 0, frames: 3);
        Directory.Delete(fixture.Folder.Path, recursive: true);
        Flush(fixture, 2, frames: 1);
        Assert.True(Await.Until(() => fixture.Recorder.Dropped == 4));
        Assert.Equal(4, fixture.Recorder.LostByWriter(1));
        Flush(fixture, 4, frames: 1);
        using (var second = SegmentFolder.TryOpen(fixture.Folder.Path, 1 << 30, out var error))
        {
            Assert.Null(second);
            Assert.Contains("Another Tapline process", error);
        }

        fixture.Recorder.Close(Start + (5 * Second));
        Assert.Contains("removed or replaced", fixture.Recordings.Notice);
        Assert.Equal((1, 4), (fixture.Recorder.Recorded, fixture.Recorder.Dropped));
        fixture.Taken.RemoveRange(0, 4);
        fixture.AssertAllTakenAreThere();
        var row = Assert.Single(SegmentFile.Ledger(Assert.Single(fixture.Segments), out _));
        Assert.Equal((1, 4, 5), (row.Recorded, row.DroppedRecorder, row.Arrived));
    }

    [Fact]
    public void AFolderThatIsMovedAwayAndPutBackHasWhatItHad()
    {
        using var fixture = new RecorderFixture();
        EndSegment(fixture, 0);
        var away = fixture.Folder.Path + ".away";
        Directory.Move(fixture.Folder.Path, away);
        EndSegment(fixture, 100);
        Assert.True(Await.Until(() => Directory.Exists(fixture.Folder.Path) && fixture.Segments.Length == 1));
        var between = File.ReadAllBytes(fixture.Segments[0]);
        File.Copy(fixture.Segments[0], Path.Combine(away, Path.GetFileName(fixture.Segments[0])));
        Directory.Delete(fixture.Folder.Path, recursive: true);
        Directory.Move(away, fixture.Folder.Path);
        EndSegment(fixture, 200, segments: 3);
        fixture.Recorder.Close(0);
        fixture.AssertAllTakenAreThere();
        Assert.Equal(between, File.ReadAllBytes(fixture.Segments[1]));
        Assert.Equal(fixture.KeptBytes, fixture.Recordings.UsedBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ASegmentUnderWayThatSomebodyTakesAwayIsLostAloneAndCounted(bool isReplaced)
    {
        using var fixture = new RecorderFixture();
        EndSegment(fixture, 0);
        Flush(fixture, 70, frames: 2);
        var hidden = Assert.Single(Directory.GetFiles(fixture.Folder.Path, ".*.pcapng"));
        var copy = File.ReadAllBytes(hidden);
        File.Delete(hidden);
        if (isReplaced)
        {
            File.WriteAllBytes(hidden, copy);
        }

        fixture.Append(1000);
        fixture.Recorder.EndBatch(Start + (140 * Second)); // its end
        Assert.True(Await.Until(() => fixture.Recorder.Dropped == 3));
        fixture.Append(1000);
        fixture.Recorder.Close(Start + (150 * Second));
        Assert.Equal((2, 3), (fixture.Recorder.Recorded, fixture.Recorder.Dropped));
        fixture.Taken.RemoveRange(1, 3);
        fixture.AssertAllTakenAreThere();
    }

    [Fact]
    public void ASegmentThatCouldNotBeRenamedAppearsWhenItCan()
    {
        var disk = new FaultyDisk { PublishError = NativeFile.EIO };
        using var fixture = new RecorderFixture(disk: disk);
        fixture.Append(1000);
        fixture.Recorder.EndBatch(Start);
        fixture.Recorder.EndBatch(Start + (61 * Second));
        Assert.True(Await.Until(() => fixture.Recorder.State == RecorderState.Stalled));
        Assert.Empty(fixture.Segments);
        disk.PublishError = 0;
        EndSegment(fixture, 100, segments: 2);
        fixture.Recorder.Close(0);
        fixture.AssertAllTakenAreThere();
        Assert.Equal(fixture.KeptBytes, fixture.Recordings.UsedBytes);
    }

    [Fact]
    public void ASegmentThatCanNotBeRemovedLetsOthersGo()
    {
        var disk = new FaultyDisk();
        using var fixture = new RecorderFixture(disk: disk);
        EndSegment(fixture, 0);
        EndSegment(fixture, 100, segments: 2);
        (disk.RemoveErrorOf, disk.RemoveError) = (Path.GetFileName(fixture.Segments[0]), NativeFile.EPERM);
        Assert.True(fixture.Recordings.MakeRoom(disk));
        Assert.False(fixture.Recordings.MakeRoom(disk));
        Assert.Contains("can't be removed", fixture.Recordings.Notice);
        Assert.Contains(Path.GetFileName(fixture.Segments[0]), fixture.Recordings.Notice);
        fixture.Taken.RemoveAt(1);
        fixture.AssertAllTakenAreThere();
        Assert.Equal(fixture.KeptBytes, fixture.Recordings.UsedBytes);
    }

    [Fact]
    public void ARepairThatWasCutShortIsNoTrueEnd()
    {
        using var fixture = new RecorderFixture();
        Flush(fixture, 0, frames: 2);
        var hidden = Assert.Single(Directory.GetFiles(fixture.Folder.Path, ".*.pcapng"));
        using var after = new TemporaryFolder();
        var leftover = after[Path.GetFileName(hidden)];
        File.Copy(hidden, leftover);
        SegmentFolder.TryOpen(after.Path, 1 << 30, out _)!.Dispose();
        File.Move(Assert.Single(Directory.GetFiles(after.Path, "*.recovered.pcapng")), leftover); // the crash came before the rename
        using var again = SegmentFolder.TryOpen(after.Path, 1 << 30, out _);
        Assert.Equal(1, again!.Recovered);
        Assert.Contains("1 published, 1 of them without their true end; 0 without a frame", again.Repairs);
        var repaired = Assert.Single(Directory.GetFiles(after.Path, "*.recovered.pcapng"));
        Assert.Equal(2, SegmentFile.Frames(repaired).Count);
    }

    [Fact]
    public void ALeftoverThatCanNotBeReadKeepsNobodyFromRecording()
    {
        using var fixture = new RecorderFixture();
        EndSegment(fixture, 0);
        fixture.Recorder.Close(0);
        fixture.Recordings.Dispose();
        File.CreateSymbolicLink(fixture.Folder[".20260101T000000.000000000Z-0.pcapng"], fixture.Folder["nowhere"]);
        using var again = SegmentFolder.TryOpen(fixture.Folder.Path, 1 << 30, out var error);
        Assert.Null(error);
        Assert.Equal((1, 0), (again!.Segments, again.Recovered));
        Assert.Contains("can't be repaired", again.Notice);
        Assert.False(File.Exists(fixture.Folder["nowhere"]));
    }

    // So many frames, on disk.
    private static void Flush(RecorderFixture fixture, long second, int frames)
    {
        var before = fixture.Recorder.BytesWritten;
        var lost = fixture.Recorder.Dropped;
        for (var i = 0; i < frames; i++)
        {
            Assert.Equal(AppendResult.Recorded, fixture.Append(1000));
        }

        fixture.Recorder.EndBatch(Start + (second * Second));
        fixture.Recorder.EndBatch(Start + ((second + 1) * Second));
        Assert.True(Await.Until(() => fixture.Recorder.BytesWritten > before || fixture.Recorder.Dropped > lost));
    }

    // A segment of one frame, published.
    private static void EndSegment(RecorderFixture fixture, long second, int segments = 1)
    {
        Assert.Equal(AppendResult.Recorded, fixture.Append(1000));
        fixture.Recorder.EndBatch(Start + (second * Second));
        fixture.Recorder.EndBatch(Start + ((second + 61) * Second));
        Assert.True(Await.Until(() => fixture.Recordings.Segments == segments));
    }
}

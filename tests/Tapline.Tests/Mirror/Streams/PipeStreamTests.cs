// A session into a named pipe, as Wireshark's extcap reads it: the reader's pace is the stream's, and his end its end.
using System.Diagnostics;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Streams;

public class PipeStreamTests
{
    [Fact]
    public void TheReaderGetsAWholeStream()
    {
        using var folder = new TemporaryFolder();
        using var reader = Read(folder, folder["copy"]);
        using var stream = new StreamFixture($"file:{folder["pipe"]}");
        for (var i = 0; i < 3000; i++)
        {
            stream.Offer(bytes: 600, worker: i % 2);
        }

        stream.Drain();
        Assert.True(Await.Until(() => new FileInfo(folder["copy"]).Length > 3000 * 600), "it leaves without more coming");
        stream.Finish();
        reader.WaitForExit();
        Assert.Equal(3000, stream.Sum(c => c.Sent));
        Assert.Equal(3000, SegmentFile.Frames(folder["copy"]).Count);
        Assert.Equal(5u, SegmentFile.Blocks(folder["copy"])[^1].Type);
    }

    [Fact]
    public void AReaderThatGoesEndsTheStream()
    {
        using var folder = new TemporaryFolder();
        using var reader = Read(folder, folder["copy"]);
        var ended = 0;
        using var stream = new StreamFixture($"file:{folder["pipe"]}", onEnded: () => Interlocked.Increment(ref ended));
        stream.Offer();
        stream.Drain();
        reader.Kill();
        Assert.True(Await.Until(() => !stream.IsUp), "it is noticed without a frame");
        Assert.Contains("reader of the stream has gone", stream.WhyDown, StringComparison.Ordinal);
        stream.Offer();
        stream.Finish();
        Assert.Equal((1, 1, 1), (ended, stream.Sum(c => c.Sent), stream.Sum(c => c.DroppedTargetDown)));
    }

    [Fact]
    public void AReaderThatSleepsCostsFramesAndNoTime()
    {
        using var folder = new TemporaryFolder();
        Process.Start("mkfifo", folder["pipe"])!.WaitForExit();
        using var reader = Process.Start("sh", ["-c", $"exec sleep 60 < {folder["pipe"]}"])!;
        using var stream = new StreamFixture($"file:{folder["pipe"]}");
        for (var i = 0; i < 40_000; i++)
        {
            stream.Offer(bytes: 1500);
        }

        Assert.True(stream.Sum(c => c.DroppedBusy) > 0);
        stream.Finish();
        Assert.Equal(40_000, stream.Sum(c => c.Offered));
        reader.Kill();
    }

    private static Process Read(TemporaryFolder folder, string copy)
    {
        Process.Start("mkfifo", folder["pipe"])!.WaitForExit();
        return Process.Start("dd", ["if=" + folder["pipe"], "of=" + copy, "bs=64k", "status=none"])!;
    }
}

// How fast the recorder's writer brings bytes to a disk: frames of 1514 bytes, appended as fast as the buffers come back, without a
// capture in front: `Tapline.Bench write DIR MEGABYTES`. bench/record-rate.sh sets it beside `dd oflag=direct` on the same disk.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Record;

namespace Tapline.Bench;

/// <summary>Bytes per second of one recorder.</summary>
internal static class WriteSpeed
{
    private const int FrameBytes = 1514;
    private const long BudgetBytes = 64L << 30;

    public static int Run(string disk, long megabytes)
    {
        var path = Path.Combine(disk, $"write-{Environment.ProcessId}");
        try
        {
            using var folder = SegmentFolder.TryOpen(path, BudgetBytes, out var refused);
            if (folder is null)
            {
                Console.Error.WriteLine(refused);
                return 1;
            }

            using var recorder = new SegmentRecorder(folder, new RecorderOptions { Worker = 0, Node = "bench" });
            var watch = Stopwatch.StartNew();
            Write(recorder, megabytes << 20);
            var seconds = watch.Elapsed.TotalSeconds;
            Invariant.Check(recorder.Dropped == 0);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{recorder.BytesWritten / seconds:F0} {(recorder.IsDirect ? "direct" : "cached")}"));
            return 0;
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static void Write(SegmentRecorder recorder, long bytes)
    {
        var frame = new byte[FrameBytes];
        new Random(1).NextBytes(frame);
        var meta = new FrameMeta { CapturedLength = FrameBytes, OriginalLength = FrameBytes, LinkType = LinkType.Ethernet };
        var now = Clock.NowNs();
        while (recorder.BytesWritten < bytes)
        {
            for (var i = 0; i < 256; i++)
            {
                meta.TimestampNs = ++now;
                recorder.Append(meta, frame);
            }

            recorder.EndBatch(now);
            while (!recorder.HasRoomForBurst)
            {
                Thread.Yield();
            }
        }

        recorder.Close(now);
    }
}

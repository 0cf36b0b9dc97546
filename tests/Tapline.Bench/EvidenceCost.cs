// What sealing costs a recording: one worker's frames from memory at a steady rate, with evidence and without, alternating in one process;
// how many were dropped at each rate, and how long the writer's thread worked: `Tapline.Bench evidence FOLDER [SECONDS]`. The folder
// must be on the disk that is meant. And how fast a sealed recording is verified.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Evidence;

namespace Tapline.Bench;

/// <summary>Drops by rate, with and without seals.</summary>
internal static class EvidenceCost
{
    private const long BudgetBytes = 4L << 30;
    private const int FrameBytes = 1514;
    private const int Batch = 64;
    private static readonly int[] s_megabytesPerSecond = [125, 250, 500, 750, 1000, 1250, 1500, 2000];

    public static int Run(string folder, double seconds)
    {
        foreach (var rate in s_megabytesPerSecond)
        {
            var off = Measure(folder, rate, seconds, isSealed: false);
            var on = Measure(folder, rate, seconds, isSealed: true);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{rate,5} MB/s: without evidence {off.Written,5:F0} MB/s written, {off.DroppedPercent:F2} % dropped; ")
                + string.Create(CultureInfo.InvariantCulture,
                $"with it {on.Written,5:F0} MB/s, {on.DroppedPercent:F2} % dropped; cpu {off.Cpu:F2} -> {on.Cpu:F2} s"));
        }

        Verify(folder);
        return 0;
    }

    private static (double Written, double DroppedPercent, double Cpu) Measure(string root, int rate, double seconds, bool isSealed)
    {
        var path = Path.Combine(root, "recording");
        var keyPath = Path.Combine(root, NodeKey.Name);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        using var key = NodeKey.TryOpenOrMake(keyPath, out _)!;
        using var folder = SegmentFolder.TryOpen(
            path, new RetentionRules { BudgetBytes = BudgetBytes }, out var error, evidence: isSealed ? new EvidenceOptions(key) : null)
            ?? throw new InvalidOperationException(error);
        using var recorder = new SegmentRecorder(folder, new RecorderOptions { Worker = 0, Node = "bench" });
        var frame = new byte[FrameBytes];
        new Random(1).NextBytes(frame);
        var cpu = Environment.CpuUsage.TotalTime;
        var started = Stopwatch.GetTimestamp();
        long sent = 0;
        long frames = 0;
        while (Stopwatch.GetElapsedTime(started) is { TotalSeconds: var elapsed } && elapsed < seconds)
        {
            var now = Clock.NowNs();
            while (sent < elapsed * rate * 1e6)
            {
                for (var i = 0; i < Batch; i++)
                {
                    var meta = new FrameMeta
                    {
                        TimestampNs = now + i, CapturedLength = FrameBytes, OriginalLength = FrameBytes, PointId = 1,
                        LinkType = LinkType.Ethernet,
                    };
                    _ = recorder.Append(meta, frame);
                }

                frames += Batch;
                sent += Batch * FrameBytes;
            }

            recorder.EndBatch(now);
        }

        var time = Stopwatch.GetElapsedTime(started).TotalSeconds;
        recorder.Close(Clock.NowNs());
        return (recorder.BytesWritten / time / 1e6, 100.0 * recorder.Dropped / frames, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }

    private static void Verify(string root)
    {
        using var keys = PublicKeys.TryRead(Path.Combine(root, "node.pub"), out _)!;
        foreach (var threads in new[] { 1, Environment.ProcessorCount })
        {
            var started = Stopwatch.GetTimestamp();
            var report = RecordingVerifier.Run(
                new VerifyOptions { Folder = Path.Combine(root, "recording"), Keys = keys, Parallelism = threads }, out _, null, default)!;
            var time = Stopwatch.GetElapsedTime(started).TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"verify, {threads} at once: {report.Bytes / 1e9:F2} GB in {time:F2} s, {report.Bytes / time / 1e6:F0} MB/s, ")
                + (report.IsIntact ? "intact" : "NOT intact")
                + string.Create(CultureInfo.InvariantCulture, $", {report.NotSealedYet} segments not sealed yet"));
        }
    }
}

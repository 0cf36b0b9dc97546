// Captures as a recording, in some seconds instead of the time that they took: what bench/query.sh searches, and what IndexCost times.
// `Tapline.Bench record CAPTURE DATA`. Waits for the disk, so that nothing is dropped.
using System.Globalization;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Store;
using Tapline.Workers;

namespace Tapline.Bench;

/// <summary>Records a file.</summary>
internal static class RecordTrace
{
    private const int FlowSlots = 1 << 19;
    private const long BudgetBytes = 8L << 30;

    public static int Run(string file, string data)
    {
        using var folder = SegmentFolder.TryOpen(Path.Combine(data, "recording"), BudgetBytes, out var refused);
        if (folder is null)
        {
            Console.Error.WriteLine(refused);
            return 1;
        }

        var told = Record(Captures(file), folder, isIndexed: true, out var isWhole);
        Console.WriteLine($"{told}, {folder.Segments} segments");
        return isWhole ? 0 : 1;
    }

    /// <summary>Records captures, one after the other, and says what came of it.</summary>
    /// <param name="captures">Their paths.</param>
    /// <param name="folder">The recording.</param>
    /// <param name="isIndexed">With the flow index.</param>
    /// <param name="isWhole">False when a file was no capture.</param>
    /// <param name="change">Changes the recorder's options; null = as they are.</param>
    public static string Record(
        IEnumerable<string> captures, SegmentFolder folder, bool isIndexed, out bool isWhole,
        Func<RecorderOptions, RecorderOptions>? change = null)
    {
        var options = new RecorderOptions { Worker = 0, Node = "bench", FlowSlots = isIndexed ? FlowSlots : 0 };
        using var recorder = new SegmentRecorder(folder, change?.Invoke(options) ?? options);
        using var flows = new FlowTable<SpoolSink>(FlowTableOptions.Live with { Capacity = FlowSlots }, new SpoolSink(null));
        using var counts = new WorkerCounts(Limits.PointsMax);
        using var pipeline = new Pipeline<SpoolSink> { Counts = counts, Flows = flows, Recorder = recorder };
        pipeline.IndexFlows();
        isWhole = true;
        long lastNs = 0;
        foreach (var capture in captures)
        {
            using var source = CaptureFileSource.Open(capture, 0, out var why);
            if (source is null)
            {
                Console.Error.WriteLine(why);
                isWhole = false;
                continue;
            }

            lastNs = Math.Max(lastNs, Replay(source, pipeline, flows, recorder));
        }

        flows.Flush(FlowEndReason.EndOfInput);
        recorder.Close(lastNs);
        Invariant.Check(recorder.Dropped == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{recorder.Recorded} frames, {recorder.WithoutIndex} segments without index");
    }

    /// <summary>A capture, or all of a folder.</summary>
    public static string[] Captures(string path) => Directory.Exists(path)
        ? [.. Directory.GetFiles(path, "*.*cap*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
        : [path];

    private static long Replay(
        CaptureFileSource source, Pipeline<SpoolSink> pipeline, FlowTable<SpoolSink> flows, SegmentRecorder recorder)
    {
        long lastNs = 0;
        var batch = new FrameBatch();
        while (source.Lease(batch, 1000) == LeaseResult.Frames)
        {
            lastNs = pipeline.Process(batch);
            source.Release(batch);
            flows.Advance(lastNs);
            recorder.EndBatch(lastNs);
            while (!recorder.HasRoomForBurst)
            {
                Thread.Yield();
            }
        }

        return lastNs;
    }
}

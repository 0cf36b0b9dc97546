// A capture as a recording with indexes, in some seconds instead of the time that it took: what bench/query.sh searches.
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
        using var source = CaptureFileSource.Open(file, 0, out var error);
        using var folder = SegmentFolder.TryOpen(Path.Combine(data, "recording"), BudgetBytes, out var refused);
        if (source is null || folder is null)
        {
            Console.Error.WriteLine(refused ?? error);
            return 1;
        }

        using var recorder = new SegmentRecorder(folder, new RecorderOptions { Worker = 0, Node = "bench", FlowSlots = FlowSlots });
        using var flows = new FlowTable<SpoolSink>(FlowTableOptions.Live with { Capacity = FlowSlots }, new SpoolSink(null));
        using var counts = new WorkerCounts(Limits.PointsMax);
        using var pipeline = new Pipeline<SpoolSink> { Counts = counts, Flows = flows, Recorder = recorder };
        pipeline.IndexFlows();
        var batch = new FrameBatch();
        long lastNs = 0;
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

        flows.Flush(FlowEndReason.EndOfInput);
        recorder.Close(lastNs);
        Invariant.Check(recorder.Dropped == 0);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{recorder.Recorded} frames in {folder.Segments} segments"));
        return 0;
    }
}

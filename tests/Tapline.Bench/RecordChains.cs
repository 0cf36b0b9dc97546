// A capture as the recording of several workers: each pair of addresses stays with one of them, as a live fan-out would have it. What
// bench/read-recording.sh reads. `Tapline.Bench chains CAPTURE DATA WORKERS`. Waits for the disk, so that nothing is dropped.
using System.Globalization;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Store;
using Tapline.Workers;

namespace Tapline.Bench;

/// <summary>Records a file on several recorders.</summary>
internal static class RecordChains
{
    private const int FlowSlots = 1 << 19;
    private const long BudgetBytes = 32L << 30;
    private const long SegmentBytes = 64L << 20;

    public static int Run(string file, string data, int workers)
    {
        using var folder = SegmentFolder.TryOpen(Path.Combine(data, "recording"), BudgetBytes, out var refused);
        using var source = CaptureFileSource.Open(file, 0, out var why);
        if (folder is null || source is null)
        {
            Console.Error.WriteLine(refused ?? why);
            return 1;
        }

        var chains = Enumerable.Range(0, workers).Select(w => new Chain(folder, w)).ToArray();
        var batch = new FrameBatch();
        while (source.Lease(batch, 1000) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                ref readonly var meta = ref batch.Meta(i);
                FrameDecoder.Decode(batch.Bytes(i), meta, out var layout);
                var chain = layout.IpVersion == 0 ? 0 : (int)(((ulong)layout.AddressHash * (uint)workers) >> 32);
                chains[chain].Take(meta, layout, batch.Bytes(i));
            }

            var nowNs = batch.Meta(batch.Count - 1).TimestampNs;
            source.Release(batch);
            Array.ForEach(chains, c => c.EndBatch(nowNs));
        }

        Array.ForEach(chains, c => c.Dispose());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{workers} workers, {folder.Segments} segments"));
        return 0;
    }

    private sealed class Chain : IFlowEndings, IDisposable
    {
        private readonly SegmentRecorder _recorder;
        private readonly FlowTable<SpoolSink> _flows;
        private long _nowNs;

        public Chain(SegmentFolder folder, int worker)
        {
            _recorder = new SegmentRecorder(folder, new RecorderOptions
            {
                Worker = worker, Node = "bench", FlowSlots = FlowSlots, SegmentBytes = SegmentBytes,
            });
            _recorder.AddPoint(new PointInfo(0, "eth0", "uplink"));
            _flows = new FlowTable<SpoolSink>(FlowTableOptions.Live with { Capacity = FlowSlots }, new SpoolSink(null)) { Endings = this };
            _recorder.Flows = _flows;
        }

        public void Take(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
        {
            var slot = _flows.Observe(meta, layout, frame);
            Invariant.Check(_recorder.Append(meta, frame, slot) == AppendResult.Recorded);
        }

        public void Ended(int slot, in FlowRecord record) => _recorder.EndFlow(slot, record);

        public void EndBatch(long nowNs)
        {
            _nowNs = nowNs;
            _flows.Advance(nowNs);
            _recorder.EndBatch(nowNs);
            while (!_recorder.HasRoomForBurst)
            {
                Thread.Yield();
            }
        }

        public void Dispose()
        {
            _flows.Flush(FlowEndReason.EndOfInput);
            _recorder.Close(_nowNs);
            _recorder.Dispose();
            _flows.Dispose();
        }
    }
}

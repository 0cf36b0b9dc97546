// What keep policies cost and save: frames of captures lie in memory, decoded and with their flows, and each policy decides how much of
// each is kept. One processor, best of several rounds, in ns a frame; bytes kept against bytes captured.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Workers;

namespace Tapline.Bench;

/// <summary>The measurement of ADR 0063.</summary>
internal static class TakeCost
{
    private const int Slots = 1 << 16;
    private const long FramesPerRound = 1_000_000;

    public static int Run(string[] captures, int rounds)
    {
        var frames = new List<(FrameMeta Meta, FrameLayout Layout, byte[] Bytes, int Slot)>();
        using var flows = new FlowTable<SpoolSink>(FlowTableOptions.Offline with { Capacity = Slots }, new SpoolSink(null));
        foreach (var capture in captures)
        {
            using var source = CaptureFileSource.Open(capture, 0, out var error);
            if (source is null)
            {
                Console.Error.WriteLine(error);
                return 1;
            }

            var batch = new FrameBatch();
            while (source.Lease(batch, 1000) == LeaseResult.Frames)
            {
                for (var i = 0; i < batch.Count; i++)
                {
                    var meta = batch.Meta(i);
                    FrameDecoder.Decode(batch.Bytes(i), meta, out var layout);
                    frames.Add((meta, layout, batch.Bytes(i).ToArray(), flows.Observe(meta, layout, batch.Bytes(i))));
                }

                source.Release(batch);
            }
        }

        var all = frames.ToArray();
        var captured = all.Sum(f => (long)f.Bytes.Length);
        Console.WriteLine($"{captures.Length} captures, {all.Length} frames, {captured} bytes");
        foreach (var (name, take) in new (string, RecordTake)[]
        {
            ("whole", default), ("headers", new(RecordTakeKind.Headers, 0)), ("flow 16KiB", new(RecordTakeKind.Flow, 16 << 10)),
            ("encrypted: handshake", new(RecordTakeKind.Whole, 0, true)),
        })
        {
            var best = double.MaxValue;
            long kept = 0;
            for (var round = 0; round < rounds; round++)
            {
                var ns = Round(all, take, out kept);
                best = Math.Min(best, ns);
            }

            Console.WriteLine($"{name,-22} {best,6:F1} ns a frame, {100.0 * kept / captured,5:F1} % of the bytes kept");
        }

        return 0;
    }

    // Each pass begins with new flows, so that handshakes are followed in each.
    private static double Round((FrameMeta Meta, FrameLayout Layout, byte[] Bytes, int Slot)[] frames, RecordTake take, out long kept)
    {
        var ticks = 0L;
        var seen = 0L;
        kept = 0;
        while (seen < FramesPerRound)
        {
            using var state = new FrameTake(take, Slots);
            kept = 0;
            var began = Stopwatch.GetTimestamp();
            foreach (ref readonly var frame in frames.AsSpan())
            {
                kept += state.BytesOf(frame.Meta, frame.Layout, frame.Bytes, frame.Slot);
            }

            ticks += Stopwatch.GetTimestamp() - began;
            seen += frames.Length;
        }

        return ticks * 1e9 / Stopwatch.Frequency / seen;
    }
}

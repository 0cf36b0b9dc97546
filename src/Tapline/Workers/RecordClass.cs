// One class on one worker: which frames are its own, how much of each it keeps, and the recorder that keeps it.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Mirror.Shape;
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>A class of a recording on one worker. Its thread only. Owns its memory of flows, not the recorder.</summary>
internal sealed class RecordClass : IDisposable
{
    private static readonly ShapePlan s_unsliced = new();
    private readonly CompiledFilter _filter;
    private readonly RecordTake _take;
    private readonly FlowMemory? _flows;

    /// <param name="filter">Which frames; shared by workers.</param>
    /// <param name="take">How much of each.</param>
    /// <param name="recorder">Where to; null with <see cref="RecordTakeKind.None"/> only.</param>
    /// <param name="seed">For hashes of flows.</param>
    public RecordClass(CompiledFilter filter, RecordTake take, SegmentRecorder? recorder, ulong seed)
    {
        Invariant.Check(recorder is null == (take.Kind == RecordTakeKind.None));
        _filter = filter;
        _take = take;
        Recorder = recorder;
        _flows = take.Kind == RecordTakeKind.Flow ? new FlowMemory(seed) : null;
    }

    /// <summary>Its recorder; null = its frames are not kept.</summary>
    public SegmentRecorder? Recorder { get; }

    public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame) => _filter.Matches(meta, layout, frame);

    /// <summary>Bytes of the frame that are kept. Call once for each frame of the class, in order.</summary>
    public int BytesOf(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var left = _take.Kind switch
        {
            RecordTakeKind.Headers => 0,
            RecordTakeKind.Flow => LeftOfFlow(meta, layout, frame),
            RecordTakeKind.Frame => -1,
            _ => long.MaxValue,
        };
        var keep = left switch
        {
            long.MaxValue => frame.Length,
            < 0 => _take.Bytes,
            _ => SliceCut.For(s_unsliced, layout, frame, long.MaxValue, left).Keep(0, 0),
        };
        return (int)Math.Min(frame.Length, keep);
    }

    public void Dispose() => _flows?.Dispose();

    private long LeftOfFlow(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var flow = ref _flows![_flows.Find(meta, layout, frame, out _)];
        var left = Math.Max(0, _take.Bytes - flow.PayloadBytes);
        flow.PayloadBytes += Math.Max(0, layout.PayloadLength);
        return left;
    }
}

// One class on one worker: which frames are its own, how much of each it keeps, and the recorder that keeps it.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>A class of a recording on one worker. Its thread only. Owns what it knows of flows, not the recorder.</summary>
internal sealed class RecordClass : IDisposable
{
    private readonly CompiledFilter _filter;

    /// <param name="filter">Which frames; shared by workers.</param>
    /// <param name="take">How much of each; owned from now on.</param>
    /// <param name="recorder">Where to; null where nothing is taken.</param>
    public RecordClass(CompiledFilter filter, FrameTake take, SegmentRecorder? recorder)
    {
        Invariant.Check(recorder is null == take.IsNothing);
        _filter = filter;
        Take = take;
        Recorder = recorder;
    }

    /// <summary>How much of each frame.</summary>
    public FrameTake Take { get; }

    /// <summary>Its recorder; null = its frames are not kept.</summary>
    public SegmentRecorder? Recorder { get; }

    public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame) => _filter.Matches(meta, layout, frame);

    public void Dispose() => Take.Dispose();
}

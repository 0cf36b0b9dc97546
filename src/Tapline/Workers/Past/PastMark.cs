// Where a recorder stood when a session that comes from its past was noted: what it lost is counted once, by its segments' ledgers up to
// here and by its own counter from here on.
using Tapline.Base;
using Tapline.Record;

namespace Tapline.Workers.Past;

/// <summary>A recorder's place in its own life, not in time: clocks step.</summary>
/// <param name="Segment">The segment under way, by the recorder's trail; 0 = none was begun.</param>
/// <param name="StartNs">Its name, for segments that the trail tells no more of.</param>
/// <param name="Lost">Frames that it had taken and lost.</param>
internal readonly record struct PastMark(long Segment, long StartNs, long Lost)
{
    /// <summary>Of what nobody writes any more: every ledger counts.</summary>
    public static PastMark AtEnd { get; } = new(long.MaxValue, long.MaxValue, 0);

    /// <summary>Any thread.</summary>
    public static PastMark Of(SegmentRecorder recorder)
    {
        // In this order: no segment before the noted one can hold a loss that is counted after it.
        var segment = recorder.Trail.Last;
        var startNs = recorder.Trail.TryGet(segment, out var ns, out _) ? ns : Clock.NowNs();
        return new PastMark(segment, startNs, recorder.LostAfterwards);
    }

    /// <summary>True when a segment's ledger was closed before this.</summary>
    /// <param name="number">Its number in the trail; 0 = it is not there (any more).</param>
    /// <param name="startNs">Its name.</param>
    public bool IsAfter(long number, long startNs) => number > 0 ? number < Segment : startNs < StartNs;
}

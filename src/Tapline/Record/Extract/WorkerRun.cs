// One run of one worker, as its segments tell: flow ids are unique in it, and begin anew in the next. Each class numbers its segments
// from 1 in each run; all their windows begin when the run does. Told segments in the order of their ends. One thread.
namespace Tapline.Record.Extract;

/// <summary>A worker's run.</summary>
/// <param name="number">Its number in the query.</param>
internal sealed class WorkerRun(int number)
{
    private readonly Dictionary<string, long> _sequences = new(StringComparer.Ordinal);
    private long _endNs = long.MinValue;

    public int Run => number;

    /// <summary>The highest flow id of the segments so far.</summary>
    public ulong Highest { get; private set; }

    /// <summary>True when the segment belongs to a later run.</summary>
    public bool IsBefore(ExtractSegment segment, long sequence) => _sequences.TryGetValue(segment.Class, out var last)
        ? sequence <= last : sequence == 1 && segment.End is { IsRecovered: false } end && end.StartNs >= _endNs;

    /// <summary>Takes a segment in.</summary>
    public void Take(ExtractSegment segment, long sequence, ulong highest)
    {
        _sequences[segment.Class] = sequence;
        _endNs = Math.Max(_endNs, segment.LatestNs);
        Highest = Math.Max(Highest, highest);
    }
}

// One run of one worker, as its segments tell: flow ids are unique in it, and begin anew in the next. Each class numbers its segments
// from 1 in each run; all their windows begin when the run does. Told segments in the order of their ends. One thread changes it.
namespace Tapline.Record.Extract;

/// <summary>A worker's run.</summary>
internal sealed class WorkerRun
{
    private const int SieveBits = 20;
    private readonly Dictionary<string, long> _sequences = new(StringComparer.Ordinal);
    private readonly HashSet<ulong> _parted = [];
    private readonly Dictionary<ulong, ulong> _truths = [];

    // Most flows lie in one segment: told by one look. Ids rise, so neighbours' bits are neighbours.
    private readonly ulong[] _sieve = new ulong[1 << (SieveBits - 6)];
    private long _endNs = long.MinValue;

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

    /// <summary>Collects a flow that may lie in several segments; false when it was.</summary>
    /// <param name="id">The flow.</param>
    /// <param name="truths">Which terms hold for it, unless it was collected.</param>
    /// <param name="isPart">A part of it has a record of its own.</param>
    public bool Collect(ulong id, ulong truths, bool isPart)
    {
        if (isPart)
        {
            _parted.Add(id);
        }

        _sieve[SievePlace(id)] |= 1UL << (int)(id & 63);
        return _truths.TryAdd(id, truths);
    }

    /// <summary>True for a flow that was collected.</summary>
    public bool IsCollected(ulong id) => (_sieve[SievePlace(id)] & (1UL << (int)(id & 63))) != 0 && _truths.ContainsKey(id);

    /// <summary>True for one of which a part has a record of its own.</summary>
    public bool IsParted(ulong id) => _parted.Count > 0 && _parted.Contains(id);

    /// <summary>Which terms hold for a collected flow, as far as is known.</summary>
    public ulong TruthsOf(ulong id) => _truths[id];

    /// <summary>Sets them.</summary>
    public void SetTruths(ulong id, ulong truths) => _truths[id] = truths;

    private static int SievePlace(ulong id) => (int)((id >> 6) & ((1UL << (SieveBits - 6)) - 1));
}

// All holds of a recording as they stand in its file: an immutable snapshot. Asked for each of up to a million segments when it
// changes, so overlapping windows are merged once and a segment is looked up by halving.
using Tapline.Base;

namespace Tapline.Record.Holds;

/// <summary>The holds in force. Immutable; any thread.</summary>
public sealed class HoldList
{
    private readonly long[] _since;
    private readonly long[] _until;

    /// <param name="holds">In the order of their numbers.</param>
    /// <param name="nextId">The number that the next one gets; numbers are never used again.</param>
    public HoldList(IReadOnlyList<Hold> holds, long nextId)
    {
        Holds = holds;
        NextId = nextId;
        NextExpiryNs = holds.Where(h => h.ExpiresNs != 0).Select(h => h.ExpiresNs).DefaultIfEmpty(long.MaxValue).Min();
        var since = new List<long>();
        var until = new List<long>();
        foreach (var hold in holds.OrderBy(h => h.SinceNs))
        {
            if (until.Count > 0 && hold.SinceNs <= until[^1])
            {
                until[^1] = Math.Max(until[^1], hold.UntilNs);
                continue;
            }

            since.Add(hold.SinceNs);
            until.Add(hold.UntilNs);
        }

        _since = [.. since];
        _until = [.. until];
    }

    /// <summary>When the next of them ends by itself, ns; the greatest number = none does.</summary>
    public long NextExpiryNs { get; }

    /// <summary>Those that are in force at this time; this list itself when all are.</summary>
    public HoldList At(long nowNs) =>
        nowNs < NextExpiryNs ? this : new HoldList([.. Holds.Where(h => h.IsInForce(nowNs))], NextId);

    public static HoldList Empty { get; } = new([], 1);

    public IReadOnlyList<Hold> Holds { get; }

    public long NextId { get; }

    /// <summary>True when a hold keeps a segment that begins at this time. Its name tells its first frame only, so that one which
    /// began up to <see cref="Limits.SegmentSpanNs"/> before a window counts. No allocation.</summary>
    public bool Keeps(long segmentStartNs)
    {
        // The last window that begins before the segment may have ended.
        var index = Array.BinarySearch(_since, segmentStartNs + Limits.SegmentSpanNs);
        index = index < 0 ? ~index - 1 : index;
        return index >= 0 && segmentStartNs <= _until[index];
    }
}

// The ledger of capture files: what was captured, analysed and not decodable, by second of frame time and by point.
// Only kept when it is asked for: a long capture has many seconds.
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Workers.Offline;

/// <summary>One row of an offline ledger.</summary>
/// <param name="SecondNs">Start of the second, ns since the epoch.</param>
/// <param name="Point">Point id.</param>
public readonly record struct SecondKey(long SecondNs, ushort Point) : IComparable<SecondKey>
{
    public int CompareTo(SecondKey other) =>
        SecondNs != other.SecondNs ? SecondNs.CompareTo(other.SecondNs) : Point.CompareTo(other.Point);
}

/// <summary>Counts of one second at one point.</summary>
public sealed class SecondCounts
{
    public long Captured;
    public long CapturedBytes;
    public long Segments;
    public long Cut;
    public VerdictCounts Verdicts;

    internal void Add(SecondCounts other)
    {
        Captured += other.Captured;
        CapturedBytes += other.CapturedBytes;
        Segments += other.Segments;
        Cut += other.Cut;
        for (var v = 0; v < VerdictCounts.Length; v++)
        {
            Verdicts[v] += other.Verdicts[v];
        }
    }
}

/// <summary>Ledger rows by second and point. One thread.</summary>
internal sealed class SecondLedger
{
    private readonly Dictionary<SecondKey, SecondCounts> _rows = [];
    private SecondKey _lastKey = new(long.MinValue, 0);
    private SecondCounts _last = new();

    /// <summary>The rows, ordered by time, then point.</summary>
    public IReadOnlyList<(SecondKey Key, SecondCounts Counts)> Rows()
    {
        var rows = new List<(SecondKey Key, SecondCounts Counts)>(_rows.Count);
        foreach (var (key, counts) in _rows)
        {
            rows.Add((key, counts));
        }

        rows.Sort((a, b) => a.Key.CompareTo(b.Key));
        return rows;
    }

    public void Count(in FrameMeta meta, in FrameLayout layout)
    {
        var second = meta.TimestampNs - PositiveRemainder(meta.TimestampNs);
        if (second != _lastKey.SecondNs || meta.PointId != _lastKey.Point)
        {
            _lastKey = new SecondKey(second, meta.PointId);
            _last = Row(_lastKey);
        }

        _last.Captured++;
        _last.CapturedBytes += meta.OriginalLength;
        _last.Segments += WireSegments.Count(meta, layout);
        _last.Verdicts[(int)layout.Verdict]++;
        _last.Cut += meta.CapturedLength < meta.OriginalLength ? 1 : 0;
    }

    public void Add(SecondLedger other)
    {
        foreach (var (key, counts) in other._rows)
        {
            Row(key).Add(counts);
        }
    }

    private SecondCounts Row(SecondKey key)
    {
        if (!_rows.TryGetValue(key, out var row))
        {
            row = new SecondCounts();
            _rows.Add(key, row);
        }

        return row;
    }

    private static long PositiveRemainder(long timeNs)
    {
        var rest = timeNs % Clock.SecondNs;
        return rest < 0 ? rest + Clock.SecondNs : rest;
    }
}

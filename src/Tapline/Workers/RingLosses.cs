// Which point lost what. The kernel counts arrivals per point (before any ring) and losses per socket, which may serve
// several points; between the two lie the frames that still wait in a ring. While running, known losses are shared out
// over the points in proportion to what each has outstanding; once the rings are drained the difference is exact.
// Owned by the supervisor's thread; allocation-free after construction.
using Tapline.Base;

namespace Tapline.Workers;

/// <summary>Attributes ring losses to points so that arrived = captured + dropped holds in every row.</summary>
internal sealed class RingLosses
{
    private readonly long[] _dropped;

    /// <param name="pointsMax">Point ids run from 0 below this.</param>
    public RingLosses(int pointsMax) => _dropped = new long[pointsMax];

    /// <summary>Frames that the point has lost in rings so far.</summary>
    public long Dropped(int point) => Volatile.Read(ref _dropped[point]);

    /// <summary>Shares out losses that are new since the last call.</summary>
    /// <param name="totalDropped">All sockets' losses since the start, read before the two spans.</param>
    /// <param name="arrived">Arrivals by point, read last.</param>
    /// <param name="captured">Frames read out of rings by point, read before <paramref name="arrived"/>.</param>
    public void Share(long totalDropped, ReadOnlySpan<long> arrived, ReadOnlySpan<long> captured)
    {
        Invariant.Check(arrived.Length == captured.Length && arrived.Length <= _dropped.Length);
        long known = 0;
        long outstanding = 0;
        for (var p = 0; p < arrived.Length; p++)
        {
            known += _dropped[p];
            outstanding += Outstanding(arrived[p], captured[p], p);
        }

        var left = Math.Min(totalDropped - known, outstanding);
        if (left <= 0)
        {
            return;
        }

        for (var p = 0; p < arrived.Length && left > 0; p++)
        {
            var mine = Outstanding(arrived[p], captured[p], p);
            if (mine > 0)
            {
                // Rounded up, so the last point with something outstanding never has to take more than it has.
                var share = (long)Math.Min(Math.Ceiling((double)mine / outstanding * left), Math.Min(mine, left));
                outstanding -= mine;
                left -= share;
                Volatile.Write(ref _dropped[p], _dropped[p] + share);
            }
        }
    }

    /// <summary>After the drain: nothing waits any more, so what did not come out was lost.</summary>
    public void Settle(ReadOnlySpan<long> arrived, ReadOnlySpan<long> captured)
    {
        for (var p = 0; p < arrived.Length; p++)
        {
            Volatile.Write(ref _dropped[p], Math.Max(0, arrived[p] - captured[p]));
        }
    }

    private long Outstanding(long arrived, long captured, int point) =>
        Math.Max(0, arrived - captured - _dropped[point]);
}

// Whom a full table gives up: an old unanswered SYN, then a connection that has ended, then whatever of a handful of
// neighbours was silent longest. The hand moves on each time, so all are looked at in turn; constant work per call.
using Tapline.Base;

namespace Tapline.Flows;

/// <summary>Chooses flows to evict.</summary>
internal sealed class VictimFinder(FlowMemory memory, EvictionQueues queues)
{
    private const int SampleSize = 16;

    /// <summary>A SYN older than this is probably never answered (initial retransmission timeout, RFC 6298: 1 s).</summary>
    private const long UnansweredAgeNs = 3_000_000_000;

    private int _hand;

    /// <summary>The slot of a flow to be ended. The table must be full.</summary>
    public int Choose(long nowNs)
    {
        var unanswered = queues.Oldest(EvictionClass.Unanswered);
        var isFlooded = queues.Count(EvictionClass.Unanswered) > memory.Capacity / 8;
        if (unanswered >= 0 && (isFlooded || nowNs - memory.Hot[unanswered].LastNs > UnansweredAgeNs))
        {
            return unanswered;
        }

        var ended = queues.Oldest(EvictionClass.Ended);
        return ended >= 0 ? ended : LeastRecentOfSample();
    }

    private int LeastRecentOfSample()
    {
        var victim = -1;
        var oldestNs = long.MaxValue;
        for (var i = 0; i < SampleSize; i++)
        {
            _hand = _hand + 1 >= memory.Capacity ? 0 : _hand + 1;
            ref var hot = ref memory.Hot[_hand];
            if (hot.Has(FlowHot.InUse) && hot.LastNs < oldestNs)
            {
                oldestNs = hot.LastNs;
                victim = _hand;
            }
        }

        Invariant.Check(victim >= 0);
        return victim;
    }
}

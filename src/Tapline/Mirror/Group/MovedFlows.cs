// Flows that are with another target than their first choice, because that one was down when they needed it: they stay
// where they are until they end, however often their first choice comes back. A flow that is not in here is with its first
// choice. Fixed size; a full place forgets its longest silent flow, which then goes to its first choice again. Pure; one
// worker's.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Mirror.Group;

/// <summary>Where displaced flows are. Owns its table.</summary>
internal sealed class MovedFlows : IDisposable
{
    private const int Ways = 8;

    /// <summary>The idle time after which a flow has ended (design of the flow table: Flows/FlowTimeouts).</summary>
    private const long IdleNs = 300 * Clock.SecondNs;

    private readonly NativeArray<Entry> _entries = new(Limits.MirrorFlows);

    /// <summary>Flows that were forgotten while they lived.</summary>
    public long Forgotten { get; private set; }

    /// <summary>The target that the flow was moved to; -1 when it was not, or has ended since.</summary>
    public int Find(ulong flow, long nowNs)
    {
        foreach (ref var entry in Place(flow))
        {
            if (entry.Flow == flow && nowNs - entry.LastNs <= IdleNs)
            {
                entry.LastNs = nowNs;
                return entry.Target;
            }
        }

        return -1;
    }

    /// <summary>Notes where a flow is now.</summary>
    public void Put(ulong flow, int target, long nowNs)
    {
        var place = Place(flow);
        var oldest = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (place[i].Flow == flow)
            {
                place[i].Target = target;
                place[i].LastNs = nowNs;
                return;
            }

            oldest = place[i].LastNs < place[oldest].LastNs ? i : oldest;
        }

        Forgotten += place[oldest].Flow != 0 && nowNs - place[oldest].LastNs <= IdleNs ? 1 : 0;
        place[oldest] = new Entry { Flow = flow, Target = target, LastNs = nowNs };
    }

    /// <summary>The flow has ended; one with the same ends begins anew.</summary>
    public void Remove(ulong flow)
    {
        foreach (ref var entry in Place(flow))
        {
            if (entry.Flow == flow)
            {
                entry = default;
            }
        }
    }

    public void Dispose() => _entries.Dispose();

    private Span<Entry> Place(ulong flow) =>
        _entries.Span.Slice((int)(flow >> 40) & (_entries.Length - Ways), Ways);

    private struct Entry
    {
        public ulong Flow;
        public long LastNs;
        public int Target;
    }
}

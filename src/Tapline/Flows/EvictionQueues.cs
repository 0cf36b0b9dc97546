// Who has to go when the table is full: first the oldest SYN that nobody answered, then the connection that ended
// longest ago. Entered and left at turning points of a connection, so ordinary frames never touch the queues.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Flows;

/// <summary>First-in-first-out queues through the flows' cold entries, one for each class of eviction.</summary>
internal sealed class EvictionQueues(NativeArray<FlowCold> cold)
{
    private const int Classes = 3;
    private readonly int[] _heads = new int[Classes];
    private readonly int[] _tails = new int[Classes];
    private readonly int[] _counts = new int[Classes];

    /// <summary>The flow that has waited longest in the class, or -1.</summary>
    public int Oldest(EvictionClass evictionClass) => _heads[(int)evictionClass] - 1;

    /// <summary>Flows waiting in the class.</summary>
    public int Count(EvictionClass evictionClass) => _counts[(int)evictionClass];

    /// <summary>Moves the flow to the end of another class's queue; <see cref="EvictionClass.None"/> only leaves.</summary>
    public void Move(int slot, EvictionClass to)
    {
        ref var entry = ref cold[slot];
        if (entry.EvictionClass == to)
        {
            return;
        }

        Leave(slot, ref entry);
        entry.EvictionClass = to;
        if (to == EvictionClass.None)
        {
            return;
        }

        var tail = _tails[(int)to];
        entry.QueuePrevious = tail;
        entry.QueueNext = 0;
        if (tail == 0)
        {
            _heads[(int)to] = slot + 1;
        }
        else
        {
            cold[tail - 1].QueueNext = slot + 1;
        }

        _tails[(int)to] = slot + 1;
        _counts[(int)to]++;
    }

    private void Leave(int slot, ref FlowCold entry)
    {
        var from = (int)entry.EvictionClass;
        if (entry.EvictionClass == EvictionClass.None)
        {
            return;
        }

        if (entry.QueuePrevious == 0)
        {
            Invariant.Check(_heads[from] == slot + 1);
            _heads[from] = entry.QueueNext;
        }
        else
        {
            cold[entry.QueuePrevious - 1].QueueNext = entry.QueueNext;
        }

        if (entry.QueueNext == 0)
        {
            _tails[from] = entry.QueuePrevious;
        }
        else
        {
            cold[entry.QueueNext - 1].QueuePrevious = entry.QueuePrevious;
        }

        entry.QueueNext = 0;
        entry.QueuePrevious = 0;
        _counts[from]--;
    }
}

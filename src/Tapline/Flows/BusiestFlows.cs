// Who carries the traffic right now, without looking at every flow: each 16 KiB of traffic makes the flow under way one
// point richer in a small cache, so that heavy flows are found by chance in proportion to their bytes.
using System.Runtime.CompilerServices;

namespace Tapline.Flows;

/// <summary>A sampled heavy-hitter list: 128 sets of 4 flows. Constant work per sample, fixed memory.</summary>
internal sealed class BusiestFlows
{
    private const int Sets = 128;
    private const int Ways = 4;
    private const int SampleBytes = 16 * 1024;
    private readonly Entry[] _entries = new Entry[Sets * Ways];
    private long _credit = SampleBytes;

    private struct Entry
    {
        public ulong FlowId;
        public int Slot;
        public uint Points;
    }

    /// <summary>Counts a frame's bytes; true when the flow under way is to be sampled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsDue(int bytes)
    {
        _credit -= bytes;
        return _credit <= 0;
    }

    /// <summary>Makes a flow richer by as many points as bytes have passed since the last sample.</summary>
    public void Sample(int slot, ulong flowId)
    {
        var points = (uint)((-_credit / SampleBytes) + 1);
        _credit += points * (long)SampleBytes;
        var set = _entries.AsSpan((int)(((uint)slot * 2654435761u) >> 25) * Ways, Ways);
        var poorest = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (set[i].FlowId == flowId && set[i].Slot == slot)
            {
                set[i].Points += points;
                return;
            }

            if (set[i].Points < set[poorest].Points)
            {
                poorest = i;
            }
        }

        // The newcomer inherits the points of the one it replaces (space-saving): a rising flow soon shows.
        set[poorest].FlowId = flowId;
        set[poorest].Slot = slot;
        set[poorest].Points += points;
    }

    /// <summary>Takes the richest not yet taken in this round; -1 when there is none. <see cref="EndRound"/> ends it.</summary>
    public int TakeRichest(out ulong flowId)
    {
        var best = -1;
        for (var i = 0; i < _entries.Length; i++)
        {
            const uint taken = 0x8000_0000;
            if (_entries[i].Points != 0 && (_entries[i].Points & taken) == 0
                && (best < 0 || _entries[i].Points > _entries[best].Points))
            {
                best = i;
            }
        }

        if (best < 0)
        {
            flowId = 0;
            return -1;
        }

        _entries[best].Points |= 0x8000_0000;
        flowId = _entries[best].FlowId;
        return _entries[best].Slot;
    }

    /// <summary>Halves all points, so that the past fades.</summary>
    public void EndRound()
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            entry.Points = (entry.Points & 0x7fff_ffff) >> 1;
        }
    }
}

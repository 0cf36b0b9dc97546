// Finds flows by key, and knows what a plain index can't: the two directions of one conversation may enter under
// different tags. On a VLAN-aware switch a VM's port is untagged and the uplink is tagged; where a distributed router
// stands between two overlay networks, each direction carries the VNI of the network it goes to. So a flow that has
// been seen one way only takes, for the other way,
//   - a VLAN stack that differs by the outermost tag, when a MAC address fits crosswise, or
//   - another VNI, when both tunnel endpoints fit crosswise.
// Tenants with equal addresses stay apart, because each is seen under its own tag both ways. To be found, such a flow
// has a second index entry: first a hint under the shorter key, then, once known, the other direction's own key.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Flows;

/// <summary>Index over a table's flows. One thread.</summary>
internal sealed class FlowDirectory(FlowMemory memory, FlowIndex index, ulong seed)
{
    private const int TagBits = 12;
    private readonly NativeArray<FlowHot> _hot = memory.Hot;
    private readonly NativeArray<FlowCold> _cold = memory.Cold;

    /// <summary>The flow of a prepared frame, or -1.</summary>
    public int Find(in PreparedKey prepared) => index.Find(prepared.Hash, prepared.Key, prepared.Direction, memory);

    /// <summary>
    /// A one-way flow whose other direction this frame begins under other tags, or -1. On success the flow is also found
    /// under the frame's own key from now on.
    /// </summary>
    public int FindAcrossTags(in PreparedKey prepared, in FrameEnds ends)
    {
        if (prepared.Key.Vni != 0)
        {
            return FindAcrossVnis(prepared, ends);
        }

        // The frame has a tag less than the flow: the flow left a hint under the shorter stack when it was made.
        var slot = FindOneWay(prepared.Hash, prepared, ends);
        if (slot >= 0)
        {
            SetStack(slot, prepared);
            return slot;
        }

        var vlans = prepared.Key.Scope & FlowKey.VlanMask;
        if (vlans == 0)
        {
            return -1;
        }

        // The frame has a tag more: look where the flow would be without it.
        slot = FindOneWay(Shorter(prepared.Key).Hash(seed), prepared, ends);
        if (slot < 0 || !TryRename(slot, prepared))
        {
            return -1;
        }

        SetStack(slot, prepared);
        return slot;
    }

    /// <summary>Enters a new flow; false when the index has no room: evict <see cref="VictimFor"/> and try again.</summary>
    public bool TryEnter(int slot, in PreparedKey prepared)
    {
        if (!index.TryInsert(prepared.Hash, slot))
        {
            return false;
        }

        ref var cold = ref _cold[slot];
        cold.Hash = prepared.Hash;
        if (prepared.Key.Vni != 0 || (prepared.Key.Scope & FlowKey.VlanMask) != 0)
        {
            var hint = Shorter(prepared.Key).Hash(seed);
            if (index.TryInsertHint(hint, slot))
            {
                cold.AliasHash = hint;
                _hot[slot].Flags |= FlowHot.HasAlias;
            }
        }

        return true;
    }

    /// <summary>Takes a flow out of the index.</summary>
    public void Leave(int slot)
    {
        RemoveAlias(slot);
        Invariant.Check(index.Remove(_cold[slot].Hash, slot));
    }

    /// <summary>Least recently used flow of the full bucket that stands in the way of <paramref name="hash"/>.</summary>
    public int VictimFor(ulong hash)
    {
        var victim = index.Occupant(hash, 0);
        for (var place = 1; place < FlowBucket.Places; place++)
        {
            var occupant = index.Occupant(hash, place);
            if (_hot[occupant].LastNs < _hot[victim].LastNs)
            {
                victim = occupant;
            }
        }

        return victim;
    }

    private int FindAcrossVnis(in PreparedKey prepared, in FrameEnds ends)
    {
        var direction = prepared.Direction;
        for (var probe = index.Candidates(Shorter(prepared.Key).Hash(seed)); probe.MoveNext();)
        {
            var slot = probe.Slot;
            ref var hot = ref _hot[slot];
            ref var cold = ref _cold[slot];
            var (own, peer) = direction == 0 ? (cold.Outer0, cold.Outer1) : (cold.Outer1, cold.Outer0);
            if (hot.MatchesApartFromTenant(prepared.Key) && !SentAny(hot, direction) && !own.IsNone
                && own == ends.OuterSource && peer == ends.OuterDestination && TryRename(slot, prepared))
            {
                cold.OtherVni = prepared.Key.Vni;
                hot.Flags |= FlowHot.HasTwoVnis;
                SetStack(slot, prepared);
                return slot;
            }
        }

        return -1;
    }

    private int FindOneWay(ulong hash, in PreparedKey prepared, in FrameEnds ends)
    {
        var vlans = prepared.Key.Scope & FlowKey.VlanMask;
        for (var probe = index.Candidates(hash); probe.MoveNext();)
        {
            var slot = probe.Slot;
            ref var hot = ref _hot[slot];
            if (!hot.MatchesApartFromTenant(prepared.Key) || hot.Vni != 0 || SentAny(hot, prepared.Direction))
            {
                continue;
            }

            var theirs = (prepared.Direction == 0 ? hot.Scope1 : hot.Scope0) & FlowKey.VlanMask;
            ref var cold = ref _cold[slot];
            var (ownMac, peerMac) = prepared.Direction == 0 ? (cold.Mac0, cold.Mac1) : (cold.Mac1, cold.Mac0);
            var isOneTagOff = theirs != vlans && (theirs >> TagBits == vlans || vlans >> TagBits == theirs);
            if (isOneTagOff && ownMac != 0 && (ownMac == ends.SourceMac || peerMac == ends.DestinationMac))
            {
                return slot;
            }
        }

        return -1;
    }

    /// <summary>The key under which the other direction is looked for: without VNI, or without the outermost tag.</summary>
    private static FlowKey Shorter(in FlowKey key)
    {
        if (key.Vni == 0)
        {
            return key.WithVlans((key.Scope & FlowKey.VlanMask) >> TagBits);
        }

        var copy = key;
        copy.Vni = 0;
        return copy;
    }

    private static bool SentAny(in FlowHot hot, int direction) =>
        (direction == 0 ? hot.Direction0.LastNs : hot.Direction1.LastNs) != 0;

    /// <summary>Makes the flow's second entry that of the frame's own key.</summary>
    private bool TryRename(int slot, in PreparedKey prepared)
    {
        RemoveAlias(slot);
        if (!index.TryInsert(prepared.Hash, slot))
        {
            return false;
        }

        _cold[slot].AliasHash = prepared.Hash;
        _hot[slot].Flags |= FlowHot.HasAlias;
        return true;
    }

    private void SetStack(int slot, in PreparedKey prepared)
    {
        ref var hot = ref _hot[slot];
        (prepared.Direction == 0 ? ref hot.Scope0 : ref hot.Scope1) = prepared.Key.Scope;
    }

    private void RemoveAlias(int slot)
    {
        ref var hot = ref _hot[slot];
        if (hot.Has(FlowHot.HasAlias))
        {
            Invariant.Check(index.Remove(_cold[slot].AliasHash, slot));
            hot.Flags &= unchecked((byte)~FlowHot.HasAlias);
        }
    }
}

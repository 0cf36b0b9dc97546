// Fragments belong to the flow whose ports only the first of them carries (RFC 791 3.2, RFC 8200 4.5). This cache
// remembers for each packet under way which flow that is; fragments that overtake the first are kept as counts. Bounded:
// sets of eight, the least recently touched of a full set is given up (counted), nothing outlives its timeout.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Flows;

/// <summary>Fragmented packets of one worker's table. Native memory, no allocation per frame.</summary>
internal sealed class FragmentCache : IDisposable
{
    private const int Ways = 8;
    private readonly NativeArray<FragmentEntry> _entries;
    private readonly uint _setMask;
    private int _sweep;

    public FragmentCache(int capacity)
    {
        var sets = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, capacity / Ways));
        _setMask = sets - 1;
        _entries = new NativeArray<FragmentEntry>((int)sets * Ways);
    }

    /// <summary>Packets under observation now.</summary>
    public int Active { get; private set; }

    public int Length => _entries.Length;

    public ref FragmentEntry this[int index] => ref _entries[index];

    /// <summary>Index of the packet's entry. When it is new (<c>InUse</c> false) its place may hold a victim that the
    /// caller must settle first (<c>InUse</c> true and another key: see <paramref name="isFound"/>).</summary>
    public int Find(in FlowKey key, int direction, uint fragmentId, ulong seed, out bool isFound)
    {
        var hash = key.Hash(seed ^ fragmentId ^ ((ulong)direction << 40));
        var start = (int)((uint)hash & _setMask) * Ways;
        var best = start;
        for (var i = start; i < start + Ways; i++)
        {
            ref var entry = ref _entries[i];
            if (entry.InUse && entry.FragmentId == fragmentId && entry.Direction == direction && SameKey(entry.Key, key))
            {
                isFound = true;
                return i;
            }

            ref var candidate = ref _entries[best];
            if (candidate.InUse && (!entry.InUse || entry.LastNs < candidate.LastNs))
            {
                best = i;
            }
        }

        isFound = false;
        return best;
    }

    /// <summary>Makes a settled or free place the entry of a new packet.</summary>
    public ref FragmentEntry Begin(int index, in FlowKey key, int direction, uint fragmentId, long nowNs)
    {
        ref var entry = ref _entries[index];
        Invariant.Check(!entry.InUse);
        entry = default;
        entry.InUse = true;
        entry.Key = key;
        entry.Direction = (byte)direction;
        entry.FlowDirection = (byte)direction;
        entry.FragmentId = fragmentId;
        entry.Slot = -1;
        entry.FirstNs = nowNs;
        entry.LastNs = nowNs;
        Active++;
        return ref entry;
    }

    /// <summary>Frees the place.</summary>
    public void End(int index)
    {
        Invariant.Check(_entries[index].InUse);
        _entries[index].InUse = false;
        Active--;
    }

    /// <summary>Looks at a few places in turn; index of one untouched since <paramref name="beforeNs"/>, or -1.</summary>
    public int FindStale(long beforeNs, ref int budget)
    {
        while (Active > 0 && budget-- > 0)
        {
            _sweep = _sweep + 1 == _entries.Length ? 0 : _sweep + 1;
            ref var entry = ref _entries[_sweep];
            if (entry.InUse && entry.LastNs <= beforeNs)
            {
                return _sweep;
            }
        }

        return -1;
    }

    public void Dispose() => _entries.Dispose();

    private static bool SameKey(in FlowKey left, in FlowKey right) =>
        left.ALow == right.ALow && left.BLow == right.BLow && left.AHigh == right.AHigh && left.BHigh == right.BHigh
        && left.Scope == right.Scope && left.Vni == right.Vni;
}

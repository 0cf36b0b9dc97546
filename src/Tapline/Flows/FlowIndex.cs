// Hash to entry number. Two possible buckets for each hash, one cache line each; a lookup reads the second only when the
// first has ever overflowed. No chains and no growth: a lookup costs at most two lines whatever an attacker sends.
using System.Numerics;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Flows;

/// <summary>The index of a flow table: owns its buckets, knows nothing of flows but their numbers.</summary>
internal sealed class FlowIndex : IDisposable
{
    private readonly NativeArray<FlowBucket> _buckets;
    private readonly uint _mask;

    /// <summary>Room for <paramref name="capacity"/> flows at half load, aliases included.</summary>
    public FlowIndex(int capacity)
    {
        var buckets = BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, capacity / (FlowBucket.Places / 2)));
        _buckets = new NativeArray<FlowBucket>((int)buckets);
        _mask = buckets - 1;
    }

    public long SizeBytes => _buckets.SizeBytes;

    /// <summary>Loads a byte of the first bucket's line; the value means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Touch(ulong hash) => _buckets.Touch((int)First(hash));

    /// <summary>Number of the flow with this key among <paramref name="flows"/>, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ulong hash, in FlowKey key, int direction, FlowMemory flows)
    {
        ref var first = ref _buckets[(int)First(hash)];
        var slot = FindIn(ref first, Tag(hash), key, direction, flows);
        return slot >= 0 || first.Overflow == 0
            ? slot
            : FindIn(ref _buckets[(int)Second(hash)], Tag(hash), key, direction, flows);
    }

    /// <summary>The first entry whose tag fits, unverified: worth prefetching. -1 when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Guess(ulong hash)
    {
        ref var bucket = ref _buckets[(int)First(hash)];
        var candidates = bucket.Candidates(Tag(hash));
        return candidates == 0 ? -1 : bucket.Slot(BitOperations.TrailingZeroCount(candidates));
    }

    /// <summary>Walks all entries whose tag fits, unverified, in both buckets.</summary>
    public Probe Candidates(ulong hash) => new(this, hash);

    /// <summary>Enters a flow; false when both buckets are full: the caller evicts one of <see cref="Occupant"/>.</summary>
    public bool TryInsert(ulong hash, int slot)
    {
        ref var first = ref _buckets[(int)First(hash)];
        var free = first.Free;
        if (free != 0)
        {
            first.Set(BitOperations.TrailingZeroCount(free), Tag(hash), slot);
            return true;
        }

        ref var second = ref _buckets[(int)Second(hash)];
        free = second.Free;
        if (free == 0)
        {
            return false;
        }

        second.Set(BitOperations.TrailingZeroCount(free), Tag(hash), slot);
        if (first.Overflow != byte.MaxValue)
        {
            first.Overflow++;
        }

        return true;
    }

    /// <summary>As <see cref="TryInsert"/> for an entry that may be missing: only where there is plenty of room.</summary>
    public bool TryInsertHint(ulong hash, int slot)
    {
        const int spare = 4;
        ref var first = ref _buckets[(int)First(hash)];
        return BitOperations.PopCount(first.Free) >= spare && TryInsert(hash, slot);
    }

    /// <summary>Removes the flow's entry under this hash; false when there is none.</summary>
    public bool Remove(ulong hash, int slot)
    {
        ref var first = ref _buckets[(int)First(hash)];
        var place = first.PlaceOf(Tag(hash), slot);
        if (place >= 0)
        {
            first.Clear(place);
            return true;
        }

        ref var second = ref _buckets[(int)Second(hash)];
        place = second.PlaceOf(Tag(hash), slot);
        if (place < 0)
        {
            return false;
        }

        second.Clear(place);

        // A count that has saturated no longer knows how many there are: it stays, at the cost of a second look.
        if (first.Overflow is > 0 and < byte.MaxValue)
        {
            first.Overflow--;
        }

        return true;
    }

    /// <summary>The entry at a place of the first bucket of a hash, for choosing a victim when both are full.</summary>
    public int Occupant(ulong hash, int place) => _buckets[(int)First(hash)].Slot(place);

    public void Dispose() => _buckets.Dispose();

    /// <summary>A walk over the entries that may belong to a hash.</summary>
    public ref struct Probe(FlowIndex index, ulong hash)
    {
        private uint _candidates = index._buckets[(int)index.First(hash)].Candidates(Tag(hash));
        private bool _isSecond;

        /// <summary>The entry under the walk.</summary>
        public int Slot { get; private set; }

        public bool MoveNext()
        {
            if (_candidates == 0 && !_isSecond)
            {
                _isSecond = true;
                _candidates = index._buckets[(int)index.First(hash)].Overflow == 0
                    ? 0
                    : index._buckets[(int)index.Second(hash)].Candidates(Tag(hash));
            }

            if (_candidates == 0)
            {
                return false;
            }

            var bucket = _isSecond ? index.Second(hash) : index.First(hash);
            Slot = index._buckets[(int)bucket].Slot(BitOperations.TrailingZeroCount(_candidates));
            _candidates &= _candidates - 1;
            return true;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FindIn(ref FlowBucket bucket, byte tag, in FlowKey key, int direction, FlowMemory flows)
    {
        for (var candidates = bucket.Candidates(tag); candidates != 0; candidates &= candidates - 1)
        {
            var slot = bucket.Slot(BitOperations.TrailingZeroCount(candidates));
            ref var hot = ref flows.Hot[slot];
            if (hot.Matches(key, direction)
                || (hot.Has(FlowHot.HasTwoVnis) && flows.Cold[slot].OtherVni == key.Vni
                    && hot.MatchesApartFromTenant(key)))
            {
                return slot;
            }
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Tag(ulong hash) => (byte)((hash >> 57) | 0x80);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint First(ulong hash) => (uint)hash & _mask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Second(ulong hash) => (uint)(hash >> 28) & _mask;
}

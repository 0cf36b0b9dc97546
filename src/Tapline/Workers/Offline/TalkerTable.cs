// Who sent and received most: one entry per address, added up from finished flows. Addresses are hostile input (a scan
// has millions), so the table is bounded; what does not fit goes into one entry of its own.
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Traffic of one address.</summary>
public struct Talker
{
    public IpAddress16 Address;
    public long Frames;
    public long SentBytes;
    public long ReceivedBytes;
    public long Flows;

    /// <summary>Bytes both ways.</summary>
    public readonly long Bytes => SentBytes + ReceivedBytes;
}

/// <summary>Addresses with their totals. One thread; open addressing, grows up to its limit.</summary>
public sealed class TalkerTable
{
    private const int InitialSlots = 1 << 12;
    private Talker[] _slots = new Talker[InitialSlots];
    private Talker _others;

    /// <summary>Distinct addresses kept.</summary>
    public int Count { get; private set; }

    /// <summary>Totals of addresses that found no place; none = zero flows.</summary>
    public ref readonly Talker Others => ref _others;

    /// <summary>Adds what an address sent and received in one flow.</summary>
    public void Add(in IpAddress16 address, long frames, long sentBytes, long receivedBytes, long flows)
    {
        ref var talker = ref Find(address);
        talker.Frames += frames;
        talker.SentBytes += sentBytes;
        talker.ReceivedBytes += receivedBytes;
        talker.Flows += flows;
    }

    /// <summary>Adds all of another table.</summary>
    public void Add(TalkerTable other)
    {
        foreach (ref readonly var talker in other._slots.AsSpan())
        {
            if (talker.Flows != 0)
            {
                Add(talker.Address, talker.Frames, talker.SentBytes, talker.ReceivedBytes, talker.Flows);
            }
        }

        _others.Frames += other._others.Frames;
        _others.SentBytes += other._others.SentBytes;
        _others.ReceivedBytes += other._others.ReceivedBytes;
        _others.Flows += other._others.Flows;
    }

    /// <summary>The busiest addresses by bytes; equal ones by address, so that the order is always the same.</summary>
    public IReadOnlyList<Talker> Top(int count)
    {
        var all = new List<Talker>(Count);
        foreach (ref readonly var talker in _slots.AsSpan())
        {
            if (talker.Flows != 0)
            {
                all.Add(talker);
            }
        }

        all.Sort(Compare);
        return all.Count <= count ? all : all.GetRange(0, count);
    }

    private static int Compare(Talker a, Talker b)
    {
        var byBytes = b.Bytes.CompareTo(a.Bytes);
        return byBytes != 0 ? byBytes : Compare(a.Address, b.Address);
    }

    internal static int Compare(in IpAddress16 a, in IpAddress16 b) =>
        a.High != b.High ? a.High.CompareTo(b.High) : a.Low.CompareTo(b.Low);

    private ref Talker Find(in IpAddress16 address)
    {
        var mask = _slots.Length - 1;
        var slot = (int)Hash(address) & mask;
        while (_slots[slot].Flows != 0)
        {
            if (_slots[slot].Address == address)
            {
                return ref _slots[slot];
            }

            slot = (slot + 1) & mask;
        }

        if (Count >= Limits.OfflineTalkersMax)
        {
            return ref _others;
        }

        if (Count >= _slots.Length / 2)
        {
            Grow();
            return ref Find(address);
        }

        Count++;
        _slots[slot].Address = address;
        return ref _slots[slot];
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new Talker[old.Length * 2];
        var mask = _slots.Length - 1;
        foreach (ref readonly var talker in old.AsSpan())
        {
            if (talker.Flows != 0)
            {
                var slot = (int)Hash(talker.Address) & mask;
                while (_slots[slot].Flows != 0)
                {
                    slot = (slot + 1) & mask;
                }

                _slots[slot] = talker;
            }
        }
    }

    // The multiply-xorshift finaliser of splitmix64: an attacker who fills one chain slows one summary, nothing live.
    private static uint Hash(in IpAddress16 address)
    {
        var x = address.High ^ (address.Low * 0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)) * 0xbf58_476d_1ce4_e5b9;
        x = (x ^ (x >> 27)) * 0x94d0_49bb_1331_11eb;
        return (uint)(x >> 32);
    }
}

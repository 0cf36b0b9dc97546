// The flows' native memory and its free list. Entries are handed out lowest first and reused last-freed first, so that
// memory is touched only as far as the number of flows at once has ever reached.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Flows;

/// <summary>Owns the hot and cold arrays of a flow table. One thread.</summary>
internal sealed class FlowMemory : IDisposable
{
    private int _free;
    private int _highWater;

    public FlowMemory(int capacity)
    {
        Hot = new NativeArray<FlowHot>(capacity);
        Cold = new NativeArray<FlowCold>(capacity);
    }

    public NativeArray<FlowHot> Hot { get; }

    public NativeArray<FlowCold> Cold { get; }

    public int Capacity => Hot.Length;

    /// <summary>Entries at and above this number were never used.</summary>
    public int HighWater => _highWater;

    public bool IsFull => _free == 0 && _highWater == Hot.Length;

    public static int BytesPerFlow => NativeArray<FlowHot>.ElementBytes + NativeArray<FlowCold>.ElementBytes;

    /// <summary>A cleared entry; the caller has made sure that there is one.</summary>
    public int Take()
    {
        Invariant.Check(!IsFull);
        var slot = _highWater;
        if (_free == 0)
        {
            _highWater++;
        }
        else
        {
            slot = _free - 1;
            _free = Cold[slot].QueueNext;
            Hot[slot] = default;
            Cold[slot] = default;
        }

        Hot[slot].Flags = FlowHot.InUse;
        return slot;
    }

    /// <summary>Gives an entry back. It must be in no queue and not in the wheel.</summary>
    public void Release(int slot)
    {
        Invariant.Check(Hot[slot].Has(FlowHot.InUse));
        Hot[slot].Flags = 0;
        Cold[slot].QueueNext = _free;
        _free = slot + 1;
    }

    public void Dispose()
    {
        Hot.Dispose();
        Cold.Dispose();
    }
}

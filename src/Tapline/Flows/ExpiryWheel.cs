// When is which flow to be looked at again? Touching a flow does not move it here: a flow that was busy meanwhile is
// simply put off when its time comes. So a frame costs the wheel nothing, and each visit is one flow's work.
using Tapline.Base.Native;

namespace Tapline.Flows;

/// <summary>A wheel of one-second slots over the flows' cold entries. Times in ns of frame time.</summary>
/// <remarks>Deadlines beyond the wheel's span wait in its farthest slot and are put off there again.</remarks>
internal sealed class ExpiryWheel(NativeArray<FlowCold> cold)
{
    private const int Slots = 1024;
    private const long TickNs = 1_000_000_000;
    private readonly int[] _heads = new int[Slots];
    private long _tick = long.MinValue;

    /// <summary>Files the flow for a look at <paramref name="deadlineNs"/>; it must not be filed already.</summary>
    public void Add(int slot, long deadlineNs, long nowNs)
    {
        if (_tick == long.MinValue)
        {
            _tick = nowNs / TickNs;
        }

        var tick = Math.Clamp((deadlineNs / TickNs) + 1, _tick + 1, _tick + Slots - 1);
        var wheelSlot = (int)(tick & (Slots - 1));
        ref var entry = ref cold[slot];
        entry.WheelSlot = wheelSlot + 1;
        entry.WheelPrevious = 0;
        entry.WheelNext = _heads[wheelSlot];
        if (entry.WheelNext != 0)
        {
            cold[entry.WheelNext - 1].WheelPrevious = slot + 1;
        }

        _heads[wheelSlot] = slot + 1;
    }

    /// <summary>Takes the flow out; nothing when it is not filed.</summary>
    public void Remove(int slot)
    {
        ref var entry = ref cold[slot];
        if (entry.WheelSlot == 0)
        {
            return;
        }

        if (entry.WheelPrevious == 0)
        {
            _heads[entry.WheelSlot - 1] = entry.WheelNext;
        }
        else
        {
            cold[entry.WheelPrevious - 1].WheelNext = entry.WheelNext;
        }

        if (entry.WheelNext != 0)
        {
            cold[entry.WheelNext - 1].WheelPrevious = entry.WheelPrevious;
        }

        entry.WheelSlot = 0;
    }

    /// <summary>Takes out the next flow that is due for a look at <paramref name="nowNs"/>, or returns -1.</summary>
    public int TakeDue(long nowNs)
    {
        if (_tick == long.MinValue)
        {
            return -1;
        }

        var nowTick = nowNs / TickNs;
        if (nowTick - _tick > Slots)
        {
            // A leap (a pause in a file, a clock set right): once around the wheel meets every flow.
            _tick = nowTick - Slots;
        }

        while (_tick <= nowTick)
        {
            var head = _heads[_tick & (Slots - 1)];
            if (head != 0)
            {
                Remove(head - 1);
                return head - 1;
            }

            if (_tick == nowTick)
            {
                break;
            }

            _tick++;
        }

        return -1;
    }
}

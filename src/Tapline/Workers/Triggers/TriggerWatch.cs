// Triggers on one worker: looks at each frame while a trigger is armed, and at each flow that ends; leaves word in native memory and does
// nothing else. Allocates nothing. A trigger that has fired costs a comparison per frame until it is armed again.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>One worker's triggers. The worker's thread, but for the cells, which the control thread takes.</summary>
internal sealed class TriggerWatch : IDisposable
{
    private readonly TriggerFilter[] _triggers;
    private readonly NativeArray<TriggerCell> _cells;

    // By slot: which triggers with terms of flows have had a frame of the flow that they want. Null = there are none.
    private readonly NativeArray<uint>? _wanted;

    /// <param name="triggers">Compiled triggers, at most 32.</param>
    /// <param name="flowSlots">Slots of the worker's flow table; 0 = there is none.</param>
    public TriggerWatch(TriggerFilter[] triggers, int flowSlots)
    {
        Invariant.Check(triggers.Length is > 0 and <= Limits.TriggersMax && Limits.TriggersMax <= sizeof(uint) * 8);
        _triggers = triggers;
        _cells = new NativeArray<TriggerCell>(triggers.Length);
        var asksFlows = Array.Exists(triggers, t => t.Flows is not null);
        Invariant.Check(flowSlots > 0 || !asksFlows);
        _wanted = asksFlows ? new NativeArray<uint>(flowSlots) : null;
    }

    /// <summary>The records of live flows; null = nobody has any. Before the first frame.</summary>
    public IFlowRecords? Flows { get; set; }

    /// <summary>Looks at a frame.</summary>
    /// <param name="slot">Of its flow; -1 = it has none.</param>
    public void Offer(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot)
    {
        for (var index = 0; index < _triggers.Length; index++)
        {
            var trigger = _triggers[index];
            ref var cell = ref _cells[index];
            if (trigger.Flows is null)
            {
                if (IsArmed(cell, meta.TimestampNs) && trigger.Frames.Matches(meta, layout, frame))
                {
                    Fire(ref cell, meta.TimestampNs, slot);
                }
            }
            else if (slot >= 0 && (_wanted![slot] & (1u << index)) == 0 && trigger.Frames.Matches(meta, layout, frame))
            {
                _wanted[slot] |= 1u << index;
            }
        }
    }

    /// <summary>The flow in this slot, or a part of it, has ended. All its frames were offered.</summary>
    public void EndFlow(int slot, in FlowRecord record)
    {
        if (_wanted is null || _wanted[slot] == 0)
        {
            return;
        }

        for (var index = 0; index < _triggers.Length; index++)
        {
            ref var cell = ref _cells[index];
            if ((_wanted[slot] & (1u << index)) != 0 && IsArmed(cell, record.EndNs) && _triggers[index].Flows!.HoldAll(record))
            {
                (cell.FirstNs, cell.LastNs, cell.Flow, cell.HasFlow) = (record.StartNs, record.EndNs, record, 1);
                Volatile.Write(ref cell.IsFired, 1);
            }
        }

        if (record.EndReason != FlowEndReason.Active)
        {
            _wanted[slot] = 0;
        }
    }

    /// <summary>Takes a trigger's word, and arms it for frames from a time on. The control thread.</summary>
    public bool TryTake(int trigger, out TriggerCell fired)
    {
        ref var cell = ref _cells[trigger];
        fired = default;
        if (Volatile.Read(ref cell.IsFired) == 0)
        {
            return false;
        }

        fired = cell;
        return true;
    }

    /// <summary>Arms a trigger for frames from this time on. The control thread.</summary>
    public void Arm(int trigger, long fromNs)
    {
        ref var cell = ref _cells[trigger];
        Volatile.Write(ref cell.QuietUntilNs, fromNs);
        Volatile.Write(ref cell.IsFired, 0);
    }

    public void Dispose()
    {
        _cells.Dispose();
        _wanted?.Dispose();
    }

    private static bool IsArmed(in TriggerCell cell, long timeNs) =>
        Volatile.Read(in cell.IsFired) == 0 && timeNs >= Volatile.Read(in cell.QuietUntilNs);

    private void Fire(ref TriggerCell cell, long timeNs, int slot)
    {
        cell.FirstNs = cell.LastNs = timeNs;
        cell.HasFlow = slot >= 0 && Flows is not null ? 1 : 0;
        if (cell.HasFlow != 0)
        {
            Flows!.CopyRecord(slot, out cell.Flow);
        }

        Volatile.Write(ref cell.IsFired, 1);
    }
}

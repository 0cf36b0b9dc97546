// Triggers on one worker: looks at each frame while a trigger is armed, at a flow when its counters change, and at each flow that ends;
// leaves word in native memory and does nothing else. Allocates nothing. A trigger that has fired costs a comparison per frame until it
// is armed again; flows cost nothing where no trigger asks for them.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>One worker's triggers. The worker's thread, but for the methods of the control thread.</summary>
internal sealed class TriggerWatch : IDisposable
{
    private readonly TriggerFilter[] _triggers;
    private readonly NativeArray<TriggerCell> _cells;
    private readonly TriggerFlows? _flows;

    /// <param name="triggers">Compiled triggers, at most <see cref="Limits.TriggersMax"/>.</param>
    /// <param name="flowSlots">Slots of the worker's flow table; 0 = there is none.</param>
    public TriggerWatch(TriggerFilter[] triggers, int flowSlots)
    {
        Invariant.Check(triggers.Length is > 0 and <= Limits.TriggersMax);
        _triggers = triggers;
        _cells = new NativeArray<TriggerCell>(triggers.Length);
        AsksFlows = Array.Exists(triggers, t => t.Flows is not null);
        Invariant.Check(flowSlots > 0 || !AsksFlows);
        _flows = flowSlots > 0 && (AsksFlows || Array.Exists(triggers, t => t.IsOfFlow)) ? new TriggerFlows(triggers, flowSlots) : null;
    }

    /// <summary>The records of live flows; null = nobody has any. Before the first frame.</summary>
    public IFlowRecords? Flows { get; set; }

    /// <summary>True when a trigger has terms of flows, and wants to know which frames have news of them.</summary>
    public bool AsksFlows { get; }

    /// <summary>Looks at a frame.</summary>
    /// <param name="meta">Its facts.</param>
    /// <param name="layout">Its headers.</param>
    /// <param name="frame">Its bytes.</param>
    /// <param name="slot">Of its flow; -1 = it has none.</param>
    /// <param name="hasNews">It told more of its flow than volume; asked only where <see cref="AsksFlows"/>.</param>
    public void Offer(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot, bool hasNews)
    {
        for (var index = 0; index < _triggers.Length; index++)
        {
            var trigger = _triggers[index];
            ref var cell = ref _cells[index];
            if (trigger.Flows is { } terms)
            {
                if (slot >= 0 && !_flows!.IsDone(slot, index) && IsMoment(index, meta, layout, frame, slot, hasNews)
                    && terms.IsLive && Flows is not null && IsArmed(cell, meta.TimestampNs))
                {
                    Judge(ref cell, index, terms, meta.TimestampNs, slot);
                }
            }
            else if (IsArmed(cell, meta.TimestampNs) && trigger.Frames.Matches(meta, layout, frame))
            {
                FireOnFrame(ref cell, index, meta.TimestampNs, slot);
            }
        }
    }

    /// <summary>The flow in this slot, or a part of it, has ended. All its frames were offered.</summary>
    public void EndFlow(int slot, in FlowRecord record)
    {
        if (_flows is null)
        {
            return;
        }

        for (var index = 0; AsksFlows && index < _triggers.Length; index++)
        {
            ref var cell = ref _cells[index];
            if (_triggers[index].Flows is { } terms && _flows.IsWanted(slot, index) && !_flows.IsDone(slot, index)
                && (terms.IsLive || record.EndReason != FlowEndReason.Active) && IsArmed(cell, record.EndNs))
            {
                var startNs = _flows.StartOf(slot);
                if (terms.Hold(record, startNs, _flows.EarlierOf(slot, index)))
                {
                    _flows.SetDone(slot, index);
                    cell.Flow = record;
                    Fire(ref cell, startNs == 0 ? record.StartNs : startNs, record.EndNs, hasFlow: true, followed: 0);
                }
            }
        }

        _flows.End(slot, record);
    }

    /// <summary>Takes a trigger's word. The control thread.</summary>
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

    /// <summary>True when a flow that is followed (<see cref="TriggerCell.Followed"/>) has ended; once. The control thread.</summary>
    public bool TryTakeEnd(int followed, out long endNs) => _flows!.TryTakeEnd(followed, out endNs);

    /// <summary>Follows a flow no more. The control thread.</summary>
    public void GiveUp(int followed) => _flows!.GiveUp(followed);

    public void Dispose()
    {
        _cells.Dispose();
        _flows?.Dispose();
    }

    private static bool IsArmed(in TriggerCell cell, long timeNs) =>
        Volatile.Read(in cell.IsFired) == 0 && timeNs >= Volatile.Read(in cell.QuietUntilNs);

    // True when this frame may have made a fact true of a flow that the trigger wants.
    private bool IsMoment(int index, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot, bool hasNews)
    {
        if (_flows!.IsWanted(slot, index))
        {
            return hasNews || _triggers[index].Flows!.AsksVolume;
        }

        if (!_triggers[index].Frames.Matches(meta, layout, frame))
        {
            return false;
        }

        _flows.Want(slot, index);
        return true;
    }

    private void Judge(ref TriggerCell cell, int index, TriggerTerms terms, long timeNs, int slot)
    {
        var startNs = _flows!.StartOf(slot);
        var earlier = _flows.EarlierOf(slot, index);
        if (terms.AsksVolume)
        {
            Flows!.CopyVolume(slot, out var volume);
            if (!terms.MayHold(volume, startNs, earlier))
            {
                return;
            }
        }

        Flows!.CopyRecord(slot, out cell.Flow);
        if (!terms.Hold(cell.Flow, startNs, earlier))
        {
            return;
        }

        _flows.SetDone(slot, index);
        if (!_triggers[index].IsOfFlow)
        {
            Fire(ref cell, timeNs, timeNs, hasFlow: true, followed: 0);
            return;
        }

        startNs = startNs == 0 ? cell.Flow.StartNs : startNs;
        Fire(ref cell, Math.Min(startNs, timeNs), timeNs, hasFlow: true, _flows.Follow(slot));
    }

    private void FireOnFrame(ref TriggerCell cell, int index, long timeNs, int slot)
    {
        var hasFlow = slot >= 0 && Flows is not null;
        var firstNs = timeNs;
        var followed = 0;
        if (hasFlow)
        {
            Flows!.CopyRecord(slot, out cell.Flow);
        }

        if (hasFlow && _triggers[index].IsOfFlow)
        {
            if (_flows!.IsDone(slot, index))
            {
                return; // the file has the whole flow: its next match is in it
            }

            _flows.SetDone(slot, index);
            var startNs = _flows.StartOf(slot);
            firstNs = Math.Min(timeNs, startNs == 0 ? cell.Flow.StartNs : startNs);
            followed = _flows.Follow(slot);
        }

        Fire(ref cell, firstNs, timeNs, hasFlow, followed);
    }

    private static void Fire(ref TriggerCell cell, long firstNs, long lastNs, bool hasFlow, int followed)
    {
        (cell.FirstNs, cell.LastNs, cell.HasFlow, cell.Followed) = (firstNs, lastNs, hasFlow ? 1 : 0, followed);
        Volatile.Write(ref cell.IsFired, 1);
    }
}

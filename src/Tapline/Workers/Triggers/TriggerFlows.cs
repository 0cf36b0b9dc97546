// What the triggers of one worker know of each flow beyond its record: which triggers want it or are done with it, what earlier parts of
// it counted, and which flows are followed to their end. Native memory by slot of the flow table; a page of it costs
// nothing before a long flow touches it. The worker's thread, but for the two methods that say otherwise.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>Triggers' memory of flows. Owns its tables.</summary>
internal sealed class TriggerFlows : IDisposable
{
    private const ulong IsFollowed = 1UL << 32;
    private const int DoneShift = 16;

    // Above the other marks: number of the flow's row of earlier parts, plus one.
    private const int RowShift = 33;
    private readonly NativeArray<ulong> _marks;
    private readonly NativeArray<TriggerFollow> _followed = new(Limits.TriggerFollowedMax);

    // Rows of flows in parts: the time at which the first part began, then a number for each term of each trigger.
    private readonly NativeArray<long> _rows;
    private readonly NativeArray<int> _freeRows = new(Limits.TriggerLongFlowsMax);
    private int _rowsUsed;
    private int _rowsFreed;
    private readonly int[] _firstTerm;
    private readonly TriggerFilter[] _triggers;
    private readonly int _stride;

    public TriggerFlows(TriggerFilter[] triggers, int slots)
    {
        Invariant.Check(Limits.TriggersMax <= DoneShift);
        _triggers = triggers;
        _firstTerm = new int[triggers.Length];
        _stride = 1;
        for (var index = 0; index < triggers.Length; index++)
        {
            _firstTerm[index] = _stride;
            _stride += triggers[index].Flows?.Count ?? 0;
        }

        Invariant.Check(_stride <= Limits.TriggerFactsMax + 1);
        _marks = new NativeArray<ulong>(slots);
        _rows = new NativeArray<long>(Limits.TriggerLongFlowsMax * _stride);
    }

    /// <summary>True when the trigger has seen a frame of the flow that it wants.</summary>
    public bool IsWanted(int slot, int trigger) => (_marks[slot] & (1UL << trigger)) != 0;

    public void Want(int slot, int trigger) => _marks[slot] |= 1UL << trigger;

    /// <summary>True when the flow has set the trigger off already: it does so once.</summary>
    public bool IsDone(int slot, int trigger) => (_marks[slot] & (1UL << (trigger + DoneShift))) != 0;

    public void SetDone(int slot, int trigger) => _marks[slot] |= 1UL << (trigger + DoneShift);

    /// <summary>When the flow's first part began; 0 = it has but one.</summary>
    public long StartOf(int slot) => RowOf(slot) is var row && row < 0 ? 0 : _rows[row * _stride];

    /// <summary>What earlier parts counted for a trigger's terms; empty = there are none.</summary>
    public ReadOnlySpan<long> EarlierOf(int slot, int trigger) => RowOf(slot) is var row && row < 0 ? default : Terms(row, trigger);

    /// <summary>Follows a flow to its end; the number under which, plus one, or 0 when too many are followed.</summary>
    public int Follow(int slot)
    {
        for (var number = 0; number < _followed.Length; number++)
        {
            ref var entry = ref _followed[number];
            if (Volatile.Read(ref entry.State) == TriggerFollow.Free)
            {
                entry.Slot = slot;
                _marks[slot] |= IsFollowed;
                Volatile.Write(ref entry.State, TriggerFollow.Following);
                return number + 1;
            }
        }

        return 0;
    }

    /// <summary>True when a followed flow has ended, and then it is followed no more. The control thread.</summary>
    public bool TryTakeEnd(int followed, out long endNs)
    {
        ref var entry = ref _followed[followed - 1];
        endNs = 0;
        if (Volatile.Read(ref entry.State) != TriggerFollow.Ended)
        {
            return false;
        }

        endNs = entry.EndNs;
        Volatile.Write(ref entry.State, TriggerFollow.Free);
        return true;
    }

    /// <summary>Follows it no more. The control thread.</summary>
    public void GiveUp(int followed)
    {
        ref var entry = ref _followed[followed - 1];
        if (Interlocked.CompareExchange(ref entry.State, TriggerFollow.GivenUp, TriggerFollow.Following) == TriggerFollow.Ended)
        {
            Volatile.Write(ref entry.State, TriggerFollow.Free);
        }
    }

    /// <summary>The flow, or a part of it, has ended, and was judged.</summary>
    public void End(int slot, in FlowRecord record)
    {
        ref var marks = ref _marks[slot];
        if (record.EndReason == FlowEndReason.Active)
        {
            Carry(slot, record);
            return;
        }

        if (marks == 0)
        {
            return;
        }

        if (RowOf(slot) is >= 0 and var row)
        {
            _freeRows[_rowsFreed++] = row;
        }

        if ((marks & IsFollowed) != 0)
        {
            EndFollowed(slot, record.EndNs);
        }

        marks = 0;
    }

    public void Dispose()
    {
        _marks.Dispose();
        _rows.Dispose();
        _freeRows.Dispose();
        _followed.Dispose();
    }

    private void EndFollowed(int slot, long endNs)
    {
        for (var number = 0; number < _followed.Length; number++)
        {
            ref var entry = ref _followed[number];
            var state = Volatile.Read(ref entry.State);
            if (entry.Slot != slot || state is not (TriggerFollow.Following or TriggerFollow.GivenUp))
            {
                continue;
            }

            entry.EndNs = endNs;
            if (Interlocked.CompareExchange(ref entry.State, TriggerFollow.Ended, TriggerFollow.Following) == TriggerFollow.GivenUp)
            {
                Volatile.Write(ref entry.State, TriggerFollow.Free);
            }
        }
    }

    private int RowOf(int slot) => (int)(_marks[slot] >> RowShift) - 1;

    // Where there are more long flows than rows, the rest is judged part by part.
    private void Carry(int slot, in FlowRecord part)
    {
        var row = RowOf(slot);
        if (row < 0)
        {
            if (_rowsFreed == 0 && _rowsUsed == _freeRows.Length)
            {
                return;
            }

            row = _rowsFreed > 0 ? _freeRows[--_rowsFreed] : _rowsUsed++;
            _marks[slot] |= (ulong)(row + 1) << RowShift;
            _rows.Span.Slice(row * _stride, _stride).Clear();
            _rows[row * _stride] = part.StartNs;
        }

        for (var index = 0; index < _triggers.Length; index++)
        {
            _triggers[index].Flows?.Carry(part, Terms(row, index));
        }
    }

    private Span<long> Terms(int row, int trigger) =>
        _rows.Span.Slice((row * _stride) + _firstTerm[trigger], _triggers[trigger].Flows?.Count ?? 0);
}

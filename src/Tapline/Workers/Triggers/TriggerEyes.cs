// Looks at each frame of a worker for the triggers' sake. A trigger over frames is one match; one over flows is asked first whether
// the frame could match under any answer, and only then is the flow's record copied and judged. A trigger that has rung is quiet
// until its window has passed (scope window) or for that flow (scope flow): whoever sends matching frames at line rate costs one hit.
// Worker's thread; allocates nothing.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Record.Extract;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>The triggers of one worker. Made on the control thread, then used on the worker's.</summary>
internal sealed class TriggerEyes : IDisposable
{
    private readonly Eye[] _eyes;
    private readonly NativeArray<ushort>? _rung; // by slot: which triggers of scope flow the flow has rung

    /// <param name="plans">Without mistakes; at most <see cref="Limits.TriggersMax"/>.</param>
    /// <param name="flowSlots">Slots of the worker's flow table; 0 = flows are not followed.</param>
    public TriggerEyes(IReadOnlyList<TriggerPlan> plans, int flowSlots)
    {
        Invariant.Check(plans.Count is > 0 and <= Limits.TriggersMax);
        _eyes = [.. plans.Select(p => new Eye(p))];
        _rung = flowSlots > 0 ? new NativeArray<ushort>(flowSlots) : null;
    }

    /// <summary>Where hits go.</summary>
    public TriggerHits Hits { get; } = new();

    /// <summary>Frames that matched, those within a window that was open already included, by trigger. Any thread.</summary>
    public long MatchedOf(int trigger) => Volatile.Read(ref _eyes[trigger].Matched);

    /// <summary>Lets names stand for what the directory says. Control thread.</summary>
    public void Bind(FilterDirectory directory)
    {
        foreach (var eye in _eyes)
        {
            eye.Bind(directory);
        }
    }

    /// <summary>Looks at a frame.</summary>
    /// <param name="meta">Its facts.</param>
    /// <param name="layout">Its layout.</param>
    /// <param name="frame">Its bytes.</param>
    /// <param name="slot">Its flow's slot, the frame counted already; below 0 = none.</param>
    /// <param name="flows">Whose slots these are; null = flows are not followed.</param>
    public void Look(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot, IFlowRecords? flows)
    {
        for (var i = 0; i < _eyes.Length; i++)
        {
            var eye = _eyes[i];
            var isOfFlow = eye.Plan.Scope == TriggerScope.Flow && slot >= 0 && _rung is not null;
            if (isOfFlow && (_rung![slot] & (1 << i)) != 0)
            {
                continue;
            }

            if (!eye.CouldMatch(meta, layout, frame) || !eye.Matches(meta, layout, frame, slot, flows))
            {
                continue;
            }

            Volatile.Write(ref eye.Matched, eye.Matched + 1);
            if (isOfFlow)
            {
                _rung![slot] |= (ushort)(1 << i);
            }
            else if (eye.IsQuiet(meta.TimestampNs))
            {
                continue;
            }

            Ring(i, meta.TimestampNs, slot, flows);
        }
    }

    /// <summary>A slot of the flow table will be another flow's.</summary>
    public void Forget(int slot)
    {
        if (_rung is not null)
        {
            _rung[slot] = 0;
        }
    }

    public void Dispose()
    {
        Hits.Dispose();
        _rung?.Dispose();
    }

    private void Ring(int trigger, long timeNs, int slot, IFlowRecords? flows)
    {
        _eyes[trigger].BeQuietFrom(timeNs);
        if (!Hits.TryPlace(out var place))
        {
            return;
        }

        ref var hit = ref Hits.At(place);
        hit.Trigger = trigger;
        hit.TimeNs = timeNs;
        hit.HasFlow = slot >= 0 && flows is not null ? 1 : 0;
        if (hit.HasFlow != 0)
        {
            flows!.CopyRecord(slot, out hit.Flow);
        }

        Hits.Publish();
    }

    private sealed class Eye
    {
        private readonly FlowTerms _terms;
        private readonly CompiledFilter?[] _byTruths; // by the answers to the terms, a bit each; null = never
        private long _quietFromNs = long.MinValue;

        public Eye(TriggerPlan plan)
        {
            Plan = plan;
            var filter = ExtractFilter.Compile(plan.When, out var error);
            Invariant.Check(filter is not null && error is null && filter.Terms.Count <= TriggerPlan.FlowTermsMax);
            _terms = filter.Terms;
            _byTruths = new CompiledFilter?[1 << _terms.Count];
            for (var truths = 0; truths < _byTruths.Length; truths++)
            {
                _byTruths[truths] = filter.Residual((ulong)truths);
            }
        }

        public long Matched;

        public TriggerPlan Plan { get; }

        public void Bind(FilterDirectory directory)
        {
            foreach (var residual in _byTruths)
            {
                residual?.Bind(directory);
            }
        }

        public bool CouldMatch(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
        {
            foreach (var residual in _byTruths)
            {
                if (residual is not null && residual.Matches(meta, layout, frame))
                {
                    return true;
                }
            }

            return false;
        }

        // Known: the frame matches under some answers.
        public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot, IFlowRecords? flows)
        {
            if (_terms.Count == 0)
            {
                return true;
            }

            var truths = 0UL;
            if (slot >= 0 && flows is not null)
            {
                flows.CopyRecord(slot, out var record);
                truths = _terms.Truths(record);
            }

            return _byTruths[truths] is { } residual && residual.Matches(meta, layout, frame);
        }

        // A clock that was set back ends the quiet: better one incident too many.
        public bool IsQuiet(long timeNs) => timeNs >= _quietFromNs && timeNs - _quietFromNs < Plan.AfterNs && _quietFromNs != long.MinValue;

        public void BeQuietFrom(long timeNs) => _quietFromNs = timeNs;
    }
}

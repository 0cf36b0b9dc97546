// A batch's way through the stages: decode all, find all flows, mirror all, record all, count all. One after the other
// over the whole batch, so that each stage's code and tables stay in the cache, and all of it on one thread (D4).
// In: a leased batch, whose bytes the caller gives back afterwards. Out: whatever the stages keep in memory of theirs.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Mirror;
using Tapline.Mirror.Canary;
using Tapline.Record;
using Tapline.Store;
using Tapline.Workers.Past;
using Tapline.Workers.Triggers;

namespace Tapline.Workers;

/// <summary>The stages of one worker. Used by its thread only; owns none of them but its scratch memory.</summary>
public sealed class Pipeline<TSink> : IFlowEndings, IDisposable where TSink : IRecordSink
{
    private readonly NativeArray<FrameLayout> _layouts = new(Limits.BatchFramesMax);
    private readonly AppendResult[] _appended = new AppendResult[Limits.BatchFramesMax];
    private readonly bool[] _isCanary = new bool[Limits.BatchFramesMax];

    // Of each frame's flow, the frame included. All false without flow accounting.
    private readonly bool[] _hasEvent = new bool[Limits.BatchFramesMax];

    // Frames that told more of their flow than volume; filled where triggers ask for flows.
    private readonly bool[] _hasNews = new bool[Limits.BatchFramesMax];

    private readonly int[] _slots = new int[Limits.BatchFramesMax];
    private FrameBatch? _batch;
    private int _observing;
    private int _recorded;
    private bool _hasCanary;

    /// <summary>The worker's counters.</summary>
    public required WorkerCounts Counts { get; init; }

    /// <summary>Flow accounting; null = frames are only decoded.</summary>
    public FlowTable<TSink>? Flows { get; init; }

    /// <summary>Mirror sessions, each offered every frame. Changed between two batches, on the worker's thread.</summary>
    public MirrorSession[] Mirrors { get; set; } = [];

    /// <summary>Gates of the sessions that are still in the past, and so not among <see cref="Mirrors"/>. Changed likewise.</summary>
    internal PastGate[] Gates { get; set; } = [];

    /// <summary>Where frames are recorded; null = nowhere.</summary>
    public SegmentRecorder? Recorder { get; init; }

    /// <summary>Which frames are recorded.</summary>
    public CompiledFilter RecordFilter { get; init; } = CompiledFilter.Everything;

    /// <summary>How much of each frame is recorded; null = all of it. Owned.</summary>
    internal FrameTake? RecordTake { get; init; }

    /// <summary>Classes of the recording, which come before <see cref="Recorder"/>; null = there are none.</summary>
    internal RecordClasses? Classes { get; init; }

    /// <summary>Triggers of the recording; null = there are none. Owned.</summary>
    internal TriggerWatch? Triggers { get; init; }

    /// <summary>By which the engine knows its own canaries: they are for mirror sessions only, no machine sent them.</summary>
    public ulong CanarySecret { get; init; }

    /// <summary>Walks the batch through all stages and counts it.</summary>
    /// <returns>Time of the batch's last frame.</returns>
    public long Process(FrameBatch batch)
    {
        var count = batch.Count;
        Invariant.Check(count > 0 && count <= Limits.BatchFramesMax);
        _hasCanary = false;
        for (var i = 0; i < count; i++)
        {
            FrameDecoder.Decode(batch.Bytes(i), batch.Meta(i), out _layouts[i]);
            if (_layouts[i].EtherType == CanaryFrame.EtherType)
            {
                NoteCanary(batch, i);
            }
        }

        (_batch, _recorded) = (batch, 0);
        if (Flows is not null)
        {
            Observe(Flows, batch, count);
        }

        foreach (var mirror in Mirrors)
        {
            for (var i = 0; i < count; i++)
            {
                mirror.Offer(batch.Meta(i), _layouts[i], batch.Bytes(i), _hasEvent[i]);
            }
        }

        if (Recorder is not null)
        {
            Record(Recorder, batch, count);
        }

        foreach (var gate in Gates)
        {
            gate.Take(batch, _layouts.Span, _appended, _hasEvent, _hasCanary ? _isCanary : default);
        }

        _batch = null;
        Count(batch, count);
        return batch.Meta(count - 1).TimestampNs;
    }

    /// <summary>Connects flows and recorder, so that each segment's index knows its flows. Before the first frame.</summary>
    public void IndexFlows()
    {
        if (Flows is not null && Recorder is not null)
        {
            Flows.Endings = this;
            Recorder.Flows = Flows;
            Classes?.SetFlows(Flows);
            if (Triggers is not null)
            {
                Triggers.Flows = Flows;
            }
        }
    }

    /// <summary>
    /// A flow's slot is about to be another's: what the batch has shown of it so far is recorded first, so that each frame is
    /// recorded while its slot still stands for its flow.
    /// </summary>
    public void Ended(int slot, in FlowRecord record)
    {
        if (_batch is not null)
        {
            Record(Recorder!, _batch, _observing);
        }

        Recorder!.EndFlow(slot, record);
        RecordTake?.EndFlow(slot, record);
        Classes?.EndFlow(slot, record);
        Triggers?.EndFlow(slot, record);
    }

    /// <summary>Publishes the flow table's totals with the others.</summary>
    public void PublishFlowCounters()
    {
        if (Flows is null)
        {
            return;
        }

        ref readonly var flows = ref Flows.Counters;
        Counts.BeginUpdate();
        ref var totals = ref Counts.Totals;
        totals.FlowsActive = flows.Active;
        totals.FlowsCreated = flows.Created;
        totals.FlowsEvicted = flows.Evicted;
        totals.FlowRecords = flows.RecordsWritten;
        Counts.EndUpdate();
    }

    public void Dispose()
    {
        _layouts.Dispose();
        Triggers?.Dispose();
        RecordTake?.Dispose();
        Classes?.Dispose();
    }

    private bool IsCanary(int i) => _hasCanary && _isCanary[i];

    private void NoteCanary(FrameBatch batch, int i)
    {
        if (!_hasCanary)
        {
            Array.Clear(_isCanary);
        }

        _isCanary[i] = CanaryFrame.TryRead(batch.Bytes(i), CanarySecret, out _, out _);
        _hasCanary = true;
    }

    /// <summary>Three passes: a flow lookup misses the cache twice, and the misses of a batch overlap this way.</summary>
    private void Observe(FlowTable<TSink> flows, FrameBatch batch, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (!IsCanary(i))
            {
                flows.Prepare(i, _layouts[i], batch.Bytes(i));
            }
        }

        flows.PrefetchLanes(count);

        for (var i = 0; i < count; i++)
        {
            _observing = i;
            if (!IsCanary(i))
            {
                _slots[i] = flows.ObservePrepared(i, batch.Meta(i), _layouts[i], batch.Bytes(i));
                _hasEvent[i] = flows.HasEvent(_slots[i]);
                if (Triggers is { AsksFlows: true })
                {
                    _hasNews[i] = flows.HasNews;
                }
            }
        }
    }

    /// <summary>Records the batch's frames below <paramref name="end"/> that are not recorded yet.</summary>
    private void Record(SegmentRecorder recorder, FrameBatch batch, int end)
    {
        for (; _recorded < end; _recorded++)
        {
            var i = _recorded;
            ref readonly var meta = ref batch.Meta(i);
            if (Triggers is not null && !IsCanary(i))
            {
                Triggers.Offer(meta, _layouts[i], batch.Bytes(i), Flows is null ? -1 : _slots[i], _hasNews[i]);
            }

            if (Classes is not null && TryClasses(Classes, recorder, batch, i))
            {
                continue;
            }

            var frame = batch.Bytes(i);
            if (!IsCanary(i) && RecordTake is not { IsNothing: true } && RecordFilter.Matches(meta, _layouts[i], frame))
            {
                var slot = Flows is null ? -1 : _slots[i];
                var kept = RecordTake is null ? frame.Length : RecordTake.BytesOf(meta, _layouts[i], frame, slot);
                _appended[i] = recorder.Append(meta, frame[..kept], slot, _layouts[i]);
            }
            else
            {
                _appended[i] = NotWanted;
                recorder.CountFiltered(meta.PointId);
            }
        }
    }

    /// <summary>True when a class has taken the frame, or chosen not to keep it.</summary>
    private bool TryClasses(RecordClasses classes, SegmentRecorder recorder, FrameBatch batch, int i)
    {
        var point = batch.Meta(i).PointId;
        if (IsCanary(i))
        {
            classes.CountOther(point);
            return false;
        }

        var slot = Flows is null ? -1 : _slots[i];
        var isTaken = classes.TryTake(batch.Meta(i), _layouts[i], batch.Bytes(i), slot, out var isKept, out var result);
        _appended[i] = isKept ? result : NotWanted;
        if (isTaken && isKept)
        {
            recorder.CountOtherClass(point);
        }
        else if (isTaken)
        {
            recorder.CountFiltered(point);
        }

        return isTaken;
    }

    private const AppendResult NotWanted = (AppendResult)0xff;

    private void Count(FrameBatch batch, int count)
    {
        var isRecording = Recorder is not null;
        Counts.BeginUpdate();
        for (var i = 0; i < count; i++)
        {
            ref var point = ref Counts.Count(batch.Meta(i), _layouts[i]);
            if (isRecording && _appended[i] != NotWanted)
            {
                if (_appended[i] == AppendResult.Recorded)
                {
                    point.Recorded++;
                }
                else
                {
                    point.DroppedRecorder++;
                }
            }
        }

        ref var totals = ref Counts.Totals;
        totals.Frames += count;
        totals.Batches++;
        Counts.EndUpdate();
    }
}

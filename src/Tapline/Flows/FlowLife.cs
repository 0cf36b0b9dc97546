// The life of flows: found, born, counted, cut into parts, ended; by whom and when is decided elsewhere. Owns all memory
// of a flow table. What ends gives one record to the sink. One thread.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>The flows of one table and the rules of their coming and going.</summary>
internal sealed class FlowLife<TSink> : IDisposable where TSink : IRecordSink
{
    private const int ExpiryWorkMax = 512;
    private readonly FlowTableOptions _options;
    private readonly FlowIndex _index;
    private readonly FlowDirectory _directory;
    private readonly ExpiryWheel _wheel;
    private readonly EvictionQueues _queues;
    private readonly VictimFinder _victims;
    private readonly uint _activeSeconds;
    private readonly bool _expires;
    private readonly bool _isTimed;
    private TSink _sink;
    private ulong _nextFlowId;

    public FlowLife(FlowTableOptions options, TSink sink)
    {
        Invariant.Check(options.Capacity >= FlowBucket.Places);
        _options = options;
        _sink = sink;
        Memory = new FlowMemory(options.Capacity);
        _index = new FlowIndex(options.Capacity);
        _directory = new FlowDirectory(Memory, _index, options.HashSeed);
        _wheel = new ExpiryWheel(Memory.Cold);
        _queues = new EvictionQueues(Memory.Cold);
        _victims = new VictimFinder(Memory, _queues);
        _nextFlowId = ((ulong)options.FlowIdPrefix << 48) + 1;
        _activeSeconds = (uint)(options.ActiveTimeoutNs / 1_000_000_000);
        _expires = (options.TcpIdleNs | options.TcpEndedNs | options.TcpUnansweredNs | options.UdpIdleNs
            | options.OtherIdleNs) != 0;
        _isTimed = _expires || _activeSeconds != 0;
    }

    public FlowCounters Counters;

    /// <summary>The latest frame changed more of its flow than its volume.</summary>
    public bool HasNews;

    /// <summary>Who hears of ends, or null.</summary>
    public IFlowEndings? Endings { get; set; }

    public FlowMemory Memory { get; }

    /// <summary>
    /// Brings the memory of a batch's flows near, in two tight loops, so that many misses are under way at once: the index
    /// lines, then the three lines of each probable flow. Returns a number that means nothing.
    /// </summary>
    public int Prefetch(ReadOnlySpan<PreparedKey> lanes)
    {
        var sum = 0;
        foreach (ref readonly var lane in lanes)
        {
            sum += _index.Touch(lane.Hash);
        }

        foreach (ref readonly var lane in lanes)
        {
            sum += Memory.Hot.Touch(_index.Guess(lane.Hash));
        }

        return sum;
    }

    /// <summary>The flow of a prepared frame as it stands, or -1.</summary>
    public int Find(in PreparedKey prepared) => _directory.Find(prepared);

    /// <summary>The flow of a prepared frame, born now where there was none or the old one has timed out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindOrCreate(in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var slot = _directory.Find(prepared);
        if (slot < 0)
        {
            return CreateOrAdopt(prepared, meta, layout, frame);
        }

        return _isTimed ? MeetTimeouts(slot, prepared, meta, layout, frame) : slot;
    }

    public int Create(in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var slot = TakeSlot(prepared, meta.TimestampNs);
        ref var hot = ref Memory.Hot[slot];
        FlowBirth.Fill(ref hot, ref Memory.Cold[slot], prepared, meta, layout, frame);
        if (hot.State == FlowState.SynUnanswered)
        {
            _queues.Move(slot, EvictionClass.Unanswered);
        }

        FileForExpiry(slot, meta.TimestampNs);
        return slot;
    }

    /// <summary>A flow without ports for fragments whose first one never came.</summary>
    public int CreateForFragments(in PreparedKey prepared, in FragmentEntry entry)
    {
        var slot = TakeSlot(prepared, entry.FirstNs);
        FlowBirth.FillFromFragments(ref Memory.Hot[slot], ref Memory.Cold[slot], entry);
        FileForExpiry(slot, entry.LastNs);
        return slot;
    }

    /// <summary>Files the flow anew after its connection has turned to another state.</summary>
    public void Turned(int slot, long nowNs)
    {
        _queues.Move(slot, TcpConnection.EvictionClassOf(Memory.Hot[slot].State));
        if (_expires)
        {
            _wheel.Remove(slot);
            FileForExpiry(slot, nowNs);
        }
    }

    /// <summary>Ends flows that are idle; bounded work per call.</summary>
    public void Advance(long nowNs)
    {
        if (!_expires)
        {
            return;
        }

        for (var work = 0; work < ExpiryWorkMax; work++)
        {
            var slot = _wheel.TakeDue(nowNs);
            if (slot < 0)
            {
                return;
            }

            ref var hot = ref Memory.Hot[slot];
            var idleNs = FlowTimeouts.IdleNs(_options, hot);
            var deadlineNs = hot.LastNs + idleNs;
            if (idleNs != 0 && deadlineNs <= nowNs)
            {
                Finish(slot, FlowEndReason.Idle);
            }
            else if (idleNs != 0)
            {
                _wheel.Add(slot, deadlineNs, nowNs);
            }
        }
    }

    /// <summary>Ends all flows.</summary>
    public void FinishAll(FlowEndReason reason)
    {
        for (var slot = 0; slot < Memory.HighWater; slot++)
        {
            if (Memory.Hot[slot].Has(FlowHot.InUse))
            {
                Finish(slot, reason);
            }
        }

        Invariant.Check(Counters.Active == 0);
    }

    public void Finish(int slot, FlowEndReason reason)
    {
        WriteRecord(slot, reason);
        _wheel.Remove(slot);
        _queues.Move(slot, EvictionClass.None);
        _directory.Leave(slot);
        Memory.Release(slot);
        Counters.Active--;
    }

    /// <summary>Writes the record so far of a flow that goes on, and starts its next part.</summary>
    public void CutPart(int slot, long nowNs)
    {
        WriteRecord(slot, FlowEndReason.Active);
        FlowBirth.BeginPart(ref Memory.Hot[slot], ref Memory.Cold[slot], nowNs);
    }

    public void Dispose()
    {
        Memory.Dispose();
        _index.Dispose();
    }

    private int MeetTimeouts(
        int slot, in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var hot = ref Memory.Hot[slot];
        var idleNs = FlowTimeouts.IdleNs(_options, hot);
        if (idleNs != 0 && meta.TimestampNs - hot.LastNs >= idleNs)
        {
            // The wheel has not come by yet; the frame's time decides, so that a replay gives the same records.
            Finish(slot, FlowEndReason.Idle);
            return Create(prepared, meta, layout, frame);
        }

        if (_activeSeconds != 0 && (uint)(meta.TimestampNs / 1_000_000_000) - hot.StartSeconds >= _activeSeconds
            && meta.TimestampNs > hot.LastNs)
        {
            CutPart(slot, meta.TimestampNs);
        }

        return slot;
    }

    private int CreateOrAdopt(in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var slot = _directory.FindAcrossTags(prepared, new FrameEnds(layout, frame));
        if (slot < 0)
        {
            return Create(prepared, meta, layout, frame);
        }

        Counters.VniAsymmetries += prepared.Key.Vni != 0 ? 1 : 0;
        Counters.VlanAsymmetries += prepared.Key.Vni == 0 ? 1 : 0;
        return slot;
    }

    private void FileForExpiry(int slot, long nowNs)
    {
        var idleNs = _expires ? FlowTimeouts.IdleNs(_options, Memory.Hot[slot]) : 0;
        if (idleNs != 0)
        {
            _wheel.Add(slot, nowNs + idleNs, nowNs);
        }
    }

    /// <summary>A cleared entry under the key, with its id; evicts where there is no room.</summary>
    private int TakeSlot(in PreparedKey prepared, long nowNs)
    {
        if (Memory.IsFull)
        {
            Evict(_victims.Choose(nowNs));
        }

        var slot = Memory.Take();
        var key = prepared.Key;
        ref var hot = ref Memory.Hot[slot];
        (hot.AHigh, hot.ALow, hot.BHigh, hot.BLow) = (key.AHigh, key.ALow, key.BHigh, key.BLow);
        (hot.Ports, hot.Vni, hot.Scope0, hot.Scope1) = (key.Ports, key.Vni, key.Scope, key.Scope);
        while (!_directory.TryEnter(slot, prepared))
        {
            Counters.EvictedByIndex++;
            Evict(_directory.VictimFor(prepared.Hash));
        }

        Memory.Cold[slot].FlowId = _nextFlowId++;
        Counters.Created++;
        Counters.Active++;
        return slot;
    }

    private void Evict(int slot)
    {
        switch (Memory.Cold[slot].EvictionClass)
        {
            case EvictionClass.Unanswered: Counters.EvictedUnanswered++; break;
            case EvictionClass.Ended: Counters.EvictedEnded++; break;
            default: Counters.EvictedActive++; break;
        }

        Finish(slot, FlowEndReason.Evicted);
    }

    private void WriteRecord(int slot, FlowEndReason reason)
    {
        ref var hot = ref Memory.Hot[slot];
        FlowRecordBuilder.Build(hot, Memory.Cold[slot], reason, out var record);
        Endings?.Ended(slot, record);
        if (hot.Direction0.Frames == 0 && hot.Direction1.Frames == 0)
        {
            // A part that was cut at its last frame: nothing to tell.
            return;
        }

        _sink.Write(record);
        Counters.RecordsWritten++;
    }
}

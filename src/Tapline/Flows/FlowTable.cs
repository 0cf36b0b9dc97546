// Frames become flows here. In: a frame's metadata, layout and bytes, borrowed for the call. Out: the flow's slot, and
// sooner or later one record for each flow (or each part of a long one) to the sink. All memory is native and sized at
// the start; a full table evicts (counted), it never grows, waits or drops a frame. One thread.
//
// A frame of a known flow touches four cache lines: a bucket of the index and the three of FlowHot. Over a batch, call
// Prepare for all frames, then PrefetchLanes once, then ObservePrepared for all, and the lines are there in time.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>The flows of one worker. Not thread-safe; all memory is native and bounded; nothing allocated per frame.</summary>
public sealed class FlowTable<TSink> : IFlowRecords, IDisposable where TSink : IRecordSink
{
    private readonly ulong _seed;
    private readonly FlowLife<TSink> _life;
    private readonly TcpDesk<TSink> _tcp;
    private readonly FrameCounter<TSink> _counter;
    private readonly FragmentDesk<TSink> _fragments;
    private readonly BusiestFlows _busiest = new();
    private readonly PreparedKey[] _lanes = new PreparedKey[Limits.BatchFramesMax];

    // Keeps the loads of the prefetch pass alive; the sum means nothing.
    private int _touched;

    /// <summary>Makes an empty table that writes finished records to <paramref name="sink"/>.</summary>
    public FlowTable(FlowTableOptions options, TSink sink)
    {
        ArgumentNullException.ThrowIfNull(options);
        _seed = options.HashSeed;
        _life = new FlowLife<TSink>(options, sink);
        _tcp = new TcpDesk<TSink>(_life);
        _counter = new FrameCounter<TSink>(_life, _busiest);
        _fragments = new FragmentDesk<TSink>(options, _life, _counter, _tcp);
    }

    /// <summary>Native bytes per flow of capacity, index included.</summary>
    public static int BytesPerFlow => FlowMemory.BytesPerFlow + 16;

    /// <summary>Who hears of the end of each flow and part, before its slot is used again; null = nobody.</summary>
    public IFlowEndings? Endings
    {
        get => _life.Endings;
        set => _life.Endings = value;
    }

    /// <summary>Totals so far.</summary>
    public ref readonly FlowCounters Counters => ref _life.Counters;

    /// <summary>First of three passes over a batch (optional): works out the frame's key into lane
    /// <paramref name="lane"/> (below <see cref="Limits.BatchFramesMax"/>).</summary>
    public void Prepare(int lane, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var prepared = ref _lanes[lane];
        FlowKeyReader.Read(layout, frame, out prepared);
        prepared.Hash = prepared.Key.Hash(_seed);
    }

    /// <summary>Second pass (optional): brings the flows' memory near for the first <paramref name="count"/> lanes.</summary>
    public void PrefetchLanes(int count) => _touched += _life.Prefetch(_lanes.AsSpan(0, count));

    /// <summary>Counts one frame; returns the flow's slot, or -1 when it has none (yet).</summary>
    public int Observe(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        Prepare(0, layout, frame);
        return ObservePrepared(0, meta, layout, frame);
    }

    /// <summary>Third pass: as <see cref="Observe"/> for a prepared lane.</summary>
    public int ObservePrepared(int lane, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var prepared = ref _lanes[lane];
        _life.HasNews = false;
        _life.Counters.Frames++;
        if (!prepared.IsFlow)
        {
            _life.Counters.FramesWithoutFlow++;
            return -1;
        }

        if ((layout.Flags & LayoutFlags.IsFragment) != 0)
        {
            return _fragments.Observe(prepared, meta, layout, frame);
        }

        if ((layout.Flags & LayoutFlags.QuotesPacket) != 0)
        {
            NoteQuoted(layout, frame);
        }

        var slot = _life.FindOrCreate(prepared, meta, layout, frame);
        if (layout.IpProtocol == FlowProtocol.Tcp && layout.IpVersion != 0
            && (layout.Flags & LayoutFlags.HasTransport) != 0
            && TcpSegment.TryRead(meta, layout, frame, out var segment))
        {
            if ((segment.Flags & TcpFlag.Syn) != 0)
            {
                slot = _tcp.MeetSyn(slot, prepared, meta, layout, frame, segment);
            }

            var gsoSize = FrameCounter<TSink>.GsoSizeOf(meta);
            _tcp.Judge(slot, prepared.Direction, segment, layout, frame, gsoSize);
        }

        _counter.Count(slot, prepared.Direction, meta, layout, frame);
        return slot;
    }

    /// <summary>
    /// True when something went wrong in the flow of <paramref name="slot"/>, as <see cref="ObservePrepared"/> just gave it: a
    /// retransmission, a hole, a closed window, a reset, an ICMP error about it. Holds until the next part of the flow.
    /// </summary>
    public bool HasEvent(int slot) => slot >= 0 && _life.Memory.Hot[slot].Has(FlowHot.HasEvent);

    /// <summary>True when the latest frame told more of its flow than volume: a finding of sequence analysis, a step of the
    /// connection or of its handshake.</summary>
    public bool HasNews => _life.HasNews;

    /// <summary>Tells the flow that an ICMP error quotes of it. Only for errors whose own flow lives in another table;
    /// <see cref="ObservePrepared"/> does it for its own.</summary>
    public void NoteQuoted(in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (!QuotedPacket.TryLayout(layout, frame, out var quoted))
        {
            return;
        }

        FlowKeyReader.Read(quoted, frame, out var about);
        about.Hash = about.Key.Hash(_seed);
        var slot = _life.Find(about);
        if (slot >= 0)
        {
            _life.Memory.Hot[slot].Flags |= FlowHot.HasEvent;
            _life.Memory.Cold[slot].IcmpErrors++;
            _life.Counters.IcmpErrorsMatched++;
        }
    }

    /// <summary>Ends flows that are idle at <paramref name="nowNs"/> (frame time); bounded work per call.</summary>
    public void Advance(long nowNs)
    {
        _fragments.Advance(nowNs);
        _life.Advance(nowNs);
    }

    /// <summary>Writes the records of all flows and empties the table.</summary>
    public void Flush(FlowEndReason reason)
    {
        _fragments.SettleAll();
        _life.FinishAll(reason);
    }

    /// <summary>Copies records so far of the flows that carried most bytes lately, busiest first; returns how many.</summary>
    public int CopyBusiest(Span<FlowRecord> destination)
    {
        var count = 0;
        while (count < destination.Length)
        {
            var slot = _busiest.TakeRichest(out var flowId);
            if (slot < 0)
            {
                break;
            }

            ref var hot = ref _life.Memory.Hot[slot];
            if (hot.Has(FlowHot.InUse) && _life.Memory.Cold[slot].FlowId == flowId)
            {
                CopyRecord(slot, out destination[count++]);
            }
        }

        _busiest.EndRound();
        return count;
    }

    /// <summary>Copies the record so far of the flow in <paramref name="slot"/>, as <see cref="Observe"/> gave it.</summary>
    public void CopyRecord(int slot, out FlowRecord record)
    {
        ref var hot = ref _life.Memory.Hot[slot];
        Invariant.Check(hot.Has(FlowHot.InUse));
        FlowRecordBuilder.Build(hot, _life.Memory.Cold[slot], FlowEndReason.None, out record);
    }

    /// <summary>Copies what the flow in <paramref name="slot"/> has carried so far.</summary>
    public void CopyVolume(int slot, out FlowVolume volume)
    {
        ref var hot = ref _life.Memory.Hot[slot];
        Invariant.Check(hot.Has(FlowHot.InUse));
        volume = new FlowVolume
        {
            Frames = (long)hot.Direction0.Frames + hot.Direction1.Frames,
            Bytes = hot.Direction0.Bytes + hot.Direction1.Bytes,
            PayloadBytes = hot.Direction0.PayloadBytes + hot.Direction1.PayloadBytes,
            StartNs = hot.StartSeconds * Clock.SecondNs,
            EndNs = hot.LastNs,
        };
    }

    /// <summary>Gives the memory back; flows not flushed are lost.</summary>
    public void Dispose()
    {
        _life.Dispose();
        _fragments.Dispose();
    }
}

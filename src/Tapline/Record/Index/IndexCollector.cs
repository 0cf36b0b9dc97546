// Follows one worker's frames into the index of the segment under way. A frame comes with the slot of its flow in the
// worker's table; slots are used again by other flows, so the table tells of each end before it frees a slot, and the
// frames before that have been told by then. Per frame eight bytes are written and two dozen looked at; nothing is allocated.
// What a frame's head says is taken in when its flow has not shown it lately. At a segment's end the records of the flows that live on
// are copied: bounded by Limits.IndexFlowsPerSegment.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Fills index memories, one after the other. Worker's thread.</summary>
internal sealed class IndexCollector : IDisposable
{
    private const int SmallestBlockBytes = 64;
    private const int BytesPerFlowMin = 512;
    private const int FlowsMin = 1024;
    private const int NoSlot = -1;
    private const int RowsPerFlowMax = 64;
    private readonly IndexBuffer[] _buffers;
    private readonly HandoverRing _free;
    private readonly NativeArray<SlotFlow> _flowOfSlot;
    private readonly LooseFlows _loose = new();

    // Guests choose their frames: none can choose two heads of one fingerprint.
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();
    private int _current = -1;
    private int _spare = -1;
    private uint _mark;

    /// <summary>Makes memories of so many frames and flows each, and room for so many slots.</summary>
    public IndexCollector(int frames, int flows, int slots, int memories)
    {
        _buffers = new IndexBuffer[memories];
        _free = new HandoverRing(_buffers.Length);
        for (var i = 0; i < _buffers.Length; i++)
        {
            _buffers[i] = new IndexBuffer(frames, flows);
            _free.Put(i);
        }

        _flowOfSlot = new NativeArray<SlotFlow>(slots);
    }

    /// <summary>For the segments of a recorder.</summary>
    public static IndexCollector ForSegments(long segmentBytes, int slots) => new(
        (int)Math.Min(Limits.IndexFramesPerSegment, segmentBytes / SmallestBlockBytes),
        (int)Math.Clamp(segmentBytes / BytesPerFlowMin, FlowsMin, Limits.IndexFlowsPerSegment),
        slots,
        Limits.IndexBuffersPerWorker);

    /// <summary>Where records of flows that are still alive come from.</summary>
    public IFlowRecords? Flows { get; set; }

    /// <summary>Segments that got no index because the ones before were still being written.</summary>
    public long Missed { get; private set; }

    /// <summary>The next segment gets a memory. Worker's thread.</summary>
    public bool HasRoom => _spare >= 0 || _free.Count > 0;

    /// <summary>The segment must end: its index has no more room.</summary>
    public bool IsFull => _current >= 0 && _buffers[_current].IsFull;

    /// <summary>A memory that was handed over. Writer's thread.</summary>
    public IndexBuffer this[int buffer] => _buffers[buffer];

    /// <summary>Gives a memory back. Writer's thread.</summary>
    public void Return(int buffer)
    {
        _buffers[buffer].Reset();
        _free.Put(buffer);
    }

    /// <summary>A new segment begins.</summary>
    public void Begin(long sequence)
    {
        Invariant.Check(_current < 0);
        _mark++;
        _loose.Clear();
        (_current, _spare) = (_spare, -1);
        if (_current < 0 && !_free.TryTake(out _current))
        {
            Missed++;
            return;
        }

        _buffers[_current].Sequence = sequence;
    }

    /// <summary>Notes a recorded frame.</summary>
    /// <param name="slot">Of its flow; below 0: it belongs to no flow.</param>
    /// <param name="offset">Of its block in the segment.</param>
    /// <param name="meta">Its facts.</param>
    /// <param name="layout">As decoded; a blank one where it was not.</param>
    /// <param name="frame">Its bytes, borrowed for the call.</param>
    public void Add(int slot, long offset, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (_current < 0)
        {
            return;
        }

        var buffer = _buffers[_current];
        var isTold = FrameHead.IsTold(meta, layout, frame);
        var print = isTold ? FrameHead.Fingerprint(_seed, meta, layout, frame) : 0;
        var flow = 0;
        if (slot >= 0)
        {
            ref var entry = ref EntryOf(buffer, slot);
            flow = entry.Flow;
            if (flow != 0 && (!isTold || (print != entry.Print && print != entry.OtherPrint)))
            {
                (entry.OtherPrint, entry.Print) = (entry.Print, print);
                flow = TakeHead(buffer, flow, isTold, meta, layout, frame);
                (entry.OtherPrint, entry.Flow) = flow == entry.Flow ? (entry.OtherPrint, flow) : (print, flow);
            }
        }
        else if (isTold && (layout.Flags & (LayoutFlags.IsFragment | LayoutFlags.FirstFragment)) == LayoutFlags.IsFragment)
        {
            flow = LooseOf(buffer, print, meta, layout, frame);
        }

        buffer.AddFrame(flow, offset, meta.TimestampNs);
    }

    /// <summary>The flow in this slot, or a part of it, has ended.</summary>
    public void EndFlow(int slot, in FlowRecord record)
    {
        ref var entry = ref _flowOfSlot[slot];
        if (_current >= 0 && entry.Mark == _mark)
        {
            _buffers[_current].EndFlow(entry.Flow, record);
        }

        entry = default;
    }

    /// <summary>The segment has ended: its memory with all records, for the writer; -1 = it has none.</summary>
    public int Finish()
    {
        var finished = _current;
        if (finished >= 0)
        {
            var buffer = _buffers[finished];
            for (var flow = 1; flow < buffer.Flows; flow++)
            {
                var slot = buffer.SlotOf(flow);
                if (slot >= 0)
                {
                    Invariant.Check(Flows is not null);
                    Flows.CopyRecord(slot, out var record);
                    buffer.EndFlow(flow, record);
                }
            }
        }

        _current = -1;
        return finished;
    }

    /// <summary>The segment was given up: what was noted of it is forgotten.</summary>
    public void Abandon()
    {
        if (_current >= 0)
        {
            // The taking end of the ring is this thread's, the putting end the writer's: the memory is kept, not put back.
            _buffers[_current].Reset();
            _spare = _current;
            _current = -1;
        }
    }

    /// <summary>Releases the memories; the writer must have ended.</summary>
    public void Dispose()
    {
        Array.ForEach(_buffers, b => b.Dispose());
        _flowOfSlot.Dispose();
    }

    private ref SlotFlow EntryOf(IndexBuffer buffer, int slot)
    {
        ref var entry = ref _flowOfSlot[slot];
        if (entry.Mark != _mark)
        {
            // Out of flows is a file of others': a recorder's segment has ended before.
            entry = buffer.IsOutOfFlows ? default : new SlotFlow { Mark = _mark, Flow = buffer.BeginFlow(slot) };
        }

        return ref entry;
    }

    // Returns the row of the flow that has room for what the frame shows: this one, another, a new one.
    private static int TakeHead(
        IndexBuffer buffer, int flow, bool isTold, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (!isTold || !FrameHead.TryRead(meta, layout, frame, out var head))
        {
            buffer.Facts(flow).NoteUnknown();
            return flow;
        }

        var row = flow;
        for (var rows = 0; rows < RowsPerFlowMax; rows++)
        {
            if (buffer.Facts(row).TryNote(head))
            {
                return row;
            }

            row = buffer.NextOfFlow(row);
            if (row == flow && !buffer.IsOutOfFlows)
            {
                row = buffer.BeginSameFlow(flow);
            }
        }

        buffer.Facts(row).NoteUnknown();
        return row;
    }

    // The row's record says what the frames' first headers say; there is no flow that could.
    private int LooseOf(IndexBuffer buffer, ulong print, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var row = ref _loose.Find(print, out var isFull);
        if (row == 0 && !isFull && !buffer.IsOutOfFlows && FrameHead.TryRead(meta, layout, frame, out var head))
        {
            row = buffer.BeginFlow(NoSlot);
            _ = buffer.Facts(row).TryNote(head);
            buffer.EndFlow(row, new FlowRecord
            {
                Protocol = IndexProtocol.Loose, StartNs = meta.TimestampNs, EndNs = meta.TimestampNs,
                InitiatorPoint = head.PointId, ResponderPoint = ushort.MaxValue,
                InitiatorIp = head.SourceIp, ResponderIp = head.DestinationIp,
                InitiatorMac = head.SourceMac, ResponderMac = head.DestinationMac, Tunnel = head.Tunnel, Vni = head.Vni,
            });
        }

        return row;
    }

    /// <summary>Which flow of which segment a slot stands for, and the heads that it showed last; mark 0 = none.</summary>
    private struct SlotFlow
    {
        public uint Mark;
        public int Flow;
        public ulong Print;
        public ulong OtherPrint;
    }
}

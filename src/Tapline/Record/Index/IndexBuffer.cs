// What one segment's index is made of, in native memory: eight bytes for each frame (its flow, its place in the file), the
// records of the flows, runs of frames with their times. Filled by a worker while it records, then owned by whoever
// writes the index, then given back. Sizes are fixed at the start; pages are touched as used.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Memory of one index. One thread at a time.</summary>
internal sealed class IndexBuffer : IDisposable
{
    public const int OffsetUnit = 4;
    private const int RunFramesMax = 256;
    private const long RunNs = 100_000_000;
    private const int RunsMin = 1024;
    private const int NoSlot = -1;
    private readonly NativeArray<ulong> _frames;
    private readonly NativeArray<FlowRecord> _records;
    private readonly NativeArray<int> _slots;
    private readonly NativeArray<FrameFacts> _facts;

    // Rows of one flow follow each other in a ring.
    private readonly NativeArray<int> _sameFlow;
    private readonly NativeArray<TimeBlock> _runs;

    public IndexBuffer(int frames, int flows)
    {
        Invariant.Check(frames > 0 && flows > 1);
        _frames = new NativeArray<ulong>(frames);
        _records = new NativeArray<FlowRecord>(flows);
        _slots = new NativeArray<int>(flows);
        _facts = new NativeArray<FrameFacts>(flows);
        _sameFlow = new NativeArray<int>(flows);
        _runs = new NativeArray<TimeBlock>((frames / (RunFramesMax / 2)) + RunsMin);
        Reset();
    }

    public int FramesMax => _frames.Length;

    public int FlowsMax => _records.Length;

    public int Frames { get; private set; }

    /// <summary>Flows, with number 0 for frames of none.</summary>
    public int Flows { get; private set; }

    public int Runs { get; private set; }

    public bool IsFull => Frames == _frames.Length || Flows == _records.Length;

    public bool IsOutOfFlows => Flows == _records.Length;

    public long FirstNs { get; private set; }

    public long LastNs { get; private set; }

    /// <summary>Which segment of the worker it is, from 1.</summary>
    public long Sequence { get; set; }

    public int FlowOf(int frame) => (int)(_frames[frame] >> 32);

    public uint UnitOf(int frame) => (uint)_frames[frame];

    public ref FlowRecord Record(int flow) => ref _records[flow];

    /// <summary>What the flow's frames have shown.</summary>
    public ref FrameFacts Facts(int flow) => ref _facts[flow];

    public ref readonly TimeBlock Run(int run) => ref _runs[run];

    /// <summary>Where the flow is still alive; -1 = its record is here.</summary>
    public int SlotOf(int flow) => _slots[flow];

    /// <summary>All flows' records in one, bit by bit: what is zero here is zero in all.</summary>
    public FlowRecord Union() => _records.Union(1, Math.Max(1, Flows));

    /// <summary>A number for a flow that has its first frame in this segment.</summary>
    public int BeginFlow(int slot)
    {
        _slots[Flows] = slot;
        _facts[Flows] = default;
        _sameFlow[Flows] = Flows;
        return Flows++;
    }

    /// <summary>Another row for the flow of this one: its frames show more than one row holds.</summary>
    public int BeginSameFlow(int flow)
    {
        var row = BeginFlow(_slots[flow]);
        (_sameFlow[row], _sameFlow[flow]) = (_sameFlow[flow], row);
        return row;
    }

    /// <summary>The next row of the same flow, the first one again after the last.</summary>
    public int NextOfFlow(int row) => _sameFlow[row];

    /// <summary>The flow has ended: from here on its record is this one.</summary>
    public void EndFlow(int flow, in FlowRecord record)
    {
        var row = flow;
        do
        {
            _records[row] = record;
            _slots[row] = NoSlot;
            row = _sameFlow[row];
        }
        while (row != flow);
    }

    /// <summary>Notes a frame of a flow, whose packet block begins at <paramref name="offset"/> of the file.</summary>
    public void AddFrame(int flow, long offset, long timeNs)
    {
        Invariant.Check(offset % OffsetUnit == 0 && offset / OffsetUnit <= uint.MaxValue);
        _frames[Frames] = ((ulong)flow << 32) | (uint)(offset / OffsetUnit);
        if (Frames++ == 0)
        {
            FirstNs = timeNs;
            LastNs = timeNs;
        }

        FirstNs = Math.Min(FirstNs, timeNs);
        LastNs = Math.Max(LastNs, timeNs);
        ExtendRun(offset, timeNs);
    }

    public void Reset()
    {
        Frames = 0;
        Flows = 1;
        Runs = 0;
        FirstNs = 0;
        LastNs = 0;
        Sequence = 0;
        _records[0] = default;
        _slots[0] = NoSlot;
    }

    public void Dispose()
    {
        _frames.Dispose();
        _records.Dispose();
        _slots.Dispose();
        _facts.Dispose();
        _sameFlow.Dispose();
        _runs.Dispose();
    }

    private void ExtendRun(long offset, long timeNs)
    {
        if (Runs > 0)
        {
            ref var last = ref _runs[Runs - 1];
            var first = Math.Min(last.FirstNs, timeNs);
            var latest = Math.Max(last.LastNs, timeNs);
            if ((last.Packets < RunFramesMax && latest - first < RunNs) || Runs == _runs.Length)
            {
                last = new TimeBlock(last.Offset, last.Packets + 1, first, latest);
                return;
            }
        }

        _runs[Runs++] = new TimeBlock(offset, 1, timeNs, timeNs);
    }
}

// The one question that the control thread asks a worker about its flows. The table belongs to the worker, so the worker
// copies the records itself, between two batches, into memory that both keep; the control thread waits a little.
using Tapline.Flows;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>A hand-over of flow records from a worker to the control thread. Allocation-free after construction.</summary>
internal sealed class BusiestFlows
{
    private const int Quiet = 0;
    private const int Asked = 1;
    private const int Answered = 2;
    private readonly FlowRecord[] _records = new FlowRecord[ControlRequest.TopMax];
    private int _wanted;
    private int _count;
    private int _state;

    /// <summary>For the worker: somebody waits for an answer.</summary>
    public bool IsAsked => Volatile.Read(ref _state) == Asked;

    /// <summary>For the control thread: asks for up to <paramref name="top"/> records.</summary>
    public void Ask(int top)
    {
        _wanted = top;
        Volatile.Write(ref _state, Asked);
    }

    /// <summary>For the worker.</summary>
    public void Answer(FlowTable<SpoolSink>? flows)
    {
        _count = flows?.CopyBusiest(_records.AsSpan(0, _wanted)) ?? 0;
        Volatile.Write(ref _state, Answered);
    }

    /// <summary>For the worker, before its first frame: the same call on an empty table.</summary>
    public void WarmUp(FlowTable<SpoolSink>? flows) => _ = flows?.CopyBusiest(_records);

    /// <summary>For the control thread: the answer, when it has come; valid until the next <see cref="Ask"/>.</summary>
    public bool TryTake(out ReadOnlySpan<FlowRecord> records)
    {
        records = default;
        if (Volatile.Read(ref _state) != Answered)
        {
            return false;
        }

        _state = Quiet;
        records = _records.AsSpan(0, _count);
        return true;
    }
}

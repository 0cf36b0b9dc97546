// How much of each frame one worker keeps for one class: what the class takes, and what it knows of flows for that. State is in
// native memory by the flow's slot in the worker's table, so it is exact, and forgotten with the flow. Allocates nothing per frame.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror.Shape;
using Tapline.Record.Keep;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>What a class takes, at work on one worker. Its thread only.</summary>
internal sealed class FrameTake : IDisposable
{
    // Padding and trailers up to this length stay with a packet of which all payload is kept.
    private const int TrailerBytesMax = 64;
    private static readonly ShapePlan s_unsliced = new();
    private readonly RecordTake _take;
    private readonly NativeArray<long>? _taken;
    private readonly NativeArray<HandshakeFlow>? _handshakes;

    /// <param name="take">How much of each frame.</param>
    /// <param name="flowSlots">Slots of the worker's flow table; above 0 where <see cref="RecordTake.AsksFlows"/>.</param>
    public FrameTake(RecordTake take, int flowSlots)
    {
        Invariant.Check(flowSlots > 0 || !take.AsksFlows);
        _take = take;
        _taken = take.Kind == RecordTakeKind.Flow ? new NativeArray<long>(flowSlots) : null;
        _handshakes = take.IsHandshakeOfEncrypted ? new NativeArray<HandshakeFlow>(flowSlots) : null;
    }

    /// <summary>No frame is kept.</summary>
    public bool IsNothing => _take.Kind == RecordTakeKind.None;

    /// <summary>Bytes of the frame that are kept. Call once for each frame of the class, in order.</summary>
    /// <param name="slot">Of its flow; -1 = it has none.</param>
    public int BytesOf(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot)
    {
        if (_handshakes is not null && slot >= 0)
        {
            var payload = HandshakeKeep.PayloadOf(ref _handshakes[slot], layout, frame, meta.GsoSize);
            if (payload != HandshakeKeep.NotEncrypted)
            {
                return HeadersAnd(payload, layout, frame);
            }
        }

        return _take.Kind switch
        {
            RecordTakeKind.Whole => frame.Length,
            RecordTakeKind.Frame => (int)Math.Min(frame.Length, _take.Bytes),
            RecordTakeKind.Flow => HeadersAnd(LeftOfFlow(layout, slot), layout, frame),
            _ => HeadersAnd(0, layout, frame),
        };
    }

    /// <summary>The flow in this slot, or a part of it, has ended. All its frames were told.</summary>
    public void EndFlow(int slot, in FlowRecord record)
    {
        if (record.EndReason == FlowEndReason.Active)
        {
            return; // the flow goes on
        }

        if (_taken is not null)
        {
            _taken[slot] = 0;
        }

        if (_handshakes is not null)
        {
            _handshakes[slot] = default;
        }
    }

    public void Dispose()
    {
        _taken?.Dispose();
        _handshakes?.Dispose();
    }

    private long LeftOfFlow(in FrameLayout layout, int slot)
    {
        if (slot < 0)
        {
            return _take.Bytes; // a frame of no flow is one of its own
        }

        ref var taken = ref _taken![slot];
        var left = Math.Max(0, _take.Bytes - taken);
        taken += Math.Max(0, layout.PayloadLength);
        return left;
    }

    private static int HeadersAnd(long payload, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var keep = Math.Min(frame.Length, SliceCut.For(s_unsliced, layout, frame, long.MaxValue, payload).Keep(0, 0));
        return payload >= layout.PayloadLength && frame.Length - keep <= TrailerBytesMax ? frame.Length : keep;
    }
}

// Frames, segments, bytes: what every frame adds to its flow, of whatever protocol.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Counts frames into flows. One thread.</summary>
internal sealed class FrameCounter<TSink>(FlowLife<TSink> life, BusiestFlows busiest) where TSink : IRecordSink
{
    private readonly FlowMemory _memory = life.Memory;

    /// <summary>Adds one frame to a direction of a flow.</summary>
    public void Count(
        int slot, int direction, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var hot = ref _memory.Hot[slot];
        ref var sent = ref direction == 0 ? ref hot.Direction0 : ref hot.Direction1;
        if (sent.Frames++ == 0)
        {
            FlowBirth.FillDirection(ref _memory.Cold[slot], direction, meta, layout, frame);
        }
        else if (sent.Frames == uint.MaxValue)
        {
            life.CutPart(slot, meta.TimestampNs);
        }

        sent.Bytes += meta.OriginalLength;
        sent.PayloadBytes += TcpSegment.PayloadLengthOf(meta, layout);
        sent.LastNs = meta.TimestampNs;
        if (meta.GsoSize != 0 || (layout.Flags & LayoutFlags.PayloadCut) != 0)
        {
            CountUnusual(slot, direction, meta, layout);
        }

        if (busiest.IsDue(meta.OriginalLength))
        {
            busiest.Sample(slot, _memory.Cold[slot].FlowId);
        }
    }

    private void CountUnusual(int slot, int direction, in FrameMeta meta, in FrameLayout layout)
    {
        ref var cold = ref _memory.Cold[slot];
        ref var health = ref direction == 0 ? ref cold.Health0 : ref cold.Health1;
        health.CutFrames += (layout.Flags & LayoutFlags.PayloadCut) != 0 ? 1u : 0u;
        var gsoSize = GsoSizeOf(meta);
        var payloadLength = TcpSegment.PayloadLengthOf(meta, layout);
        if (gsoSize != 0 && payloadLength > gsoSize)
        {
            health.ExtraSegments += ((payloadLength + gsoSize - 1) / gsoSize) - 1;
        }
    }

    /// <summary>Payload bytes of a super-frame's wire segments; 0 = the frame is one segment.</summary>
    public static uint GsoSizeOf(in FrameMeta meta) => meta.GsoType == GsoType.None ? 0u : meta.GsoSize;
}

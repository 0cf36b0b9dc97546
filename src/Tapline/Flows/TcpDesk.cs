// What a whole TCP segment does to its flow: sequence analysis, counts, round trips, connection state; and what a SYN
// means for the question whether it is still the same flow.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Applies TCP segments to flows. One thread.</summary>
internal sealed class TcpDesk<TSink>(FlowLife<TSink> life) where TSink : IRecordSink
{
    private readonly FlowMemory _memory = life.Memory;

    /// <summary>Sequence analysis, round trips and connection state of one whole segment.</summary>
    public void Judge(
        int slot, int direction, in TcpSegment segment, in FrameLayout layout, ReadOnlySpan<byte> frame, uint gsoSize)
    {
        ref var hot = ref _memory.Hot[slot];
        ref var cold = ref _memory.Cold[slot];
        ref var sent = ref hot.Direction0;
        ref var other = ref hot.Direction1;
        if (direction != 0)
        {
            sent = ref hot.Direction1;
            other = ref hot.Direction0;
        }

        if (hot.State == FlowState.None)
        {
            // The flow began with frames whose TCP header was not whole.
            cold.InitiatorBasis = TcpConnection.DecideInitiator(ref hot, direction, segment);
        }

        NoteBaseSequence(ref hot, ref cold, direction, segment);
        var nextSeqBefore = sent.NextSeq;
        var findings = TcpAnalyser.Observe(ref sent, ref other, segment, cold);
        if (findings != TcpFindings.None)
        {
            life.HasNews = true;
            hot.Flags |= (findings & TcpFindings.Trouble) != 0 ? FlowHot.HasEvent : (byte)0;
            FlowHealth.Count(
                ref direction == 0 ? ref cold.Health0 : ref cold.Health1, findings, segment, nextSeqBefore, gsoSize);
        }

        TcpConnection.SampleRoundTrip(ref sent, ref other, ref cold, segment, findings);
        sent.Pushes += (segment.Flags & TcpFlag.Psh) != 0 ? 1u : 0u;
        const byte turning = TcpFlag.Syn | TcpFlag.Fin | TcpFlag.Rst;
        if ((segment.Flags & turning) != 0 || hot.Has(FlowHot.HandshakeOpen)
            || hot.State is FlowState.SynUnanswered or FlowState.HandshakeUnfinished
            || sent.Has(FlowDirection.AwaitsFirstAck))
        {
            TurnConnection(slot, direction, segment, OptionsOf(layout, frame));
        }

        ref var seenFlags = ref direction == 0 ? ref hot.TcpFlags0 : ref hot.TcpFlags1;
        seenFlags |= segment.Flags;
    }

    private void TurnConnection(int slot, int direction, in TcpSegment segment, ReadOnlySpan<byte> options)
    {
        ref var hot = ref _memory.Hot[slot];
        ref var cold = ref _memory.Cold[slot];
        ref var health = ref direction == 0 ? ref cold.Health0 : ref cold.Health1;
        health.Syns += (segment.Flags & TcpFlag.Syn) != 0 ? 1u : 0u;
        health.Fins += (segment.Flags & TcpFlag.Fin) != 0 ? 1u : 0u;
        health.Resets += (segment.Flags & TcpFlag.Rst) != 0 ? 1u : 0u;
        life.HasNews = true;
        hot.Flags |= (segment.Flags & TcpFlag.Rst) != 0 ? FlowHot.HasEvent : (byte)0;
        var stateBefore = hot.State;
        TcpConnection.Track(ref hot, ref cold, direction, segment, options);
        if (hot.State != stateBefore)
        {
            life.Turned(slot, segment.TimeNs);
        }
    }

    private static void NoteBaseSequence(ref FlowHot hot, ref FlowCold cold, int direction, in TcpSegment segment)
    {
        const byte both = FlowHot.BaseSeq0 | FlowHot.BaseSeq1;
        if ((hot.Flags & both) == both)
        {
            return;
        }

        // A segment that is no SYN follows its SYN by one number at least; an ACK tells the other side's.
        var ownBase = (segment.Flags & TcpFlag.Syn) != 0 ? segment.Seq : segment.Seq - 1;
        SetBase(ref hot, ref cold, direction, ownBase);
        if ((segment.Flags & TcpFlag.Ack) != 0)
        {
            SetBase(ref hot, ref cold, 1 - direction, segment.Ack - 1);
        }
    }

    private static void SetBase(ref FlowHot hot, ref FlowCold cold, int direction, uint value)
    {
        var flag = direction == 0 ? FlowHot.BaseSeq0 : FlowHot.BaseSeq1;
        if (hot.Has(flag))
        {
            return;
        }

        hot.Flags |= flag;
        (direction == 0 ? ref cold.BaseSeq0 : ref cold.BaseSeq1) = value;
    }

    /// <summary>A SYN with another initial sequence number is a new connection on the same ports.</summary>
    public int MeetSyn(
        int slot, in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame,
        in TcpSegment segment)
    {
        ref var hot = ref _memory.Hot[slot];
        ref var cold = ref _memory.Cold[slot];
        if (!hot.Has(prepared.Direction == 0 ? FlowHot.BaseSeq0 : FlowHot.BaseSeq1))
        {
            return slot;
        }

        ref var baseSeq = ref prepared.Direction == 0 ? ref cold.BaseSeq0 : ref cold.BaseSeq1;
        if ((segment.Flags & TcpFlag.Ack) != 0)
        {
            baseSeq = segment.Seq;
            return slot;
        }

        if (segment.Seq != baseSeq)
        {
            life.Finish(slot, FlowEndReason.PortReused);
            return life.Create(prepared, meta, layout, frame);
        }

        // The same SYN again: a RST may have moved NextSeq anywhere meanwhile (RFC 9293 3.10.7.1).
        ref var sent = ref prepared.Direction == 0 ? ref hot.Direction0 : ref hot.Direction1;
        sent.NextSeq = sent.MaxSeqToBeAcked;
        return slot;
    }

    private static ReadOnlySpan<byte> OptionsOf(in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var start = layout.TransportOffset + TcpSegment.HeaderMin;
        var end = Math.Min(layout.TransportOffset + layout.TransportHeaderLength, frame.Length);
        return end > start ? frame[start..end] : default;
    }
}

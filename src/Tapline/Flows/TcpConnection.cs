// The life of a TCP connection as the tap sees it: handshake and its times, state, round trips, resets. Runs after the
// sequence analysis of the same segment; the cold half of the flow is touched only at turning points.
using System.Runtime.CompilerServices;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Moves a flow's TCP state along. Pure: structs in, structs changed.</summary>
internal static class TcpConnection
{
    /// <summary>Round trips are timed in units of 16 ns in 32 bits, so nothing longer than this can be told.</summary>
    private const long RttLongestNs = 60_000_000_000;

    private const int SampleShift = 4;

    /// <summary>Longest shift that RFC 7323 2.3 allows.</summary>
    private const int ScaleMax = 14;

    public const byte NoSyn = 0xff;
    public const byte SynWithoutScale = 0xfe;

    /// <summary>Everything about a segment but its sequence numbers.</summary>
    public static void Track(
        ref FlowHot hot, ref FlowCold cold, int direction, in TcpSegment segment, ReadOnlySpan<byte> options)
    {
        var flags = segment.Flags;
        if ((flags & TcpFlag.Syn) != 0)
        {
            TrackSyn(ref hot, ref cold, direction, segment, options);
        }
        else if ((flags & TcpFlag.Ack) != 0)
        {
            TrackFirstAck(ref hot, ref cold, direction, segment);
        }

        if ((flags & (TcpFlag.Fin | TcpFlag.Rst)) != 0)
        {
            TrackEnd(ref hot, ref cold, direction, flags);
        }
    }

    /// <summary>Times one segment at a time in each direction; a resent segment spoils its sample (Karn).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SampleRoundTrip(
        ref FlowDirection sent, ref FlowDirection other, ref FlowCold cold, in TcpSegment segment, TcpFindings findings)
    {
        if (other.SampleTime != 0 && (segment.Flags & TcpFlag.Ack) != 0
            && Sequence.BeforeOrAt(other.SampleSeq, segment.Ack))
        {
            EndSample(ref other, ref cold, segment.TimeNs);
        }

        if (segment.PayloadLength == 0)
        {
            return;
        }

        const TcpFindings spoils = TcpFindings.AnyRetransmission | TcpFindings.OutOfOrder;
        if ((findings & spoils) != 0)
        {
            sent.SampleTime = 0;
        }
        else if (sent.SampleTime == 0)
        {
            sent.SampleSeq = segment.Seq + segment.PayloadLength;
            sent.SampleTime = (uint)(segment.TimeNs >> SampleShift) | 1;
        }
    }

    /// <summary>The first segment of a flow decides who opened it and where it stands.</summary>
    public static byte DecideInitiator(ref FlowHot hot, int direction, in TcpSegment segment)
    {
        const byte bySyn = 1;
        const byte byPort = 3;
        var senderIsInitiator = true;
        byte basis;
        if ((segment.Flags & (TcpFlag.Syn | TcpFlag.Ack)) == TcpFlag.Syn)
        {
            hot.State = FlowState.SynUnanswered;
            basis = bySyn;
        }
        else if ((segment.Flags & TcpFlag.Syn) != 0)
        {
            hot.State = FlowState.HandshakeUnfinished;
            senderIsInitiator = false;
            basis = bySyn;
        }
        else
        {
            hot.State = FlowState.MidStream;
            var portA = hot.Ports >> 16;
            var portB = hot.Ports & 0xffff;
            var senderPort = direction == 0 ? portA : portB;
            var otherPort = direction == 0 ? portB : portA;
            senderIsInitiator = senderPort >= otherPort;
            basis = byPort;
        }

        var initiator = senderIsInitiator ? direction : 1 - direction;
        hot.Flags = (byte)((hot.Flags & ~FlowHot.InitiatorIsB) | (initiator == 1 ? FlowHot.InitiatorIsB : 0));
        return basis;
    }

    /// <summary>Where the flow belongs when room is needed.</summary>
    public static EvictionClass EvictionClassOf(FlowState state) => state switch
    {
        FlowState.SynUnanswered => EvictionClass.Unanswered,
        FlowState.Refused or FlowState.Closed or FlowState.ResetByInitiator or FlowState.ResetByResponder =>
            EvictionClass.Ended,
        _ => EvictionClass.None,
    };

    public static bool HasEnded(FlowState state) => EvictionClassOf(state) == EvictionClass.Ended;

    private static ref FlowDirection Direction(ref FlowHot hot, int direction)
    {
        if (direction == 0)
        {
            return ref hot.Direction0;
        }

        return ref hot.Direction1;
    }

    private static int InitiatorOf(in FlowHot hot) => hot.Has(FlowHot.InitiatorIsB) ? 1 : 0;

    private static void TrackSyn(
        ref FlowHot hot, ref FlowCold cold, int direction, in TcpSegment segment, ReadOnlySpan<byte> options)
    {
        ref var sent = ref Direction(ref hot, direction);
        ref var other = ref Direction(ref hot, 1 - direction);
        var isAnswer = (segment.Flags & TcpFlag.Ack) != 0;
        TcpOptions.Read(options, out var scale, out var maximumSegmentSize);
        ref var ownScale = ref cold.SynScale0;
        var otherScale = cold.SynScale1;
        if (direction == 1)
        {
            ownScale = ref cold.SynScale1;
            otherScale = cold.SynScale0;
        }

        ownScale = scale < 0 ? SynWithoutScale : (byte)Math.Min(scale, ScaleMax);
        if (scale >= 0)
        {
            sent.WindowScale = isAnswer && otherScale == SynWithoutScale ? (byte)0 : ownScale;
        }
        else if (sent.WindowScale == FlowDirection.ScaleUnknown)
        {
            // One side does not scale, so neither does (RFC 7323 2.2).
            sent.WindowScale = 0;
            other.WindowScale = 0;
        }

        if (direction == 0)
        {
            cold.MaximumSegmentSize0 = maximumSegmentSize;
        }
        else
        {
            cold.MaximumSegmentSize1 = maximumSegmentSize;
        }

        sent.Flags |= FlowDirection.AwaitsFirstAck;
        if (!isAnswer)
        {
            cold.SynNs = segment.TimeNs;
            hot.Flags |= FlowHot.HandshakeOpen;
            return;
        }

        cold.SynAckNs = segment.TimeNs;
        if (hot.State is FlowState.SynUnanswered or FlowState.Refused && direction != InitiatorOf(hot))
        {
            // After Refused: the RST was not the server's, or an earlier SYN's.
            hot.State = FlowState.HandshakeUnfinished;
        }

        if (cold.SynNs != 0 && cold.ServerRttNs == 0)
        {
            cold.ServerRttNs = Math.Max(0, segment.TimeNs - cold.SynNs);
        }
    }

    private static void TrackFirstAck(ref FlowHot hot, ref FlowCold cold, int direction, in TcpSegment segment)
    {
        Direction(ref hot, direction).Flags &= unchecked((byte)~FlowDirection.AwaitsFirstAck);
        if (hot.Has(FlowHot.HandshakeOpen))
        {
            cold.FirstRttNs = segment.TimeNs - cold.SynNs;
            if (cold.FirstRttNs != 0)
            {
                hot.Flags &= unchecked((byte)~FlowHot.HandshakeOpen);
            }
        }

        if ((segment.Flags & TcpFlag.Rst) != 0
            || hot.State is not (FlowState.SynUnanswered or FlowState.HandshakeUnfinished))
        {
            return;
        }

        if (hot.State == FlowState.HandshakeUnfinished && direction == InitiatorOf(hot))
        {
            cold.HandshakeRttNs = cold.SynNs == 0 ? 0 : Math.Max(0, segment.TimeNs - cold.SynNs);
            cold.ClientRttNs = Math.Max(0, segment.TimeNs - cold.SynAckNs);
        }

        hot.State = FlowState.Established;
    }

    private static void TrackEnd(ref FlowHot hot, ref FlowCold cold, int direction, byte flags)
    {
        if ((flags & TcpFlag.Rst) != 0)
        {
            if (HasEnded(hot.State))
            {
                return;
            }

            var byInitiator = direction == InitiatorOf(hot);
            hot.State = hot.State == FlowState.SynUnanswered && !byInitiator ? FlowState.Refused
                : byInitiator ? FlowState.ResetByInitiator
                : FlowState.ResetByResponder;
            return;
        }

        if (HasEnded(hot.State))
        {
            return;
        }

        var otherFlags = direction == 0 ? hot.TcpFlags1 : hot.TcpFlags0;
        hot.State = (otherFlags & TcpFlag.Fin) != 0 ? FlowState.Closed : FlowState.HalfClosed;
    }

    private static void EndSample(ref FlowDirection other, ref FlowCold cold, long nowNs)
    {
        var rttNs = (long)((uint)(nowNs >> SampleShift) - other.SampleTime) << SampleShift;
        other.SampleTime = 0;
        if (nowNs - other.LastNs > RttLongestNs || rttNs > RttLongestNs)
        {
            return;
        }

        cold.RttMinNs = cold.RttSamples == 0 ? rttNs : Math.Min(cold.RttMinNs, rttNs);
        cold.RttMaxNs = Math.Max(cold.RttMaxNs, rttNs);
        cold.RttSumNs += rttNs;
        cold.RttSamples++;
    }
}

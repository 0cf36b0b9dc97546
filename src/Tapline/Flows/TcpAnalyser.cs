// Sequence analysis of one TCP segment. The judgements are those of tshark 4.0 (docs/corpus.md holds the proof on real
// captures), because that is what an engineer will compare our counts with; the memory they need is in FlowDirection.
// Pure: two directions and a segment in, findings out. A healthy segment leaves by the first return.
using System.Runtime.CompilerServices;

namespace Tapline.Flows;

/// <summary>Judges segments. <c>sent</c> is the direction of the segment, <c>other</c> the opposite one.</summary>
internal static class TcpAnalyser
{
    /// <summary>Reordering is assumed below this when no handshake told the round trip (tshark: 3 ms).</summary>
    private const long ReorderingDefaultNs = 3_000_000;

    /// <summary>A fast retransmission follows the last ACK within this time (tshark: 20 ms).</summary>
    private const long FastRetransmissionNs = 20_000_000;

    private const int DuplicateAcksForFast = 2;

    /// <summary>Judges the segment and moves both directions' memory.</summary>
    public static TcpFindings Observe(
        ref FlowDirection sent, ref FlowDirection other, in TcpSegment segment, in FlowCold cold)
    {
        var findings = JudgeSequence(sent, other, segment);
        if ((findings & TcpFindings.ZeroWindowProbe) == 0)
        {
            findings |= JudgeWindow(ref sent, other, segment);
        }

        if (segment.Ack != sent.LastAck)
        {
            sent.DuplicateAcks = 0;
        }

        findings |= JudgeUnseenAck(ref other, segment);
        if (segment.PayloadLength > 0 || segment.TakesNumber)
        {
            findings |= JudgeResent(sent, other, segment, findings, cold);
        }

        Remember(ref sent, segment, findings);
        return findings;
    }

    /// <summary>Holes, keep-alives and probes: where does the segment stand against what was seen?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TcpFindings JudgeSequence(in FlowDirection sent, in FlowDirection other, in TcpSegment segment)
    {
        if (segment.Seq == sent.NextSeq)
        {
            // The common case; only a probe of a closed window looks like this too.
            var isProbe = segment.PayloadLength == 1 && other.Window == 0 && other.Has(FlowDirection.WindowKnown);
            return isProbe ? TcpFindings.ZeroWindowProbe : TcpFindings.None;
        }

        if (sent.NextSeq != 0 && Sequence.Before(sent.NextSeq, segment.Seq) && (segment.Flags & TcpFlag.Rst) == 0)
        {
            return TcpFindings.LostSegment;
        }

        var isKeepAlive = segment.PayloadLength <= 1 && segment.Seq == sent.NextSeq - 1 && !segment.IsControl;
        return isKeepAlive ? TcpFindings.KeepAlive : TcpFindings.None;
    }

    /// <summary>Window and duplicate-ACK rules; all but the first two are about segments without payload.</summary>
    private static TcpFindings JudgeWindow(
        ref FlowDirection sent, in FlowDirection other, in TcpSegment segment)
    {
        if (segment.IsControl)
        {
            return TcpFindings.None;
        }

        var findings = segment.Window == 0 ? TcpFindings.ZeroWindow : TcpFindings.None;
        if (segment.PayloadLength > 0)
        {
            return FillsWindow(other, segment) ? findings | TcpFindings.WindowFull : findings;
        }

        if (segment.Seq != sent.NextSeq || segment.Ack != sent.LastAck)
        {
            return findings;
        }

        // An empty segment that repeats sequence and acknowledgment: the window decides what it means.
        if (segment.Window != sent.Window || !sent.Has(FlowDirection.WindowKnown))
        {
            return segment.Window == 0 ? findings : findings | TcpFindings.WindowUpdate;
        }

        if (segment.Window == 0)
        {
            return other.Has(FlowDirection.LastWasZeroWindowProbe)
                ? findings | TcpFindings.ZeroWindowProbeAck
                : findings;
        }

        if (other.Has(FlowDirection.LastWasKeepAlive))
        {
            return findings | TcpFindings.KeepAliveAck;
        }

        sent.DuplicateAcks = sent.DuplicateAcks switch
        {
            FlowDirection.RunBroken => 1,
            FlowDirection.RunBroken - 1 => FlowDirection.RunBroken - 1,
            _ => (byte)(sent.DuplicateAcks + 1),
        };
        return findings | TcpFindings.DuplicateAck;
    }

    /// <summary>The data end exactly where the receiver's last advertised window ends.</summary>
    private static bool FillsWindow(in FlowDirection other, in TcpSegment segment)
    {
        var scale = other.WindowScale;
        if (scale == FlowDirection.ScaleUnknown || !other.Has(FlowDirection.WindowKnown))
        {
            return false;
        }

        // The window of a SYN is never scaled (RFC 7323 2.2).
        var shift = other.Has(FlowDirection.AwaitsFirstAck) ? 0 : scale;
        return segment.Seq + segment.PayloadLength == other.LastAck + ((uint)other.Window << shift);
    }

    /// <summary>Acknowledges what this tap has not seen: the capture lost it, or it took another way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TcpFindings JudgeUnseenAck(ref FlowDirection other, in TcpSegment segment)
    {
        if (other.MaxSeqToBeAcked == 0 || !Sequence.Before(other.MaxSeqToBeAcked, segment.Ack)
            || (segment.Flags & TcpFlag.Ack) == 0)
        {
            return TcpFindings.None;
        }

        if (Sequence.Before(other.MaxSeqToBeAcked, other.NextSeq))
        {
            // A hole, and data seen beyond it: from here on only what goes beyond those is reported again.
            other.MaxSeqToBeAcked = other.NextSeq;
            return TcpFindings.UnseenAck;
        }

        // Nothing seen beyond: one finding until that side moves on; its run counter doubles as the note.
        var findings = other.DuplicateAcks == 0 ? TcpFindings.UnseenAck : TcpFindings.None;
        other.DuplicateAcks = FlowDirection.RunBroken;
        return findings;
    }

    /// <summary>Sent again, or late? First match wins; the order is tshark 4.0's.</summary>
    private static TcpFindings JudgeResent(
        in FlowDirection sent, in FlowDirection other, in TcpSegment segment, TcpFindings soFar, in FlowCold cold)
    {
        if ((soFar & TcpFindings.KeepAlive) != 0)
        {
            return TcpFindings.None;
        }

        var isBehind = sent.NextSeq != 0 && Sequence.Before(segment.Seq, sent.NextSeq);
        if (segment.PayloadLength > 1 && segment.Seq == sent.NextSeq - 1)
        {
            // It begins with the byte of a window probe and goes on with new data.
            isBehind = false;
        }

        var end = segment.Seq + segment.PayloadLength;
        if (segment.PayloadLength > 0 && other.LastAck != 0 && Sequence.BeforeOrAt(end, other.LastAck))
        {
            return TcpFindings.SpuriousRetransmission;
        }

        if (!isBehind)
        {
            return TcpFindings.None;
        }

        // A broken run counts as long here: what it acknowledged without our seeing it may well have been duplicates.
        if (other.DuplicateAcks >= DuplicateAcksForFast && other.LastAck == segment.Seq
            && (ulong)(segment.TimeNs - other.LastNs) < FastRetransmissionNs)
        {
            return TcpFindings.FastRetransmission;
        }

        var threshold = cold.FirstRttNs == 0 ? ReorderingDefaultNs : cold.FirstRttNs;
        var endWithNumber = segment.TakesNumber ? end + 1 : end;
        var isLate = (ulong)(segment.TimeNs - sent.NextSeqNs) < (ulong)threshold && sent.NextSeq != endWithNumber;
        return isLate ? TcpFindings.OutOfOrder : TcpFindings.Retransmission;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Remember(ref FlowDirection sent, in TcpSegment segment, TcpFindings findings)
    {
        var isProbe = (findings & TcpFindings.ZeroWindowProbe) != 0;
        var end = segment.Seq + segment.PayloadLength + (segment.TakesNumber ? 1u : 0u);
        if (!isProbe && (sent.NextSeq == 0 || Sequence.Before(sent.NextSeq, end)))
        {
            sent.NextSeq = end;
            sent.NextSeqNs = segment.TimeNs;
        }

        if (!isProbe && (sent.MaxSeqToBeAcked == 0 || segment.Seq == sent.MaxSeqToBeAcked))
        {
            sent.MaxSeqToBeAcked = sent.NextSeq;
        }

        sent.Window = segment.Window;
        sent.LastAck = segment.Ack;
        var flags = (byte)(sent.Flags & ~(FlowDirection.LastWasKeepAlive | FlowDirection.LastWasZeroWindowProbe));
        flags |= FlowDirection.WindowKnown;
        flags |= (findings & TcpFindings.KeepAlive) != 0 ? FlowDirection.LastWasKeepAlive : (byte)0;
        flags |= isProbe ? FlowDirection.LastWasZeroWindowProbe : (byte)0;
        sent.Flags = flags;
    }
}

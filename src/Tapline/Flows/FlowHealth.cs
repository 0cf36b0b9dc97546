// Findings become counts. Called only for segments with something to count, so it may touch the cold half.
namespace Tapline.Flows;

/// <summary>Counts findings in a direction's cold counters.</summary>
internal static class FlowHealth
{
    /// <summary>Adds what was found of a segment.</summary>
    /// <param name="health">Counters of the sending direction.</param>
    /// <param name="findings">What the analyser said.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="nextSeqBefore">The direction's highest sequence end before the segment.</param>
    /// <param name="gsoSize">Payload of each wire segment of a super-frame; 0 = the frame is one segment.</param>
    public static void Count(
        ref DirectionHealth health, TcpFindings findings, in TcpSegment segment, uint nextSeqBefore, uint gsoSize)
    {
        const TcpFindings resent = TcpFindings.AnyRetransmission | TcpFindings.OutOfOrder;
        if ((findings & resent) != 0)
        {
            CountResent(ref health, findings, segment, nextSeqBefore, gsoSize);
        }

        if ((findings & TcpFindings.LostSegment) != 0)
        {
            health.LostSegments++;
            health.Holes.Open(nextSeqBefore, segment.Seq);
        }

        health.ZeroWindowProbes += Bit(findings, TcpFindings.ZeroWindowProbe);
        health.ZeroWindows += Bit(findings, TcpFindings.ZeroWindow);
        health.KeepAlives += Bit(findings, TcpFindings.KeepAlive);
        health.WindowUpdates += Bit(findings, TcpFindings.WindowUpdate);
        health.WindowFulls += Bit(findings, TcpFindings.WindowFull);
        health.DuplicateAcks += Bit(findings, TcpFindings.DuplicateAck);
        health.UnseenAcks += Bit(findings, TcpFindings.UnseenAck);
    }

    private static void CountResent(
        ref DirectionHealth health, TcpFindings findings, in TcpSegment segment, uint nextSeqBefore, uint gsoSize)
    {
        var end = segment.Seq + segment.PayloadLength + (segment.TakesNumber ? 1u : 0u);
        var covered = SegmentsBefore(nextSeqBefore, segment, gsoSize);
        health.Retransmissions += (findings & TcpFindings.AnyRetransmission) != 0 ? covered : 0;
        health.FastRetransmissions += (findings & TcpFindings.FastRetransmission) != 0 ? covered : 0;
        health.SpuriousRetransmissions += (findings & TcpFindings.SpuriousRetransmission) != 0 ? covered : 0;
        health.OutOfOrder += (findings & TcpFindings.OutOfOrder) != 0 ? covered : 0;
        var isBehind = nextSeqBefore != 0 && Sequence.Before(segment.Seq, nextSeqBefore);
        if (isBehind && !health.Holes.Fill(segment.Seq, end))
        {
            health.ResentSegments += covered;
        }
    }

    /// <summary>Of a super-frame's wire segments, those that begin before what was seen; at least one.</summary>
    private static uint SegmentsBefore(uint nextSeqBefore, in TcpSegment segment, uint gsoSize)
    {
        if (gsoSize == 0 || segment.PayloadLength <= gsoSize)
        {
            return 1;
        }

        var behind = Math.Min(segment.PayloadLength, nextSeqBefore - segment.Seq);
        return Math.Max(1, (behind + gsoSize - 1) / gsoSize);
    }

    private static uint Bit(TcpFindings findings, TcpFindings which) => (findings & which) != 0 ? 1u : 0u;
}

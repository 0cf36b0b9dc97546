// Each rule of sequence analysis by a literal sequence of segments.
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

public class TcpRuleTests
{
    private const TcpFlag Ack = TcpFlag.Ack;
    private const TcpFlag PshAck = TcpFlag.Psh | TcpFlag.Ack;

    // No operation, window scale 7.
    private static readonly byte[] s_scale7 = [1, 3, 3, 7];

    [Fact]
    public void HealthyExchangeHasNothingToReport()
    {
        using var script = new FlowScript();
        script.Handshake().Client(PshAck, 1001, 5001, 100).Server(Ack, 5001, 1101).Server(PshAck, 5001, 1101, 200)
            .Client(Ack, 1101, 5201);
        var record = script.Only();
        Assert.Equal(0u, record.Initiator.Retransmissions + record.Initiator.OutOfOrder + record.Initiator.DuplicateAcks);
        Assert.Equal(0u, record.Responder.Retransmissions + record.Responder.LostSegments + record.Responder.UnseenAcks);
        Assert.Equal(100, record.Initiator.PayloadBytes);
        Assert.Equal(200, record.Responder.PayloadBytes);
        Assert.Equal(1u, record.Initiator.Pushes);
    }

    [Fact]
    public void DataSentAgainLateIsARetransmission()
    {
        using var script = new FlowScript();
        script.Handshake().Client(PshAck, 1001, 5001, 100).Client(PshAck, 1001, 5001, 100, afterUs: 200_000);
        var sent = script.Only().Initiator;
        Assert.Equal(1u, sent.Retransmissions);
        Assert.Equal(1u, sent.ResentSegments);
        Assert.Equal(0u, sent.OutOfOrder + sent.SpuriousRetransmissions + sent.FastRetransmissions);
    }

    [Fact]
    public void DataAlreadyAcknowledgedIsSpurious()
    {
        using var script = new FlowScript();
        script.Handshake().Client(PshAck, 1001, 5001, 100).Server(Ack, 5001, 1101)
            .Client(PshAck, 1001, 5001, 100, afterUs: 200_000);
        var sent = script.Only().Initiator;
        Assert.Equal(1u, sent.SpuriousRetransmissions);
        Assert.Equal(1u, sent.Retransmissions);
    }

    [Fact]
    public void TwoDuplicateAcksAndTheHoleAtOnceIsFast()
    {
        using var script = new FlowScript();
        script.Handshake().Client(Ack, 1001, 5001, 100).Client(Ack, 1101, 5001, 100).Client(Ack, 1201, 5001, 100)
            .Client(Ack, 1301, 5001, 100).Server(Ack, 5001, 1101).Server(Ack, 5001, 1101).Server(Ack, 5001, 1101)
            .Client(Ack, 1101, 5001, 100, afterUs: 5000);
        var record = script.Only();
        Assert.Equal(2u, record.Responder.DuplicateAcks);
        Assert.Equal(1u, record.Initiator.FastRetransmissions);
        Assert.Equal(1u, record.Initiator.Retransmissions);
    }

    [Fact]
    public void LateSegmentWithinTheRoundTripIsOutOfOrderAndFillsTheHole()
    {
        using var script = new FlowScript();
        script.Handshake().Client(Ack, 1001, 5001, 100).Client(Ack, 1201, 5001, 100).Client(Ack, 1101, 5001, 100);
        var sent = script.Only().Initiator;
        Assert.Equal(1u, sent.LostSegments);
        Assert.Equal(1u, sent.OutOfOrder);
        Assert.Equal(0u, sent.Retransmissions);
        Assert.Equal(0u, sent.ResentSegments);
    }

    [Fact]
    public void HoleIsCountedOnce()
    {
        using var script = new FlowScript();
        script.Handshake().Client(Ack, 2001, 5001, 100).Client(Ack, 2101, 5001, 100);
        Assert.Equal(1u, script.Only().Initiator.LostSegments);
    }

    [Fact]
    public void KeepAliveIsNoRetransmission()
    {
        using var script = new FlowScript();
        script.Handshake().Client(PshAck, 1001, 5001, 100).Server(Ack, 5001, 1101)
            .Client(Ack, 1100, 5001, 1, afterUs: 1_000_000).Server(Ack, 5001, 1101);
        var record = script.Only();
        Assert.Equal(1u, record.Initiator.KeepAlives);
        Assert.Equal(0u, record.Initiator.Retransmissions);
        Assert.Equal(0u, record.Responder.DuplicateAcks);
    }

    [Fact]
    public void ClosedWindowAndItsProbe()
    {
        using var script = new FlowScript();
        script.Handshake().Client(PshAck, 1001, 5001, 100).Server(Ack, 5001, 1101, window: 0)
            .Client(Ack, 1101, 5001, 1, afterUs: 500_000).Server(Ack, 5001, 1101, window: 0)
            .Server(Ack, 5001, 1101, window: 1000);
        var record = script.Only();
        Assert.Equal(2u, record.Responder.ZeroWindows);
        Assert.Equal(1u, record.Initiator.ZeroWindowProbes);
        Assert.Equal(1u, record.Responder.WindowUpdates);
    }

    [Fact]
    public void DataUpToTheEdgeOfTheScaledWindowFillIt()
    {
        using var script = new FlowScript();
        script.Handshake(s_scale7, s_scale7).Server(Ack, 5001, 1001, window: 2).Client(Ack, 1001, 5001, 256);
        Assert.Equal(1u, script.Only().Initiator.WindowFulls);
    }

    [Fact]
    public void WithoutTheHandshakeNoWindowCanBeSaidToBeFull()
    {
        using var script = new FlowScript();
        script.Server(Ack, 5001, 1001, window: 256).Client(Ack, 1001, 5001, 256);
        var record = script.Only();
        Assert.Equal(0u, record.Initiator.WindowFulls + record.Responder.WindowFulls);
    }

    [Fact]
    public void ScaleOfOneSideOnlyDoesNotCount()
    {
        using var script = new FlowScript();
        script.Handshake(s_scale7).Server(Ack, 5001, 1001, window: 256).Client(Ack, 1001, 5001, 256);
        Assert.Equal(1u, script.Only().Initiator.WindowFulls);
    }

    [Fact]
    public void AckOfUnseenDataIsReported()
    {
        using var script = new FlowScript();
        script.Handshake().Server(Ack, 5001, 1501).Server(Ack, 5001, 1501);
        Assert.Equal(1u, script.Only().Responder.UnseenAcks);
    }

    [Fact]
    public void SequenceNumbersWrap()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 0xffff_ff00).Server(TcpFlag.Syn | Ack, 1, 0xffff_ff01)
            .Client(Ack, 0xffff_ff01, 2).Client(Ack, 0xffff_ff01, 2, 1000).Client(Ack, 745, 2, 1000)
            .Server(Ack, 2, 1745).Client(Ack, 745, 2, 1000, afterUs: 300_000);
        var sent = script.Only().Initiator;
        Assert.Equal(0u, sent.LostSegments);
        Assert.Equal(1u, sent.SpuriousRetransmissions);
        Assert.Equal(1u, sent.ResentSegments);
    }

    [Fact]
    public void SuperFrameCountsItsWireSegments()
    {
        using var script = new FlowScript { GsoSize = 1000 };
        script.Handshake().Client(Ack, 1001, 5001, 4500).Client(Ack, 1001, 5001, 4500, afterUs: 500_000);
        var sent = script.Only().Initiator;
        Assert.Equal(4, sent.Frames);
        Assert.Equal(2 + 5 + 5, sent.Segments);
        Assert.Equal(5u, sent.Retransmissions);
        Assert.Equal(5u, sent.ResentSegments);
    }

    [Fact]
    public void SuperFrameThatGoesOnWithNewDataCountsOnlyTheOldSegments()
    {
        using var script = new FlowScript { GsoSize = 1000 };
        script.Handshake().Client(Ack, 1001, 5001, 2000).Client(Ack, 1001, 5001, 4000, afterUs: 500_000);
        Assert.Equal(2u, script.Only().Initiator.Retransmissions);
    }
}

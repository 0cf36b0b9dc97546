// Who opened the connection, how it went, how long the round trips took.
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

public class TcpConnectionTests
{
    private const TcpFlag Ack = TcpFlag.Ack;
    private const TcpFlag SynAck = TcpFlag.Syn | TcpFlag.Ack;
    private const TcpFlag FinAck = TcpFlag.Fin | TcpFlag.Ack;

    [Fact]
    public void HandshakeRoundTripSplitsAtTheTap()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 1000).Server(SynAck, 5000, 1001, afterUs: 700).Client(Ack, 1001, 5001, afterUs: 300);
        var record = script.Only();
        Assert.Equal(1_000_000, record.HandshakeRttNs);
        Assert.Equal(700_000, record.ServerRttNs);
        Assert.Equal(300_000, record.ClientRttNs);
        Assert.Equal(FlowState.Established, record.State);
        Assert.Equal(1, record.InitiatorBasis);
        Assert.Equal(FlowScript.ClientPort, record.InitiatorPort);
    }

    [Fact]
    public void LaterRoundTripsAreSampledButNotFromResentData()
    {
        using var script = new FlowScript();
        script.Handshake().Client(Ack, 1001, 5001, 100).Server(Ack, 5001, 1101, afterUs: 800)
            .Client(Ack, 1101, 5001, 100).Client(Ack, 1101, 5001, 100, afterUs: 400_000)
            .Server(Ack, 5001, 1201, afterUs: 10);
        var record = script.Only();
        Assert.Equal(1u, record.RttSamples);
        Assert.InRange(record.RttMaxNs, 800_000 - 16, 800_000 + 16);
    }

    [Fact]
    public void BothFinCloseAndTheReasonIsFinAtTheEndOfInput()
    {
        using var script = new FlowScript();
        script.Handshake().Client(FinAck, 1001, 5001).Server(FinAck, 5001, 1002).Client(Ack, 1002, 5002);
        var record = script.Only();
        Assert.Equal(FlowState.Closed, record.State);
        Assert.Equal(FlowEndReason.Fin, record.EndReason);
        Assert.Equal(1u, record.Initiator.Fins);
    }

    [Fact]
    public void OneFinIsHalfClosed()
    {
        using var script = new FlowScript();
        script.Handshake().Client(FinAck, 1001, 5001).Server(Ack, 5001, 1002);
        Assert.Equal(FlowState.HalfClosed, script.Only().State);
    }

    [Theory]
    [InlineData(true, FlowState.ResetByInitiator)]
    [InlineData(false, FlowState.ResetByResponder)]
    public void ResetNamesItsSender(bool byClient, FlowState expected)
    {
        using var script = new FlowScript();
        script.Handshake();
        _ = byClient ? script.Client(TcpFlag.Rst, 1001) : script.Server(TcpFlag.Rst, 5001);
        var record = script.Only();
        Assert.Equal(expected, record.State);
        Assert.Equal(FlowEndReason.Rst, record.EndReason);
    }

    [Fact]
    public void SynAnsweredByResetIsRefused()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 1000).Server(TcpFlag.Rst | Ack, 0, 1001);
        Assert.Equal(FlowState.Refused, script.Only().State);
    }

    [Fact]
    public void SynWithoutAnswerSaysSo()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 1000).Client(TcpFlag.Syn, 1000, afterUs: 1_000_000);
        var record = script.Only();
        Assert.Equal(FlowState.SynUnanswered, record.State);
        Assert.Equal(1u, record.Initiator.Retransmissions);
        Assert.Equal(2u, record.Initiator.Syns);
    }

    [Fact]
    public void SynAckAloneMeansTheOtherSideOpened()
    {
        using var script = new FlowScript();
        script.Server(SynAck, 5000, 1001).Client(Ack, 1001, 5001);
        var record = script.Only();
        Assert.Equal(FlowScript.ClientPort, record.InitiatorPort);
        Assert.Equal(0, record.HandshakeRttNs);
        Assert.Equal(FlowState.Established, record.State);
    }

    [Fact]
    public void JoinedMidWayTheHigherPortIsTheInitiator()
    {
        using var script = new FlowScript();
        script.Server(Ack, 5001, 1001, 100).Client(Ack, 1001, 5101);
        var record = script.Only();
        Assert.Equal(FlowScript.ClientPort, record.InitiatorPort);
        Assert.Equal(3, record.InitiatorBasis);
        Assert.Equal(FlowState.MidStream, record.State);
    }

    [Fact]
    public void SimultaneousOpenIsOneFlow()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 1000).Server(TcpFlag.Syn, 5000).Client(SynAck, 1000, 5001)
            .Server(SynAck, 5000, 1001).Client(Ack, 1001, 5001, 10);
        var record = script.Only();
        Assert.Equal(5, record.Initiator.Frames + record.Responder.Frames);
        Assert.Equal(FlowState.Established, record.State);
    }

    [Fact]
    public void FastOpenDataInTheSynCount()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 1000, length: 100).Server(SynAck, 5000, 1101).Client(Ack, 1101, 5001, 50);
        var record = script.Only();
        Assert.Equal(150, record.Initiator.PayloadBytes);
        Assert.Equal(0u, record.Initiator.LostSegments + record.Initiator.Retransmissions + record.Responder.UnseenAcks);
    }

    [Fact]
    public void NewSynOnOldPortsIsANewFlow()
    {
        using var script = new FlowScript();
        script.Handshake().Client(FinAck, 1001, 5001).Server(FinAck, 5001, 1002).Client(Ack, 1002, 5002)
            .Client(TcpFlag.Syn, 90_000, afterUs: 2_000_000).Server(SynAck, 7000, 90_001);
        var records = script.End();
        Assert.Equal(2, records.Count);
        Assert.Equal(FlowEndReason.Fin, records[0].EndReason);
        Assert.Equal(6, records[0].Initiator.Frames + records[0].Responder.Frames);
        Assert.Equal(FlowState.HandshakeUnfinished, records[1].State);
    }

    [Fact]
    public void NewSynWhileOpenIsPortReuse()
    {
        using var script = new FlowScript();
        script.Handshake().Client(TcpFlag.Syn, 90_000);
        var records = script.End();
        Assert.Equal(FlowEndReason.PortReused, records[0].EndReason);
        Assert.NotEqual(records[0].FlowId, records[1].FlowId);
    }

    [Fact]
    public void NonsenseHeaderLengthsNeverThrowAndAreCounted()
    {
        for (var offset = 0; offset < 16; offset++)
        {
            using var script = new FlowScript();
            var frame = new FrameBuilder().Ethernet().Ipv4().Tcp(1, 2, TcpFlag.Syn).Payload(10).Build();
            frame[14 + 20 + 12] = (byte)(offset << 4);
            script.Play(frame);
            var record = script.Only();
            Assert.Equal(1, record.Initiator.Frames + record.Responder.Frames);
        }
    }

    [Fact]
    public void HostileOptionsEndTheWalk()
    {
        using var script = new FlowScript();
        script.Client(TcpFlag.Syn, 1000, options: [3, 0, 0, 0]).Client(TcpFlag.Syn, 2000, options: [2, 40, 1, 1])
            .Client(TcpFlag.Syn, 3000, options: [1, 1, 1, 3]);
        Assert.Equal(3, script.End().Count);
    }
}

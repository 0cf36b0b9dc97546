// Whether something went wrong in a flow, as a mirror asks after each frame: from that frame on, until the flow's next part.
using Tapline.Flows;
using Tapline.Tests.Support;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

public class FlowEventTests
{
    private const TcpFlag Ack = TcpFlag.Ack;

    [Fact]
    public void AHealthyConversationHasNone()
    {
        using var script = new FlowScript();
        script.Handshake();
        for (uint i = 0; i < 50; i++)
        {
            script.Client(Ack, 1001 + (i * 100), 5001, length: 100);
            Assert.False(script.HasEvent);
            script.Server(Ack, 5001, 1101 + (i * 100));
            Assert.False(script.HasEvent);
        }

        script.Client(Ack | TcpFlag.Fin, 6001, 5001).Server(Ack | TcpFlag.Fin, 5001, 6002).Client(Ack, 6002, 5002);
        Assert.False(script.HasEvent);
    }

    [Theory]
    [InlineData("retransmission")]
    [InlineData("hole")]
    [InlineData("zero window")]
    [InlineData("reset")]
    [InlineData("ICMP error")]
    public void WhatWentWrongHoldsFromThatFrameOn(string what)
    {
        using var script = new FlowScript();
        script.Handshake().Client(Ack, 1001, 5001, length: 100).Server(Ack, 5001, 1101);
        Assert.False(script.HasEvent);
        switch (what)
        {
            case "retransmission":
                script.Client(Ack, 1001, 5001, length: 100);
                break;
            case "hole":
                script.Client(Ack, 1201, 5001, length: 100);
                break;
            case "zero window":
                script.Server(Ack, 5001, 1101, window: 0);
                break;
            case "reset":
                script.Server(TcpFlag.Rst | Ack, 5001, 1101);
                break;
            default:
                var quoted = new FrameBuilder().Ipv4().Tcp(FlowScript.ClientPort, FlowScript.ServerPort, Ack, 1101).Build();
                script.Play(new FrameBuilder().Ethernet().Ipv4("10.0.0.254", "10.0.0.1").Icmp(3, 1).Payload(quoted[..28]).Build());
                script.Server(Ack, 5001, 1101);
                break;
        }

        Assert.True(script.HasEvent);
        script.Client(Ack, 1301, 5001, length: 100);
        Assert.True(script.HasEvent);

        // Another flow is not concerned.
        script.Play(new FrameBuilder().Ethernet().Ipv4().Tcp(40_001, FlowScript.ServerPort, TcpFlag.Syn, 1).Build());
        Assert.False(script.HasEvent);
    }

    [Fact]
    public void TheNextPartOfALongFlowBeginsWithoutOne()
    {
        using var script = new FlowScript(FlowTableOptions.Live with { Capacity = 1024, ActiveTimeoutNs = 10_000_000_000 });
        script.Handshake().Client(Ack, 1001, 5001, length: 100).Server(Ack, 5001, 1101, window: 0);
        Assert.True(script.HasEvent);
        script.Server(Ack, 5001, 1101, window: 1000, afterUs: 5_000_000);
        Assert.True(script.HasEvent);
        script.Client(Ack, 1101, 5001, length: 100, afterUs: 6_000_000);
        Assert.False(script.HasEvent);
    }
}

// Fragments find their flow in whatever order they come, and never take memory without bound.
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

public class FragmentTests
{
    private static byte[] First(int id = 7) => new FrameBuilder().Ethernet().Ipv4(id: id, more: true)
        .Udp(1000, 53, length: 208).Payload(92).Build();

    private static byte[] Last(int id = 7) => new FrameBuilder().Ethernet()
        .Ipv4(id: id, fragmentOffset: 100 / 8 * 8, protocol: 17).Payload(104).Build();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PartsGoToTheFlowOfTheFirstInEitherOrder(bool inOrder)
    {
        using var script = new FlowScript();
        foreach (var frame in inOrder ? new[] { First(), Last() } : [Last(), First()])
        {
            script.Play(frame);
        }

        var record = script.Only();
        Assert.Equal(1000, record.InitiatorPort);
        Assert.Equal(2, record.Initiator.Frames);
        Assert.Equal(First().Length + Last().Length, record.Initiator.Bytes);
        Assert.Equal(2, script.Table.Counters.FragmentsAssigned);
    }

    [Fact]
    public void PartsWithoutAFirstBecomeAFlowWithoutPorts()
    {
        using var script = new FlowScript();
        script.Play(Last());
        script.NowUs += 40_000_000;
        for (var i = 0; i < 200; i++)
        {
            script.Table.Advance(script.NowNs);
        }

        Assert.Equal(1, script.Table.Counters.FragmentsWithoutPorts);
        var record = script.Only();
        Assert.Equal((0, 0), (record.InitiatorPort, record.ResponderPort));
        Assert.Equal(FlowProtocol.Udp, record.Protocol);
        Assert.Equal(1, record.Initiator.Frames);
    }

    [Fact]
    public void SegmentInFragmentsIsJudgedWhole()
    {
        using var script = new FlowScript();
        var whole = new FrameBuilder().Ethernet().Ipv4().Tcp(40000, 80, TcpFlag.Ack, 1001, 1).Payload(200).Build();
        script.Play(new FrameBuilder().Ethernet().Ipv4(id: 9, more: true, protocol: 6).Payload(whole[34..(34 + 104)]).Build());
        script.Play(new FrameBuilder().Ethernet().Ipv4(id: 9, fragmentOffset: 104, protocol: 6).Payload(whole[138..]).Build());
        script.NowUs += 1000;
        script.Play(new FrameBuilder().Ethernet().Ipv4().Tcp(40000, 80, TcpFlag.Ack, 1201, 1).Payload(10).Build());
        var record = script.Only();
        Assert.Equal(210, record.Initiator.PayloadBytes);
        Assert.Equal(0u, record.Initiator.LostSegments + record.Initiator.Retransmissions);
    }

    [Fact]
    public void FloodOfFragmentsIsBounded()
    {
        using var script = new FlowScript(FlowTableOptions.Offline with { Capacity = 1024, FragmentCapacity = 64 });
        for (var id = 1; id <= 5000; id++)
        {
            script.Play(Last(id));
        }

        Assert.True(script.Table.Counters.FragmentsEvicted >= 4900);
        Assert.Equal(5000, script.End().Sum(r => r.Initiator.Frames + r.Responder.Frames));
    }
}

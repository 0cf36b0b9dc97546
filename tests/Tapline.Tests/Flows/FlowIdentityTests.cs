// Which frames belong together: tenants, VLANs, tunnels, ICMP, ARP, other layer 2.
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Flows;

public class FlowIdentityTests
{
    private const string Vm = "02:00:00:00:00:01";
    private const string Peer = "02:00:00:00:00:02";
    private const string OtherVm = "02:00:00:00:00:03";

    private static FrameBuilder Tagged(string from, string to, params int[] vlans)
    {
        var builder = new FrameBuilder().Ethernet(from, to);
        foreach (var vlan in vlans)
        {
            builder.Vlan(vlan);
        }

        return builder;
    }

    private static byte[] Request(string from, string to, params int[] vlans) =>
        Tagged(from, to, vlans).Ipv4().Udp(1000, 53).Payload(10).Build();

    private static byte[] Reply(string from, string to, params int[] vlans) =>
        Tagged(from, to, vlans).Ipv4("10.0.0.2", "10.0.0.1").Udp(53, 1000).Payload(20).Build();

    [Fact]
    public void PointsAreNotPartOfTheKey()
    {
        using var script = new FlowScript { Point = 3 };
        script.Play(Request(Vm, Peer));
        script.Point = 4;
        script.Play(Reply(Peer, Vm));
        var record = script.Only();
        Assert.Equal((3, 4), (record.InitiatorPoint, record.ResponderPoint));
        Assert.Equal((1, 1), (record.Initiator.Frames, record.Responder.Frames));
        Assert.Equal(0x0200_0000_0001ul, record.InitiatorMac);
        Assert.Equal(0x0200_0000_0002ul, record.ResponderMac);
    }

    [Fact]
    public void TenantsWithEqualAddressesOnTwoVlansAreTwoFlows()
    {
        using var script = new FlowScript();
        script.Play(Request(Vm, Peer, 10));
        script.Play(Request(Vm, Peer, 20));
        script.Play(Reply(Peer, Vm, 20));
        script.Play(Reply(Peer, Vm, 10));
        var records = script.End();
        Assert.Equal(2, records.Count);
        Assert.All(records, r => Assert.Equal((1, 1), (r.Initiator.Frames, r.Responder.Frames)));
        Assert.Equal([10, 20], records.Select(r => (int)r.Vlan0).Order());
    }

    [Theory]
    [InlineData(new int[0], new[] { 10 })]
    [InlineData(new[] { 10 }, new int[0])]
    [InlineData(new[] { 100, 10 }, new[] { 10 })]
    public void UntaggedPortAndTaggedUplinkAreOneFlow(int[] there, int[] back)
    {
        using var script = new FlowScript();
        for (var i = 0; i < 3; i++)
        {
            script.Play(Request(Vm, Peer, there));
            script.Play(Reply(Peer, Vm, back));
        }

        Assert.Equal(1, script.Table.Counters.VlanAsymmetries);
        var record = script.Only();
        Assert.Equal((3, 3), (record.Initiator.Frames, record.Responder.Frames));
    }

    [Fact]
    public void AsymmetryNeedsAMacAddressThatFits()
    {
        using var script = new FlowScript();
        script.Play(Request(Vm, Peer));
        script.Play(Reply(OtherVm, OtherVm, 10));
        Assert.Equal(2, script.End().Count);
    }

    [Fact]
    public void PriorityTagIsNoVlan()
    {
        using var script = new FlowScript();
        script.Play(Request(Vm, Peer));
        script.Play(new FrameBuilder().Ethernet(Peer, Vm).Vlan(0, priority: 5).Ipv4("10.0.0.2", "10.0.0.1")
            .Udp(53, 1000).Payload(1).Build());
        Assert.Equal(0, script.Only().VlanCount);
    }

    private static byte[] Overlay(bool isReply, int vni, string vtepA = "192.0.2.1", string vtepB = "192.0.2.2")
    {
        var outer = isReply ? (vtepB, vtepA) : (vtepA, vtepB);
        var inner = isReply ? ("10.0.0.2", "10.0.0.1") : ("10.0.0.1", "10.0.0.2");
        return new FrameBuilder().Ethernet().Ipv4(outer.Item1, outer.Item2).Udp(50000, 4789).Vxlan(vni)
            .Ethernet(isReply ? Peer : Vm, isReply ? Vm : Peer).Ipv4(inner.Item1, inner.Item2)
            .Udp(isReply ? 53 : 1000, isReply ? 1000 : 53).Payload(5).Build();
    }

    [Fact]
    public void TenantsOnTwoVnisAreTwoFlows()
    {
        using var script = new FlowScript();
        script.Play(Overlay(isReply: false, 1));
        script.Play(Overlay(isReply: false, 2));
        script.Play(Overlay(isReply: true, 2));
        script.Play(Overlay(isReply: true, 1));
        var records = script.End();
        Assert.Equal(2, records.Count);
        Assert.All(records, r => Assert.Equal((1, 1), (r.Initiator.Frames, r.Responder.Frames)));
        Assert.All(records, r => Assert.Equal(TunnelKind(r), r.OuterInitiatorIp.ToString()));

        static string TunnelKind(FlowRecord record)
        {
            Assert.Equal(Tapline.Base.TunnelKind.Vxlan, record.Tunnel);
            return "192.0.2.1";
        }
    }

    [Fact]
    public void DistributedRoutingWithAVniForEachDirectionIsOneFlow()
    {
        using var script = new FlowScript();
        for (var i = 0; i < 3; i++)
        {
            script.Play(Overlay(isReply: false, 1));
            script.Play(Overlay(isReply: true, 2));
        }

        Assert.Equal(1, script.Table.Counters.VniAsymmetries);
        var record = script.Only();
        Assert.Equal((3, 3), (record.Initiator.Frames, record.Responder.Frames));
    }

    [Fact]
    public void OtherVniThroughOtherEndpointsIsAnotherFlow()
    {
        using var script = new FlowScript();
        script.Play(Overlay(isReply: false, 1));
        script.Play(Overlay(isReply: true, 2, vtepB: "192.0.2.9"));
        Assert.Equal(2, script.End().Count);
    }

    [Fact]
    public void EchoAndReplyAreOneFlowAndIdentifiersTellThemApart()
    {
        using var script = new FlowScript();
        script.Play(new FrameBuilder().Ethernet().Ipv4().Icmp(8, id: 7).Payload(8).Build());
        script.Play(new FrameBuilder().Ethernet().Ipv4("10.0.0.2", "10.0.0.1").Icmp(0, id: 7).Payload(8).Build());
        script.Play(new FrameBuilder().Ethernet().Ipv4().Icmp(8, id: 9).Payload(8).Build());
        var records = script.End();
        Assert.Equal(2, records.Count);
        var first = records.Single(r => r.ResponderPort == 7);
        Assert.Equal(8 << 8, first.InitiatorPort);
        Assert.Equal((1, 1), (first.Initiator.Frames, first.Responder.Frames));
    }

    [Fact]
    public void ReplySeenFirstIsNotTheInitiator()
    {
        using var script = new FlowScript();
        script.Play(new FrameBuilder().Ethernet().Ipv4("10.0.0.2", "10.0.0.1").Icmp(0, id: 7).Payload(8).Build());
        Assert.Equal("10.0.0.1", script.Only().InitiatorIp.ToString());
    }

    [Fact]
    public void IcmpErrorIsAFlowOfItsOwnAndCountsWithWhatItQuotes()
    {
        using var script = new FlowScript();
        var request = Request(Vm, Peer);
        script.Play(request);
        script.Play(new FrameBuilder().Ethernet(Peer, Vm).Ipv4("10.0.0.2", "10.0.0.1").Icmp(3, 3)
            .Payload(request[14..(14 + 28)]).Build());
        var records = script.End();
        Assert.Equal(2, records.Count);
        Assert.Equal(1u, records.Single(r => r.Protocol == FlowProtocol.Udp).IcmpErrors);
        Assert.Equal((3 << 8) | 3, records.Single(r => r.Protocol == FlowProtocol.Icmp).InitiatorPort);
    }

    [Fact]
    public void ArpRequestAndReplyAreOneFlowOfAddresses()
    {
        byte[] a = [10, 0, 0, 1];
        byte[] b = [10, 0, 0, 2];
        byte[] macA = [2, 0, 0, 0, 0, 1];
        byte[] macB = [2, 0, 0, 0, 0, 2];
        byte[] head = [0, 1, 8, 0, 6, 4];
        byte[] broadcast = [255, 255, 255, 255, 255, 255];
        byte[] pad = new byte[18];
        using var script = new FlowScript();
        script.Play([.. broadcast, .. macA, 8, 6, .. head, 0, 1, .. macA, .. a, .. new byte[6], .. b, .. pad]);
        script.Play([.. macA, .. macB, 8, 6, .. head, 0, 2, .. macB, .. b, .. macA, .. a, .. pad]);
        var record = script.Only();
        Assert.Equal(FlowProtocol.Arp, record.Protocol);
        Assert.Equal("10.0.0.1", record.InitiatorIp.ToString());
        Assert.Equal((1, 1), (record.Initiator.Frames, record.Responder.Frames));
    }

    [Fact]
    public void OtherEtherTypesAndLlcAreFlowsByAddressPair()
    {
        using var script = new FlowScript();
        script.Play(new FrameBuilder().Ethernet(Vm, Peer, type: 0x88cc).Payload(50).Build());
        script.Play([1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 38, 0x42, 0x42, 3, .. new byte[43]]);
        var records = script.End();
        Assert.Equal(0x88cc, records.Single(r => r.Protocol == FlowProtocol.EtherTypeFlow).InitiatorPort);
        Assert.Equal(0x4242, records.Single(r => r.Protocol == FlowProtocol.Llc).InitiatorPort);
    }
}

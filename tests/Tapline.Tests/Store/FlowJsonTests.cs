// A record as JSON: the contract's names, unknown left out.
using System.Text.Json;
using Tapline.Base;
using Tapline.Store;
using Xunit;

namespace Tapline.Tests.Store;

public class FlowJsonTests
{
    private sealed class Names : IFlowNames
    {
        public string? PointName(ushort pointId) => $"tap{pointId}";

        public string? VmName(ushort pointId, ulong mac, IpAddress16 ip) => pointId == 1 ? "web01" : null;
    }

    private static JsonElement Write(in FlowRecord record)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            new FlowJsonWriter(new Names()).Write(json, record);
        }

        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    [Fact]
    public void TcpFlowHasTheContractsFields()
    {
        var record = new FlowRecord
        {
            FlowId = 42,
            Protocol = FlowProtocol.Tcp,
            StartNs = 1_700_000_000_000_000_001,
            EndNs = 1_700_000_001_000_000_001,
            State = FlowState.ResetByInitiator,
            EndReason = FlowEndReason.Rst,
            InitiatorIp = IpAddress16.FromIpv4(0x0a000001),
            ResponderIp = IpAddress16.FromIpv4(0x0a000002),
            InitiatorPort = 40000,
            ResponderPort = 443,
            InitiatorMac = 0x0200_0000_0001,
            InitiatorPoint = 1,
            ResponderPoint = 2,
            Tunnel = TunnelKind.Vxlan,
            Vni = 5,
            Vlan0 = 0xe00a,
            VlanCount = 1,
            OuterInitiatorIp = IpAddress16.FromIpv4(0xc0000201),
            HandshakeRttNs = 1000,
            RttSamples = 2,
            RttSumNs = 300,
            RttMaxNs = 200,
            AppId = (ushort)AppName.Tls,
            AppConfidence = 1,
            Initiator = new DirectionCounts { Frames = 3, Segments = 5, Bytes = 300, Retransmissions = 1, FirstNs = 1 },
            Responder = new DirectionCounts { Frames = 1, FirstNs = 2 },
        };
        var json = Write(record);
        Assert.Equal("2023-11-14T22:13:20.000000001Z", json.GetProperty("start").GetString());
        Assert.Equal("tcp", json.GetProperty("protocol").GetString());
        Assert.Equal("10.0.0.1", json.GetProperty("initiator_ip").GetString());
        Assert.Equal(443, json.GetProperty("responder_port").GetInt32());
        Assert.Equal("02:00:00:00:00:01", json.GetProperty("initiator_mac").GetString());
        Assert.Equal("web01", json.GetProperty("initiator_vm").GetString());
        Assert.False(json.TryGetProperty("responder_vm", out _));
        Assert.False(json.TryGetProperty("responder_mac", out _));
        Assert.Equal("tap1", json.GetProperty("point").GetString());
        Assert.Equal(2, json.GetProperty("points").GetArrayLength());
        Assert.Equal(10, json.GetProperty("vlans")[0].GetInt32());
        Assert.Equal("vxlan", json.GetProperty("tunnel").GetString());
        Assert.Equal(5, json.GetProperty("vni").GetInt32());
        Assert.Equal("192.0.2.1", json.GetProperty("outer_initiator_ip").GetString());
        Assert.Equal(1, json.GetProperty("initiator_retransmissions").GetInt32());
        Assert.Equal(0, json.GetProperty("responder_retransmissions").GetInt32());
        Assert.Equal("reset_by_initiator", json.GetProperty("state").GetString());
        Assert.Equal("rst", json.GetProperty("end_reason").GetString());
        Assert.Equal("tls", json.GetProperty("app").GetString());
        Assert.Equal(150, json.GetProperty("rtt_mean_ns").GetInt32());
        Assert.Equal(30, json.GetProperty("community_id").GetString()!.Length);
        Assert.False(json.TryGetProperty("client_rtt_ns", out _));
    }

    [Fact]
    public void IcmpAndLayerTwoSayWhatStandsInForPorts()
    {
        var icmp = Write(new FlowRecord
        {
            Protocol = FlowProtocol.Icmp,
            InitiatorIp = IpAddress16.FromIpv4(1),
            ResponderIp = IpAddress16.FromIpv4(2),
            InitiatorPort = 8 << 8,
            ResponderPort = 77,
        });
        Assert.Equal(8, icmp.GetProperty("icmp_type").GetInt32());
        Assert.Equal(77, icmp.GetProperty("icmp_id").GetInt32());
        Assert.False(icmp.TryGetProperty("initiator_port", out _));
        Assert.False(icmp.TryGetProperty("initiator_retransmissions", out _));
        var ethernet = Write(new FlowRecord { Protocol = FlowProtocol.EtherTypeFlow, InitiatorPort = 0x88cc });
        Assert.Equal(0x88cc, ethernet.GetProperty("ethertype").GetInt32());
        Assert.False(ethernet.TryGetProperty("community_id", out _));
    }

    [Theory]
    [InlineData(0, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(-1, "1969-12-31T23:59:59.999999999Z")]
    [InlineData(4_294_967_295_999_999_999, "2106-02-07T06:28:15.999999999Z")]
    [InlineData(long.MaxValue, "2262-04-11T23:47:16.854775807Z")]
    public void TimesHaveNineDigits(long timeNs, string expected)
    {
        var text = new char[FlowJsonText.TimeLength];
        FlowJsonText.FormatTime(timeNs, text);
        Assert.Equal(expected, new string(text));
    }
}

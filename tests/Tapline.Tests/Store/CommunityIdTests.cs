// The published vectors of Community ID (corelight/community-id-spec, baseline), seed 0, both directions.
using System.Net;
using Tapline.Store;
using Xunit;

namespace Tapline.Tests.Store;

public class CommunityIdTests
{
    private static IpAddress16 Parse(string text)
    {
        var bytes = IPAddress.Parse(text).GetAddressBytes();
        return bytes.Length == 4
            ? IpAddress16.FromIpv4(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : IpAddress16.FromIpv6(bytes);
    }

    private static string? Id(ushort protocol, string from, string to, int port, int otherPort) =>
        CommunityId.ToText(new FlowRecord
        {
            Protocol = protocol,
            InitiatorIp = Parse(from),
            ResponderIp = Parse(to),
            InitiatorPort = (ushort)port,
            ResponderPort = (ushort)otherPort,
        });

    [Theory]
    [InlineData(6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=")]
    [InlineData(17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=")]
    [InlineData(132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=")]
    public void PortedProtocols(int protocol, string from, string to, int port, int otherPort, string expected)
    {
        Assert.Equal(expected, Id((ushort)protocol, from, to, port, otherPort));
        Assert.Equal(expected, Id((ushort)protocol, to, from, otherPort, port));
    }

    [Theory]
    [InlineData(1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=")]
    [InlineData(1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=")]
    [InlineData(58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=")]
    [InlineData(58, "3ffe:507:0:1:260:97ff:fe07:69ea", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=")]
    public void IcmpByTypes(int protocol, string from, string to, int type, int code, string expected) =>
        Assert.Equal(expected, Id((ushort)protocol, from, to, (type << 8) | code, 77));

    [Fact]
    public void ProtocolsWithoutPortsHashTheAddresses()
    {
        // From the specification's own algorithm by hand: seed 0000, lower address first, protocol, padding.
        byte[] input = [0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 50, 0];
        var expected = "1:" + Convert.ToBase64String(System.Security.Cryptography.SHA1.HashData(input));
        Assert.Equal(expected, Id(FlowProtocol.Esp, "10.0.0.2", "10.0.0.1", 0, 0));
    }

    [Fact]
    public void LayerTwoHasNone() => Assert.Null(CommunityId.ToText(new FlowRecord { Protocol = FlowProtocol.Arp }));
}

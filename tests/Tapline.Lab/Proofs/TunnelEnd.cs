// One tunnel of the guest proof: what is ordered, where it ends, and what each packet that arrives there has to be on the
// outside. In: packets as tcpdump wrote them. Out: the frames inside. Written from RFC 791, 8200, 768 and the tunnels' own, by
// the byte, sharing no code with the mirror. Pure.
using System.Buffers.Binary;
using Tapline.Tests.Mirror;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>A mirror session into a tunnel, and its far end.</summary>
/// <param name="Name">The session's name.</param>
/// <param name="Target">What the operator writes; A stands for the tool's address.</param>
/// <param name="HeaderBytes">Between IP header and frame.</param>
/// <param name="UdpPort">0: GRE.</param>
/// <param name="Fields">What tshark is asked of each packet.</param>
internal sealed record TunnelEnd(string Name, string Target, int HeaderBytes, int UdpPort, params string[] Fields)
{
    /// <summary>Longest packet of the path to the tools, and of the session that is told to send no longer ones.</summary>
    public const int PathMtuBytes = 1600;
    public const int NarrowMtuBytes = 1500;

    private const int EthernetBytes = 14;
    private const int Ipv4Bytes = 20;
    private const int Ipv6Bytes = 40;
    private const int UdpBytes = 8;
    private const byte Udp = 17;
    private const byte Gre = 47;

    /// <summary>All of them, each to an address of its own.</summary>
    public static readonly TunnelEnd[] All =
    [
        new("vxlan", "vxlan://A?vni=4711", 16, 4789, "vxlan.vni"),
        new("vxlan6", "vxlan://A?vni=4712", 16, 4789, "vxlan.vni") { IsIpv6 = true },
        new("narrow", $"vxlan://A?vni=4713&mtu={NarrowMtuBytes}", 16, 4789, "vxlan.vni") { MtuBytes = NarrowMtuBytes },
        new("geneve", "geneve://A?vni=4714", 16, 6081, "geneve.vni", "geneve.option.length"),
        new("gre", "gre://A?key=77", 8, 0, "gre.proto", "gre.key"),
        new("erspan1", "erspan://A?version=1", 4, 0, "gre.proto", "gre.sequence_number"),
        new("erspan2", "erspan://A?id=7", 16, 0,
            "gre.proto", "gre.sequence_number", "erspan.version", "erspan.spanid", "erspan.truncated", "erspan.index"),
        new("erspan3", "erspan://A?id=1023&version=3", 20, 0,
            "gre.proto", "gre.sequence_number", "erspan.version", "erspan.spanid", "erspan.truncated", "erspan.hw", "erspan.direction",
            "erspan.gra", "erspan.timestamp"),
        new("subheader", "erspan://A?id=1&version=3&subheader=yes", 28, 0,
            "gre.proto", "gre.sequence_number", "erspan.version", "erspan.spanid", "erspan.truncated", "erspan.gra", "erspan.platid",
            "erspan.pid5.port_index", "erspan.timestamp", "erspan.pid5.timestamp"),
        new("tzsp", "tzsp://A", 13, 37008, "tzsp.version", "tzsp.encap"),
    ];

    public bool IsIpv6 { get; init; }

    /// <summary>Longest IP packet.</summary>
    public int MtuBytes { get; init; } = PathMtuBytes;

    /// <summary>The longest frame that fits.</summary>
    public int FrameBytesMax => MtuBytes - (IsIpv6 ? Ipv6Bytes : Ipv4Bytes) - HeaderBytes;

    /// <summary>The tool's address, by its place among all.</summary>
    public string Address => $"{(IsIpv6 ? "fd00:77::" : "10.77.0.")}{Array.FindIndex(All, e => e.Name == Name) + 11}";

    /// <summary>
    /// The order for the engine. Nobody serves GRE at the far end, where tcpdump looks at packets; its host's answers are ignored.
    /// </summary>
    public string Order => Target.Replace("A", IsIpv6 ? $"[{Address}]" : Address, StringComparison.Ordinal)
        + $"{(UdpPort > 0 ? "" : "&refusal=ignore")};session={Name}";

    /// <summary>What tcpdump takes at the far end.</summary>
    public string CaptureFilter =>
        $"{(IsIpv6 ? "ip6" : "ip")} dst host {Address} and {(UdpPort > 0 ? $"udp dst port {UdpPort}" : "proto 47")}";

    /// <summary>Checks the outside of a packet, and returns the frame inside.</summary>
    public TimedFrame Open(TimedFrame packet)
    {
        var ip = packet.Bytes.AsSpan(EthernetBytes);
        Assert.InRange(ip.Length, 0, MtuBytes);
        var transport = ip[(IsIpv6 ? Ipv6Bytes : Ipv4Bytes)..];
        if (IsIpv6)
        {
            // A fragment would have 44 here, the fragment header.
            Assert.Equal((6, Udp), (ip[0] >> 4, ip[6]));
            Assert.Equal(transport.Length, BinaryPrimitives.ReadUInt16BigEndian(ip[4..]));
        }
        else
        {
            Assert.Equal((0x45, UdpPort > 0 ? Udp : Gre), (ip[0], ip[9]));
            Assert.Equal(ip.Length, BinaryPrimitives.ReadUInt16BigEndian(ip[2..]));
            Assert.Equal(0x4000, BinaryPrimitives.ReadUInt16BigEndian(ip[6..])); // DF, and no fragment
            Assert.Equal(0xffffu, WireCheck.Sum(ip[..Ipv4Bytes]));
        }

        if (UdpPort > 0)
        {
            Assert.Equal(UdpPort, BinaryPrimitives.ReadUInt16BigEndian(transport[2..]));
            Assert.Equal(transport.Length, BinaryPrimitives.ReadUInt16BigEndian(transport[4..]));
            var sum = IsIpv6 ? WireCheck.Sum(transport) + WireCheck.PseudoHeader(ip, Udp, transport.Length) : 0xffff;
            Assert.Equal(0xffffu, (sum & 0xffff) + (sum >> 16));
            Assert.True(IsIpv6 || transport[(UdpBytes - 2)..UdpBytes] is [0, 0], "no checksum over IPv4");
        }

        return packet with { Bytes = transport[HeaderBytes..].ToArray() };
    }
}

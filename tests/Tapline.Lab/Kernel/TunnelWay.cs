// The way of a lab's tool port as a route: a tool behind it that only looks, whose MAC address is known, over IPv4 and IPv6, with
// room for a tunnel's headers. What arrives is taken out of VXLAN here, by its RFC. Helpers of tests.
using System.Buffers.Binary;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Mirror.Kernel;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Kernel;

/// <summary>Tunnels to the tool of a lab.</summary>
internal static class TunnelWay
{
    public const int Vni = 4711;
    public const string Far = "eth0";
    private const string Host4 = "10.7.0.1";
    private const string Tool4 = "10.7.0.2";
    private const string Host6 = "fd07::1";
    private const string Tool6 = "fd07::2";
    private const int EthernetBytes = 14;
    private const int UdpAndVxlanBytes = 16;
    private const string ToolMac = "02:00:00:00:07:02";

    /// <summary>Bytes that a tunnel puts before a frame, with its own Ethernet header.</summary>
    public static int HeaderBytes(bool v6) => EthernetBytes + (v6 ? 40 : 20) + UdpAndVxlanBytes;

    /// <summary>Makes the way; its longest packet has <paramref name="mtuBytes"/>.</summary>
    public static void Open(NetNamespace host, NetNamespace tool, string port, bool v6 = false, int mtuBytes = 1600)
    {
        SetMtu(host, tool, port, mtuBytes);
        host.Run("ethtool", "-K", port, "tx", "off");
        if (v6)
        {
            host.Run("sh", "-c", $"echo 0 > /proc/sys/net/ipv6/conf/{port}/disable_ipv6");
            host.Ip("address", "add", $"{Host6}/64", "dev", port, "nodad");
        }
        else
        {
            host.Ip("address", "add", $"{Host4}/24", "dev", port);
        }

        Neighbour(host, port, v6);
    }

    /// <summary>Makes the tool's MAC address known, which a link that goes down forgets.</summary>
    public static void Neighbour(NetNamespace host, string port, bool v6 = false) =>
        host.Ip("neighbour", "replace", v6 ? Tool6 : Tool4, "lladdr", ToolMac, "dev", port, "nud", "permanent");

    /// <summary>Lets the tool's host answer for the tool, which serves nothing.</summary>
    public static void Answer(NetNamespace tool)
    {
        tool.Ip("link", "set", Far, "address", ToolMac);
        tool.Ip("address", "add", $"{Tool4}/24", "dev", Far);
    }

    public static void SetMtu(NetNamespace host, NetNamespace tool, string port, int bytes)
    {
        tool.Ip("link", "set", Far, "mtu", $"{bytes}");
        host.Ip("link", "set", port, "mtu", $"{bytes}");
    }

    /// <summary>A session into the tunnel, in the kernel or not at all.</summary>
    public static MirrorPlan Plan(bool v6 = false, string session = "m1", MirrorMode mode = MirrorMode.Kernel) => new()
    {
        Session = session, To = $"vxlan://{(v6 ? $"[{Tool6}]" : Tool4)}?vni={Vni}&refusal=ignore", Mode = mode,
    };

    /// <summary>The frames inside the tunnel, in order; checks each packet's headers.</summary>
    public static List<byte[]> Inner(ToolReader reader, bool v6 = false)
    {
        reader.Stop();
        var inner = new List<byte[]>();
        foreach (var packet in reader.Frames.Where(f => IsCopy(f, v6)))
        {
            var ip = packet.AsSpan(EthernetBytes);
            var udp = ip[(v6 ? 40 : 20)..];
            Assert.Equal(ip.Length - (v6 ? 40 : 20), BinaryPrimitives.ReadUInt16BigEndian(udp[4..]));
            if (!v6)
            {
                Assert.Equal(0x4000, BinaryPrimitives.ReadUInt16BigEndian(ip[6..])); // DF, and no fragment
                Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(udp[6..]));
            }
            else
            {
                Assert.Equal(0, UdpSum(ip, udp));
            }

            Assert.Equal(0x0800_0000u, BinaryPrimitives.ReadUInt32BigEndian(udp[8..]));
            Assert.Equal((uint)Vni << 8, BinaryPrimitives.ReadUInt32BigEndian(udp[12..]));
            inner.Add(packet[HeaderBytes(v6)..]);
        }

        return inner;
    }

    /// <summary>Packets of the tunnel that have come so far.</summary>
    public static int Copies(ToolReader reader, bool v6 = false)
    {
        // The reader appends while this counts; its length only grows.
        var count = 0;
        for (var i = 0; i < reader.Count; i++)
        {
            count += IsCopy(reader.Frames[i], v6) ? 1 : 0;
        }

        return count;
    }

    private static bool IsCopy(byte[] frame, bool v6) => frame.Length > HeaderBytes(v6)
        && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) == (v6 ? 0x86DD : 0x0800)
        && frame[EthernetBytes + (v6 ? 6 : 9)] == 17
        && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(EthernetBytes + (v6 ? 42 : 22))) == 4789;

    // RFC 8200 section 8.1: the sum over pseudo-header and datagram, its checksum included, is all ones.
    private static int UdpSum(ReadOnlySpan<byte> ip, ReadOnlySpan<byte> udp)
    {
        var sum = 17L + udp.Length;
        for (var i = 8; i < 40; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(ip[i..]);
        }

        for (var i = 0; i < udp.Length; i++)
        {
            sum += i % 2 == 0 ? udp[i] << 8 : udp[i];
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return 0xFFFF - (int)sum;
    }
}

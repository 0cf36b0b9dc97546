// What stands before a copy: the right header for each target, one lane for both directions of a flow, one sequence for all
// workers, no allocation.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Encapsulate;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Encapsulate;

public class EncapsulatorTests
{
    private const int UdpBytes = 8;

    public static TheoryData<string, int, string> Targets => new()
    {
        { "vxlan://10.0.0.5?vni=42", 16, "0800000000002A00" },
        { "geneve://10.0.0.5?vni=42", 16, "0000655800002A00" },
        { "tzsp://10.0.0.5", 13, "0100000101" },
        { "gre://10.0.0.5", 4, "00006558" },
        { "gre://10.0.0.5?key=7", 8, "2000655800000007" },
        { "erspan://10.0.0.5?version=1", 4, "000088BE" },
        { "erspan://10.0.0.5?id=7", 16, "100088BE00000000102A580700000007" },
        { "erspan://10.0.0.5?id=7&version=3", 20, "100022EB00000000202A400702FAF0FB0000803A" },
        { "erspan://10.0.0.5?id=7&version=3&subheader=yes", 28, "100022EB00000000202A4007000030340000803D1400000300000005" },
    };

    [Theory]
    [MemberData(nameof(Targets))]
    public void EachTargetHasItsHeader(string text, int bytes, string expected)
    {
        // VLAN 42 with priority 2, seen by point 3 as it left, 5 s and 12,340 ns after the epoch.
        var frame = new FrameBuilder().Ethernet().Vlan(0x402A).Ipv4("10.1.1.1", "10.1.1.2").Udp(1, 2).Payload("hello").Build();
        var encapsulator = new Encapsulator(Parse(text), new TunnelSequence());
        Assert.Equal(bytes, encapsulator.HeaderBytes);
        byte[] packet = [.. new byte[bytes], .. frame];
        encapsulator.Begin(Meta(frame, 5_000_012_340, FrameFlags.FromHost), Decode(frame));
        encapsulator.Write(packet, isTruncated: false);
        var udp = Parse(text).IsUdp ? UdpBytes : 0;
        Assert.Equal(expected, Convert.ToHexString(packet.AsSpan(udp, bytes - udp)));
        Assert.Equal(frame, packet[bytes..]);
        if (udp > 0)
        {
            Assert.Equal(Parse(text).Port, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)));
            Assert.Equal(packet.Length, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4)));
        }
    }

    [Fact]
    public void ACutFrameIsMarked()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload("hello").Build();
        var encapsulator = new Encapsulator(Parse("erspan://10.0.0.5?id=7"), new TunnelSequence());
        byte[] packet = [.. new byte[16], .. frame];
        encapsulator.Begin(Meta(frame, 0, FrameFlags.None), Decode(frame));
        encapsulator.Write(packet, isTruncated: true);
        Assert.Equal("10000407", Convert.ToHexString(packet.AsSpan(8, 4)));
    }

    [Fact]
    public void BothDirectionsOfAFlowTakeOneLaneAndFlowsSpread()
    {
        var ports = new HashSet<int>();
        for (var i = 0; i < 1000; i++)
        {
            var there = Lane("10.1.1.1", "10.1.1.2", 40_000 + i, 443);
            Assert.Equal(there, Lane("10.1.1.2", "10.1.1.1", 443, 40_000 + i));
            Assert.InRange(there, 0xC000, 0xFFFF);
            ports.Add(there);
        }

        Assert.True(ports.Count > 900, $"{ports.Count} lanes for 1000 flows");
    }

    [Fact]
    public void WorkersShareOneSequence()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload("hello").Build();
        var sequence = new TunnelSequence();
        Encapsulator[] workers = [new(Parse("erspan://t?id=1"), sequence), new(Parse("erspan://t?id=1"), sequence)];
        byte[] packet = [.. new byte[16], .. frame];
        for (var i = 0u; i < 10; i++)
        {
            workers[i % 2].Write(packet, isTruncated: false);
            Assert.Equal(i, BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(4)));
        }
    }

    [Fact]
    public void NothingIsAllocatedPerFrame()
    {
        var frame = new FrameBuilder().Ethernet().Vlan(42).Ipv4().Udp(1, 2).Payload("hello").Build();
        var meta = Meta(frame, 1, FrameFlags.None);
        var layout = Decode(frame);
        foreach (var text in Targets.Select(t => t.Data.Item1))
        {
            var encapsulator = new Encapsulator(Parse(text), new TunnelSequence());
            byte[] packet = [.. new byte[encapsulator.HeaderBytes], .. frame];
            Assert.Equal(0, Allocations.LeastOf(() =>
            {
                for (var i = 0; i < 100_000; i++)
                {
                    encapsulator.Begin(meta, layout);
                    encapsulator.Write(packet, isTruncated: false);
                }
            }));
        }
    }

    private static int Lane(string from, string to, int source, int destination)
    {
        var frame = new FrameBuilder().Ethernet().Ipv4(from, to).Tcp(source, destination).Build();
        var encapsulator = new Encapsulator(Parse("vxlan://10.0.0.5"), new TunnelSequence());
        byte[] packet = [.. new byte[16], .. frame];
        encapsulator.Begin(Meta(frame, 0, FrameFlags.None), Decode(frame));
        encapsulator.Write(packet, isTruncated: false);
        return BinaryPrimitives.ReadUInt16BigEndian(packet);
    }

    private static TunnelTarget Parse(string text) => Assert.IsType<TunnelTarget>(TargetParser.Parse(text, out _));

    private static FrameMeta Meta(byte[] frame, long timestampNs, FrameFlags flags) => new()
    {
        LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = frame.Length, PointId = 3,
        TimestampNs = timestampNs, Flags = flags,
    };

    private static FrameLayout Decode(byte[] frame)
    {
        FrameDecoder.Decode(frame, Meta(frame, 0, FrameFlags.None), out var layout);
        return layout;
    }
}

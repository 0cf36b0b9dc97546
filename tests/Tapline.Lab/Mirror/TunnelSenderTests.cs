// Copies through every tunnel over a real wire: byte for byte what was offered, in packets with DF that are no fragments,
// understood by tshark, by the kernel's own VXLAN device and by Tapline's listeners; nothing allocated per frame.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Capture.Ring;
using Tapline.Decode;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Lab.Mirror;

[Trait("pace", "patient")]
public sealed class TunnelSenderTests
{
    private const int EthernetBytes = 14;
    private const int Ipv4Bytes = 20;
    private const int Ipv6Bytes = 40;
    private const int MtuBytes = 1500;
    private const int Datagrams = 200;

    // Target, bytes between IP header and frame, fields for tshark and what it must say of the first packet.
    public static TheoryData<string, int, string, string> Tunnels => new()
    {
        { "vxlan://H?vni=4711", 16, "vxlan.vni", "4711" },
        { "vxlan://H:8472?vni=1", 16, "vxlan.vni", "1" },
        { "geneve://H?vni=4711", 16, "geneve.vni,geneve.version,geneve.option.length", "0x001267,0,0" },
        { "gre://H", 4, "gre.proto,gre.key", "0x6558," },
        { "gre://H?key=77", 8, "gre.proto,gre.key", "0x6558,0x0000004d" },
        { "erspan://H?version=1", 4, "gre.proto,gre.sequence_number", "0x88be," },
        {
            "erspan://H?id=7", 16, "gre.proto,gre.sequence_number,erspan.version,erspan.spanid,erspan.index,erspan.truncated",
            "0x88be,0,1,7,7,0"
        },
        {
            "erspan://H?id=1023&version=3", 20,
            "gre.proto,gre.sequence_number,erspan.spanid,erspan.timestamp,erspan.gra,erspan.direction,erspan.hw,erspan.o,erspan.ft",
            "0x22eb,0,1023,2852664967,1,1,3,0,0"
        },
        {
            "erspan://H?id=1&version=3&subheader=yes", 28,
            "erspan.spanid,erspan.timestamp,erspan.gra,erspan.platid,erspan.pid5.port_index,erspan.pid5.timestamp",
            "1,123456789,2,5,3,1795608000"
        },
        { "tzsp://H", 13, "tzsp.version,tzsp.encap", "1,1" },
    };

    [Theory]
    [MemberData(nameof(Tunnels))]
    public void What_leaves_arrives_unchanged_and_tshark_reads_it(string form, int headerBytes, string fields, string first)
    {
        LabNeeds.Tools("tshark", "tcpdump");
        using var lab = new TunnelTool();
        Check(lab, form, headerBytes, fields, first, v6: false);
    }

    [Theory]
    [InlineData("vxlan://H?vni=4711", 16, "vxlan.vni", "4711")]
    [InlineData("erspan://H?id=7", 16, "erspan.spanid", "7")]
    public void The_same_over_ipv6(string form, int headerBytes, string fields, string first)
    {
        LabNeeds.Tools("tshark", "tcpdump");
        using var lab = new TunnelTool();
        Assert.SkipUnless(lab.HasIpv6, "needs IPv6 in the kernel");
        Check(lab, form, headerBytes, fields, first, v6: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kernels_own_vxlan_device_understands(bool v6)
    {
        using var lab = new TunnelTool();
        Assert.SkipUnless(!v6 || lab.HasIpv6, "needs IPv6 in the kernel");
        lab.Tool.Ip("link", "add", "vx0", "type", "vxlan", "id", "42", "dstport", "4789",
            "local", v6 ? Vantage.TunnelLab.HostAddress6 : Vantage.TunnelLab.HostAddress, "dev", TunnelTool.Wire);
        VethPair.Quiet(lab.Tool, "vx0");
        lab.Tool.Ip("link", "set", "vx0", "up");
        using var reader = ToolReader.Open(lab.Tool, "vx0");
        using var session = TunnelTool.Open(lab.Host, $"vxlan://{TunnelTool.Address(v6)}?vni=42", out var sender);
        var frames = TunnelTool.Mixture(Datagrams);
        var expected = TunnelTool.Expected(frames, sender.FrameBytesMax);
        frames.ForEach(f => TunnelTool.Offer(session, f.Meta, f.Bytes));
        session.Finish();
        reader.StopAfter(expected.Count);
        Assert.Equal(expected.Select(Convert.ToHexString), reader.Frames.Select(Convert.ToHexString));
        Assert.Equal(session.Counters.Offered, session.Counters.Sent);
    }

    [Theory]
    [InlineData("vxlan://H?vni=5", "vxlan://", TunnelKind.Vxlan, 5)]
    [InlineData("geneve://H?vni=5", "geneve://", TunnelKind.Geneve, 5)]
    [InlineData("gre://H?key=5", "gre://?key=5", TunnelKind.Gre, 5)]
    [InlineData("erspan://H?version=1", "erspan://", TunnelKind.Erspan1, 0)]
    [InlineData("erspan://H?id=5", "erspan://?id=5", TunnelKind.Erspan2, 5)]
    [InlineData("erspan://H?id=5&version=3", "erspan://?id=5", TunnelKind.Erspan3, 5)]
    [InlineData("erspan://H?id=5&version=3&subheader=yes", "erspan://?id=5", TunnelKind.Erspan3, 5)]
    public void Our_own_listener_understands(string form, string listener, TunnelKind kind, int id)
    {
        using var lab = new TunnelTool();
        using var run = CaptureRun.Start(lab.Tool, new LiveCaptureOptions { Points = [listener], RingBudgetBytes = 64 << 20 });
        using var session = TunnelTool.Open(lab.Host, With(form, false), out var sender);
        var frames = TunnelTool.Mixture(Datagrams);
        var expected = TunnelTool.Expected(frames, sender.FrameBytesMax);
        frames.ForEach(f => TunnelTool.Offer(session, f.Meta, f.Bytes));
        session.Finish();
        var point = run.Point(listener).Point.Id;
        LabWait.Until(() => run.Captured(point) >= expected.Count, () => $"{expected.Count} packets; {run.Captured(point)} came");
        var seen = run.Finish();
        for (var i = 0; i < expected.Count; i++)
        {
            var meta = seen[i].Meta;
            FrameDecoder.Decode(seen[i].Bytes, meta, out var layout);
            Assert.Equal((kind, (uint)id), (layout.Tunnel, layout.Vni));
            Assert.Equal(Convert.ToHexString(expected[i]), Convert.ToHexString(seen[i].Bytes.AsSpan()[^expected[i].Length..]));
        }
    }

    [Fact]
    public void Nothing_is_allocated_per_frame()
    {
        using var lab = new TunnelTool();
        lab.Serve(TunnelTool.Target(With("erspan://H?version=3", false)));
        using var session = TunnelTool.Open(lab.Host, With("erspan://H?version=3", false), out _);
        var (meta, bytes) = TunnelTool.Plain(new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload("hello").Build());
        FrameDecoder.Decode(bytes, meta, out var layout);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                session.Offer(meta, layout, bytes);
                if (i % 64 == 63)
                {
                    session.EndBatch();
                }
            }
        }));
        session.Finish();
        Assert.True(session.Counters.Balances && session.Counters.Sent > 0);
    }

    private static void Check(TunnelTool lab, string form, int headerBytes, string fields, string first, bool v6)
    {
        var target = TunnelTool.Target(With(form, v6));
        lab.Serve(target);
        var file = Path.GetTempFileName();
        try
        {
            using var witness = lab.Tool.Start("tcpdump", "-i", TunnelTool.Wire, "-U", "-s", "0", "-w", file, "-Q", "in",
                target.IsUdp ? $"udp dst port {target.Port}" : v6 ? "ip6 proto 47" : "ip proto 47");
            witness.WaitForLine(l => l.Contains("listening on", StringComparison.Ordinal));
            using var session = TunnelTool.Open(lab.Host, target.ToString(), out var sender);
            var ipBytes = v6 ? Ipv6Bytes : Ipv4Bytes;
            Assert.Equal(MtuBytes - ipBytes - headerBytes, sender.FrameBytesMax);
            var frames = TunnelTool.Mixture(Datagrams);
            var expected = TunnelTool.Expected(frames, sender.FrameBytesMax);
            Assert.True(expected.Count > frames.Count + 15, "the super-frame and long TCP frames became several");
            frames.ForEach(f => TunnelTool.Offer(session, f.Meta, f.Bytes));
            session.Finish();
            Assert.Equal((frames.Count, frames.Count), (session.Counters.Offered, session.Counters.Sent));
            Assert.Equal(
                (expected.Count, expected.Sum(f => (long)f.Length)),
                (session.Counters.SentWireFrames, session.Counters.SentBytes));

            var fileBytes = 24 + expected.Sum(f => 16 + EthernetBytes + ipBytes + headerBytes + f.Length);
            LabWait.Until(() => new FileInfo(file).Length >= fileBytes, () => $"{fileBytes} bytes; {new FileInfo(file).Length} came");
            witness.Signal(2);
            witness.WaitForExit();
            var packets = ReadPcap(file);
            Assert.Equal(expected.Count, packets.Count);
            for (var i = 0; i < packets.Count; i++)
            {
                CheckOuter(packets[i], target.IsUdp ? 17 : 47, v6);
                var inner = packets[i].AsSpan(EthernetBytes + ipBytes + headerBytes);
                Assert.True(inner.SequenceEqual(expected[i]), $"packet {i} carries another frame");
            }

            CheckTshark(file, expected.Count, fields, first);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static void CheckOuter(byte[] packet, int protocol, bool v6)
    {
        var ip = packet.AsSpan(EthernetBytes);
        Assert.InRange(ip.Length, 0, MtuBytes);
        if (v6)
        {
            Assert.Equal((6, protocol), (ip[0] >> 4, ip[6]));
            return;
        }

        Assert.Equal(0x4000, BinaryPrimitives.ReadUInt16BigEndian(ip[6..]));
        Assert.Equal(protocol, ip[9]);
    }

    private static void CheckTshark(string file, int count, string fields, string first)
    {
        string[] common =
        [
            "tshark", "-r", file, "-d", "udp.port==8472,vxlan", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
            "-o", "udp.check_checksum:TRUE",
        ];
        string[] ask = ["-T", "fields", "-E", "separator=,", "-E", "occurrence=f"];
        var wanted = fields.Split(',').SelectMany(f => (string[])["-e", f]);
        var lines = LabCommand.Run([.. common, .. ask, .. wanted]).TrimEnd('\n').Split('\n');
        Assert.Equal((count, first), (lines.Length, lines[0]));
        const string Wrong = "ip.flags.mf == 1 || ip.frag_offset > 0 || ip.checksum.status == 0 || tcp.checksum.status == 0"
            + " || udp.checksum.status == 0";
        Assert.Equal("", LabCommand.Run([.. common, "-Y", Wrong]));
        var inner = LabCommand.Run([.. common, "-Y", "tcp.dstport == 80 && tcp.checksum.status == 1"]).TrimEnd('\n').Split('\n');
        Assert.InRange(inner.Length, 20, 24);
    }

    private static List<byte[]> ReadPcap(string file)
    {
        var bytes = File.ReadAllBytes(file);
        var packets = new List<byte[]>();
        for (var at = 24; at + 16 <= bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
            packets.Add(bytes.AsSpan(at + 16, length).ToArray());
            at += 16 + length;
        }

        return packets;
    }

    private static string With(string form, bool v6) => form.Replace("H", TunnelTool.Address(v6), StringComparison.Ordinal);
}

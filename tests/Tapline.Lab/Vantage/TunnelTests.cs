// Tunnel listeners on real sockets: what arrives is what was sent, byte for byte, the decoder's verdict is tshark's, orders
// choose what they name, the ledger balances when the socket overflows, and nothing is allocated per frame.
using System.Globalization;
using System.Net;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Decode;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Lab.Vantage;

[Trait("pace", "patient")]
public sealed class TunnelTests
{
    private const int Count = 40;
    private static readonly LiveCaptureOptions s_options = new() { RingBudgetBytes = 64 << 20 };

    [Theory]
    [InlineData("vxlan://:4789", "vxlan")]
    [InlineData("vxlan://10.8.0.1:8472", "vxlan")]
    [InlineData("geneve://", "geneve")]
    [InlineData("gre://", "gre")]
    [InlineData("gre://", "gre key")]
    [InlineData("erspan://", "erspan 1")]
    [InlineData("erspan://", "erspan 2")]
    [InlineData("erspan://", "erspan 3")]
    public void What_arrives_is_what_was_sent_and_the_decoders_verdict_is_tsharks(string url, string kind)
    {
        LabNeeds.Tools("tshark", "tcpdump");
        using var lab = new TunnelLab();
        var port = url.Contains("8472", StringComparison.Ordinal) ? 8472 : 4789;
        var sent = Enumerable.Range(1, Count).Select(i => Tunnelled(lab.Packet(), kind, i, port)).ToList();
        var file = Path.GetTempFileName();
        try
        {
            using var witness = lab.Host.Start("tcpdump", "-i", "wire0", "-U", "-w", file, "-Q", "in", "ip");
            witness.WaitForLine(l => l.Contains("listening on", StringComparison.Ordinal));
            using var run = CaptureRun.Start(lab.Host, s_options with { Points = [url] });
            sent.ForEach(f => lab.Send(f));
            var point = run.Point(url).Point;
            LabWait.Until(() => run.Captured(point.Id) >= Count, "all packets");
            LabWait.Until(() => new FileInfo(file).Length >= 24 + sent.Sum(f => f.Length + 16), "the witness's file");
            witness.Stop();
            var frames = run.Finish();

            Assert.Equal((PointKind.Tunnel, 0), (point.Kind, point.InterfaceIndex));
            Assert.Equal(sent.Select(f => Convert.ToHexString(f.AsSpan(14))), frames.Select(f =>
                Convert.ToHexString(f.Bytes)));
            Assert.All(frames, f => Assert.Equal((point.Id, LinkType.Raw, f.Bytes.Length), (f.Meta.PointId,
                f.Meta.LinkType, f.Meta.OriginalLength)));
            var now = Clock.NowNs();
            Assert.All(frames, f => Assert.InRange(f.Meta.TimestampNs, now - (600 * Clock.SecondNs), now));
            Assert.Equal(Witnessed(file), frames.Select(Decoded));
            Assert.Equal((Count, (long)frames.Sum(f => f.Bytes.Length)), (run.Arrived(point.Id).Frames,
                run.Arrived(point.Id).Bytes));
            Assert.Empty(run.Capture.Notices);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kernels_own_vxlan_device_is_understood_over_both_ips(bool v6)
    {
        using var lab = new TunnelLab();
        Assert.SkipUnless(!v6 || lab.HasIpv6, "needs IPv6 in the kernel");
        using var device = lab.VxlanDevice(4711, 4789, v6);
        using var run = CaptureRun.Start(lab.Host, s_options with { Points = ["vxlan://:4789"], Workers = 2 });
        var inner = Enumerable.Range(1, Count).Select(i => Inner(i)).ToList();
        inner.ForEach(f => Assert.True(device.Send(f)));
        var id = run.Point("vxlan://:4789").Point.Id;
        LabWait.Until(() => run.Captured(id) >= Count, "all packets");
        var frames = run.Finish();
        Assert.Single(frames.Select(f => f.Worker).Distinct());
        for (var i = 0; i < Count; i++)
        {
            var frame = frames[i];
            var meta = frame.Meta;
            FrameDecoder.Decode(frame.Bytes, in meta, out var layout);
            Assert.Equal((TunnelKind.Vxlan, 4711u, v6 ? (byte)6 : (byte)4), (layout.Tunnel, layout.Vni,
                layout.OuterIpVersion));
            Assert.Equal(Convert.ToHexString(inner[i]),
                Convert.ToHexString(frame.Bytes.AsSpan(frame.Bytes.Length - inner[i].Length)));
            var outer = frame.Bytes.AsSpan();
            var addresses = v6 ? (new IPAddress(outer[8..24]),
                new IPAddress(outer[24..40])) : (new IPAddress(outer[12..16]), new IPAddress(outer[16..20]));
            Assert.Equal(
                (v6 ? TunnelLab.SenderAddress6 : TunnelLab.SenderAddress, v6
                    ? TunnelLab.HostAddress6 : TunnelLab.HostAddress),
                (addresses.Item1.ToString(), addresses.Item2.ToString()));
            if (v6)
            {
                Assert.Equal((0x60, 17, 64), (outer[0], outer[6], outer[7]));
                Assert.Equal(frame.Bytes.Length - 40, (outer[4] << 8) | outer[5]);
            }
        }
    }

    [Theory]
    [InlineData("vxlan://?vni=3", "vxlan", 1)]
    [InlineData("geneve://?vni=3", "geneve", 1)]
    [InlineData("gre://?key=3", "gre key", 1)]
    [InlineData("gre://?key=3", "gre", 0)]
    [InlineData("erspan://?id=3", "erspan 2", 1)]
    [InlineData("erspan://?id=3", "erspan 3", 1)]
    [InlineData("erspan://?id=3", "erspan 1", 0)]
    [InlineData("gre://", "erspan 2", 0)]
    [InlineData("erspan://", "gre", 0)]
    [InlineData("vxlan://:4790", "vxlan", 0)]
    [InlineData("vxlan://?from=10.8.0.2", "vxlan", Count)]
    [InlineData("vxlan://?from=10.8.0.3", "vxlan", 0)]
    [InlineData("vxlan://10.8.0.9", "vxlan", 0)]
    public void A_listener_takes_what_its_order_names(string url, string kind, int expected)
    {
        using var lab = new TunnelLab();
        lab.Host.Ip("address", "add", "10.8.0.9/24", "dev", "wire0");
        // A second listener tells when everything has arrived.
        using var run = CaptureRun.Start(lab.Host, s_options with { Points = [url, "geneve://:9999"] });
        for (var i = 1; i <= Count; i++)
        {
            lab.Send(Tunnelled(lab.Packet(), kind, i, 4789));
        }

        lab.Send(lab.Packet().Udp(1, 9999).Geneve(1).Ethernet().Ipv4().Udp(1, 2).Build());
        LabWait.Until(() => run.Captured(run.Point("geneve://:9999").Point.Id) == 1, "the last packet");
        run.Finish();
        Assert.Equal(expected, run.Captured(run.Point(url).Point.Id));
        Assert.Equal(expected, run.Arrived(run.Point(url).Point.Id).Frames);
    }

    [Fact]
    public void A_packet_that_came_in_fragments_is_one_frame()
    {
        using var lab = new TunnelLab();
        using var run = CaptureRun.Start(lab.Host, s_options with { Points = ["vxlan://"] });
        var whole = lab.Packet().Udp(5, 4789).Vxlan(7).Ethernet().Ipv4().Udp(1, 2).Payload(1400).Build();
        var payload = whole.AsSpan(34).ToArray();
        foreach (var (offset, length) in ((int, int)[])[(0, 800), (800, payload.Length - 800)])
        {
            var fragment = whole.AsSpan(0, 34).ToArray().Concat(payload.AsSpan(offset, length).ToArray()).ToArray();
            fragment[16] = (byte)((length + 20) >> 8);
            fragment[17] = (byte)(length + 20);
            fragment[20] = (byte)((offset == 0 ? 0x20 : 0) | (offset / 8 >> 8));
            fragment[21] = (byte)(offset / 8);
            (fragment[24], fragment[25]) = (0, 0);
            var sum = 0;
            for (var i = 14; i < 34; i += 2)
            {
                sum += (fragment[i] << 8) | fragment[i + 1];
            }

            sum = (sum & 0xFFFF) + (sum >> 16);
            (fragment[24], fragment[25]) = ((byte)(~sum >> 8), (byte)~sum);
            lab.Send(fragment);
        }

        LabWait.Until(() => run.Captured(run.Point("vxlan://").Point.Id) == 1, "the whole packet");
        var frame = Assert.Single(run.Finish());
        Assert.Equal(whole.Length - 14, frame.Bytes.Length);
        Assert.Equal(payload, frame.Bytes.AsSpan(20).ToArray());
    }

    [Fact]
    public void Senders_are_not_told_that_nobody_listens_and_a_tunnel_device_on_the_port_works_on()
    {
        LabNeeds.Tools("nstat");
        using var lab = new TunnelLab();
        lab.Host.Ip("link", "add", "vx9", "type", "vxlan", "id", "9", "dstport", "4789", "local", TunnelLab.HostAddress);
        VethPair.Quiet(lab.Host, "vx9");
        lab.Host.Ip("link", "set", "vx9", "up");
        using var run = CaptureRun.Start(lab.Host, s_options with { Points = ["vxlan://", "geneve://", "gre://"] });
        Assert.Contains(run.Capture.Notices, n => n.Contains("4789 is also served", StringComparison.Ordinal));
        Assert.Single(run.Capture.Notices);
        for (var i = 1; i <= Count; i++)
        {
            lab.Send(lab.Packet().Udp(5, 4789).Vxlan(9).Ethernet().Ipv4().Udp(1, 2).Build());
            lab.Send(Tunnelled(lab.Packet(), "geneve", i, 0));
            lab.Send(Tunnelled(lab.Packet(), "gre", i, 0));
        }

        LabWait.Until(() => run.Frames.Count == 3 * Count, () => $"all packets; so far {run.Frames.Count}");
        Assert.Equal(Count, lab.Host.Statistic("vx9", "rx_packets"));
        var unreachable = lab.Host.Run("nstat", "-asz", "IcmpOutDestUnreachs").Split('\n').First(l =>
            l.StartsWith("IcmpOut", StringComparison.Ordinal));
        Assert.Equal("0", unreachable.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }

    [Fact]
    public void When_the_socket_overflows_arrived_is_captured_plus_dropped()
    {
        using var lab = new TunnelLab();
        const int Flood = 60_000;
        using var capture = lab.Host.Enter(() =>
            LiveCapture.Open(s_options with { Points = ["gre://"] },
                out var error) ?? throw new InvalidOperationException(error));
        var id = Assert.Single(capture.Points).Point.Id;
        var frame = Tunnelled(lab.Packet(), "gre", 1, 0, payload: 1000);
        for (var i = 0; i < Flood; i++)
        {
            lab.Send(frame);
        }

        // Nobody leased meanwhile: the buffer is full, the rest is lost and known.
        var drops = capture.ReadSocketDrops(0);
        Assert.InRange(drops, 1, Flood - 1);
        capture.StopArrivals();
        var batch = new FrameBatch();
        var captured = 0L;
        while (capture.Sources[0].Lease(batch, 100) is var result && result != LeaseResult.End)
        {
            captured += batch.Count;
            if (result == LeaseResult.Frames)
            {
                capture.Sources[0].Release(batch);
            }
        }

        var arrived = new PointArrived[4];
        Assert.Equal(1, capture.ReadArrived(arrived));
        Assert.Equal((id, Flood, Flood), (arrived[0].PointId, arrived[0].Frames, captured + capture.ReadSocketDrops(0)));
        Assert.Equal(drops, capture.ReadSocketDrops(0));
        Assert.Equal(captured, capture.Sources[0].Captured(id));
    }

    [Fact]
    public void Nothing_is_allocated_per_frame()
    {
        using var lab = new TunnelLab();
        using var capture = lab.Host.Enter(() =>
            LiveCapture.Open(s_options with { Points = ["gre://", "vxlan://"] },
                out var error) ?? throw new InvalidOperationException(error));
        var gre = Tunnelled(lab.Packet(), "gre", 1, 0);
        var vxlan = Tunnelled(lab.Packet(), "vxlan", 1, 4789);
        var batch = new FrameBatch();
        var arrived = new PointArrived[4];
        var source = capture.Sources[0];
        var seen = 0;
        var least = Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                for (var j = 0; j < 50; j++)
                {
                    lab.Send(gre);
                    lab.Send(vxlan);
                }

                while (source.Lease(batch, 0) == LeaseResult.Frames)
                {
                    seen += batch.Count;
                    source.Release(batch);
                }

                capture.ReadArrived(arrived);
            }
        });
        Assert.Equal(0, least);
        Assert.True(seen >= 100_000, $"{seen} frames");
    }

    [Fact]
    public void An_engine_serves_listeners_beside_ports_and_its_ledger_balances()
    {
        using var lab = new TunnelLab();
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(lab.Host);
        bridge.AddPort(vm);
        using var device = lab.VxlanDevice(42, 4789);
        using var engine = LabEngine.Start(
            lab.Host, 3, "--point", $"bridge:{bridge.Name}", "--point", "vxlan://:4789", "--point", "erspan://?id=7",
                "--workers", "2");
        using var port = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        const int Frames = 5000;
        for (var i = 0; i < Frames; i++)
        {
            Assert.True(device.Send(Inner((i % 200) + 1)));
            Assert.True(port.Send(Inner((i % 200) + 1)));
            lab.Send(Tunnelled(lab.Packet(), "erspan 2", 7, 0));
        }

        engine.WaitForAnalysed(3 * Frames);
        var ledger = engine.Stop();
        Assert.Equal(3 * Frames, ledger.GetProperty("arrived").GetInt64());
        foreach (var point in ledger.GetProperty("points").EnumerateArray())
        {
            Assert.Equal(
                point.GetProperty("arrived").GetInt64(),
                point.GetProperty("captured").GetInt64() + point.GetProperty("dropped_ring").GetInt64());
            var isTunnel = point.GetProperty("point").GetString()!.Contains("://", StringComparison.Ordinal);
            if (isTunnel)
            {
                Assert.Equal(Frames, point.GetProperty("arrived").GetInt64());
            }
        }
    }

    [Theory]
    [InlineData("vxlan://10.8.0.77", "is no address of this host")]
    [InlineData("vxlan://:99999", "is no UDP port")]
    [InlineData("gre://:47", "has no ports")]
    [InlineData("erspan://?vni=1", "knows the options id and from")]
    [InlineData("geneve://host.example", "numeric addresses")]
    public void What_cannot_listen_is_one_sentence_with_the_mend(string url, string words)
    {
        using var lab = new TunnelLab();
        var error = lab.Host.Enter(() =>
        {
            using var capture = LiveCapture.Open(s_options with { Points = [url] }, out var problem);
            Assert.Null(capture);
            return problem;
        });
        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    private static byte[] Inner(int number) => new FrameBuilder()
        .Ethernet("02:00:00:00:00:11", "02:00:00:00:00:12").Ipv4("192.0.2.1", $"198.51.100.{number}")
            .Udp(1000 + number, 53).Payload(30).Build();

    private static byte[] Tunnelled(FrameBuilder carrier, string kind, int number, int port, int payload = 30)
    {
        var tunnel = kind switch
        {
            "vxlan" => carrier.Udp(50_000 + number, port).Vxlan(number),
            "geneve" => carrier.Udp(50_000 + number, 6081).Geneve(number),
            "gre" => carrier.Gre(),
            "gre key" => carrier.Gre(key: (uint)number),
            "erspan 1" => carrier.Gre(protocol: 0x88BE),
            "erspan 2" => carrier.Gre(sequence: (uint)number).Erspan2(number),
            "erspan 3" => carrier.Gre(sequence: (uint)number).Erspan3(number),
            _ => throw new ArgumentException(kind),
        };
        return tunnel.Ethernet("02:00:00:00:00:11", "02:00:00:00:00:12")
            .Ipv4("192.0.2.1", $"198.51.100.{number}").Udp(1000 + number, 53).Payload(payload).Build();
    }

    // Innermost addresses and ports, as the product decodes them.
    private static string Decoded(SeenFrame frame)
    {
        var meta = frame.Meta;
        FrameDecoder.Decode(frame.Bytes, in meta, out var layout);
        Assert.True(layout.TunnelDepth == 1, "one tunnel");
        var packet = frame.Bytes.AsSpan(layout.NetworkOffset);
        return string.Create(CultureInfo.InvariantCulture,
            $"{new IPAddress(packet[12..16])},{new IPAddress(packet[16..20])},{layout.SourcePort},{layout.DestinationPort}");
    }

    // The same by tshark, of what tcpdump saw on the wire.
    private static List<string> Witnessed(string file)
    {
        var output = LabCommand.Run(
            "tshark", "-r", file, "-d", "udp.port==8472,vxlan", "-T", "fields", "-E", "separator=,", "-E", "occurrence=l",
            "-e", "ip.src", "-e", "ip.dst", "-e", "udp.srcport", "-e", "udp.dstport");
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}

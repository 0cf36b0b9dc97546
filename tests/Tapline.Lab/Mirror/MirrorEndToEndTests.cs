// The whole way: a real TCP transfer with all offloads on crosses a real switch; what the tool receives is what a wire
// would have carried, whole, once, with every checksum right, and the ledger says so to the frame.
using System.Buffers.Binary;
using System.Diagnostics;
using Tapline.Lab.Net;
using Tapline.Tests.Mirror;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class MirrorEndToEndTests
{
    private const int MtuBytes = 1500;
    private const int EthernetHeaderBytes = 14;
    private const int TagBytes = 4;
    private const int ServerPort = 7000;

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public void The_copy_is_the_stream_byte_for_byte(bool isIpv6, int tags)
    {
        LabNeeds.Namespaces();
        var data = Noise(24 << 20);
        using var lab = new MirrorLab(isIpv6, tags);
        using var engine = lab.Start();
        lab.Transfer(data);
        var report = engine.Finish();
        CheckLedger(report);
        var row = report.Mirrors[0].Ledger;
        Assert.Equal(row.Offered, row.Sent);
        lab.Reader.StopAfter(row.SentWireFrames);
        Assert.Equal(row.SentWireFrames, lab.Reader.Frames.Count);
        Assert.Equal(row.SentBytes, lab.Reader.Frames.Sum(f => (long)f.Length));
        Assert.Equal(report.Points.Sum(p => p.Counts.Segments), row.SentWireFrames);
        Assert.True(row.Sent < row.SentWireFrames / 2, "super-frames were seen, else the test proves little");

        var limit = MtuBytes + EthernetHeaderBytes + (tags * TagBytes);
        Assert.All(lab.Reader.Frames, f => Assert.InRange(f.Length, EthernetHeaderBytes, limit));
        var wire = Tcp(lab.Reader.Frames, tags);
        var stream = Reassemble(wire, data.Length, out var again);
        Assert.True(data.AsSpan().SequenceEqual(stream), "the tool's stream is another one");

        // The sender's stack may probe when the machine is slow; what it did not send again must not come again.
        Assert.InRange(again, 0, lab.ClientRetransmissions());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Super_frames_inside_a_guests_tunnel_become_wire_frames_too(bool hasOuterChecksum)
    {
        LabNeeds.Namespaces();
        var data = Noise(16 << 20);
        using var lab = new MirrorLab();
        lab.Tunnel(hasOuterChecksum);
        using var engine = lab.Start();
        lab.Transfer(data);
        var report = engine.Finish();
        CheckLedger(report);
        var row = report.Mirrors[0].Ledger;
        Assert.Equal(row.Offered, row.Sent);
        Assert.True(row.Sent < row.SentWireFrames / 2, "super-frames were seen, else the test proves little");
        lab.Reader.StopAfter(row.SentWireFrames);
        Assert.Equal(row.SentWireFrames, lab.Reader.Frames.Count);
        Assert.All(lab.Reader.Frames, f => Assert.InRange(f.Length, EthernetHeaderBytes, MtuBytes + EthernetHeaderBytes));

        // Outer IP, outer UDP, inner IP and inner TCP: every length and checksum of each.
        var tunnelled = lab.Reader.Frames.Where(f => f[12] == 8 && f[13] == 0 && f[23] == SuperFrame.Udp).ToList();
        Assert.All(tunnelled, f => Assert.Equal(hasOuterChecksum, (f[40] | f[41]) != 0));
        var inner = tunnelled.Where(f => f[62] == 8 && f[63] == 0 && f[64 + 9] == SuperFrame.Tcp).ToList();
        var wire = inner.Where(f => BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(64 + 22)) == ServerPort);
        var stream = Reassemble(wire.Select(f => WireCheck.Verify(f)).ToList(), data.Length, out var again);
        Assert.True(data.AsSpan().SequenceEqual(stream), "the tool's stream is another one");
        Assert.InRange(again, 0, lab.ClientRetransmissions());
    }

    [Fact]
    public void A_tool_port_that_goes_down_and_comes_back_costs_only_the_copies_in_between()
    {
        LabNeeds.Namespaces();
        using var lab = new MirrorLab();
        using var engine = lab.Start();
        lab.Transfer(Noise(4 << 20));

        // Longer than a frame may lie in the ring, however busy this machine is: the sender must meet the port down.
        lab.Host.Ip("link", "set", MirrorLab.ToolPort, "down");
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(2);)
        {
            lab.Transfer(Noise(1 << 20));
        }

        lab.Host.Ip("link", "set", MirrorLab.ToolPort, "up");
        var before = lab.Reader.Count;
        LabWait.Until(
            () =>
            {
                lab.Transfer(Noise(1 << 20));
                return lab.Reader.Count > before;
            },
            "copies after the tool port came back");
        var report = engine.Finish();
        CheckLedger(report);
        var row = report.Mirrors[0].Ledger;
        Assert.True(row.DroppedTargetDown > 0, "the tool port was down for two seconds of traffic");
        lab.Reader.StopAfter(row.SentWireFrames);
        Assert.Equal(row.SentWireFrames, lab.Reader.Frames.Count);
        _ = Tcp(lab.Reader.Frames, tags: 0);
    }

    [Fact]
    public void An_expression_and_a_slice_shape_the_copy()
    {
        LabNeeds.Namespaces();
        using var lab = new MirrorLab();
        using var engine = lab.Start(new MirrorPlan
        {
            Session = "m1", To = $"nic:{MirrorLab.ToolPort}", Filter = "tcp dst port 7000", Shape = "slice=96",
        });
        lab.Transfer(Noise(8 << 20));
        var report = engine.Finish();
        CheckLedger(report);
        var row = report.Mirrors[0].Ledger;
        Assert.True(row.Filtered > 0 && row.Sent > 0);
        lab.Reader.StopAfter(row.SentWireFrames);
        Assert.Equal(row.SentWireFrames, lab.Reader.Frames.Count);
        Assert.All(lab.Reader.Frames, f => Assert.InRange(f.Length, EthernetHeaderBytes, 96));
        Assert.All(lab.Reader.Frames, f => Assert.Equal(ServerPort, BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(36))));
    }

    [Fact]
    public void A_tool_port_made_anew_and_its_other_end_are_not_captured()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host, "br0");
        bridge.AddPort(vm, port: "x0");
        var tool = VethPair.Create(host, host, "x1", "x2");
        var options = new EngineOptions
        {
            Points = ["x*"], Mirrors = [new MirrorPlan { Session = "m1", To = "nic:x1" }], Workers = 1,
            RingBudgetBytes = 64 << 20,
        };
        var (engine, fault) = host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
        Assert.True(engine is not null, fault?.Fault);
        using (engine)
        {
            vm.TryRun("ping", "-c", "2", "-i", "0.2", "-W", "1", "-b", "10.9.0.255");
            tool.Dispose();
            tool = VethPair.Create(host, host, "x1", "x2");
            vm.Ip("address", "add", "10.9.0.1/24", "dev", "eth0");
            vm.TryRun("ping", "-c", "20", "-i", "0.1", "-W", "1", "10.9.0.2");
            var report = engine.Finish();
            tool.Dispose();
            CheckLedger(report);
            var row = report.Mirrors[0].Ledger;
            Assert.True(row.Offered is > 0 and < 200, $"{row.Offered} copies: they were copied again");
        }
    }

    [Fact]
    public void A_loop_is_refused_before_anything_starts()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host, "br0");
        using var pair = VethPair.Create(host, host, "x1", "x2");
        host.Ip("link", "set", "x2", "master", "br0");
        LabWait.Until(
            () => host.Ip("link", "show", "br0").Contains("state UP", StringComparison.Ordinal),
            "the bridge to come to rest");
        var before = HostSnapshot.Take(host, _ => false);
        var report = host.Enter(() => EngineRun.Run(
            new EngineOptions
            {
                Points = ["bridge:br0"], Mirrors = [new MirrorPlan { Session = "m1", To = "nic:x1" }], Workers = 1,
            },
            CancellationToken.None));
        Assert.Contains("leads back into the switch br0", report.Fault, StringComparison.Ordinal);
        Assert.Equal(2, report.ExitCode);
        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
    }

    private static void CheckLedger(EngineReport report)
    {
        Assert.Null(report.Fault);
        Assert.All(report.Points, p => Assert.Equal(p.Arrived, p.Counts.Captured + p.DroppedRing));
        Assert.DoesNotContain(report.Points, p => p.Point is MirrorLab.ToolPort or "x1" or "x2");
        var row = report.Mirrors[0].Ledger;
        var dropped = row.DroppedBusy + row.DroppedTooLong + row.DroppedTargetDown + row.DroppedError;
        Assert.Equal(row.Offered, row.Sent + row.Filtered + row.SampledOut + dropped);
        Assert.Equal(report.Points.Sum(p => p.Counts.Captured), row.Offered);
        Assert.Equal(0, row.DroppedError);
        Assert.Equal(0, report.Points.Sum(p => p.DroppedRing));
    }

    // Every TCP frame of the transfer, checked: tags, lengths, IP checksum, TCP checksum.
    internal static List<WireFrame> Tcp(List<byte[]> frames, int tags)
    {
        ushort[] expected = tags == 2 ? [0x88a8, MirrorLab.ServiceVlanId, 0x8100, MirrorLab.VlanId]
            : tags == 1 ? [0x8100, MirrorLab.VlanId]
            : [];
        var wire = new List<WireFrame>();
        foreach (var frame in frames)
        {
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12 + (2 * i))));
            }

            var network = EthernetHeaderBytes + (tags * TagBytes);
            var isIpv4 = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(network - 2)) == 0x0800;
            if (frame[network + (isIpv4 ? 9 : 6)] == SuperFrame.Tcp)
            {
                var verified = WireCheck.Verify(frame);
                var transport = network + (isIpv4 ? 20 : 40);
                if (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(transport + 2)) == ServerPort)
                {
                    wire.Add(verified);
                }
            }
        }

        return wire;
    }

    internal static byte[] Reassemble(List<WireFrame> wire, int bytes, out long again)
    {
        var first = wire.First(w => (w.TcpFlags & 0x02) != 0).Sequence + 1;
        var stream = new byte[bytes];
        var seen = new bool[bytes];
        again = 0;
        foreach (var frame in wire.Where(w => w.Payload.Length > 0))
        {
            var at = (int)(frame.Sequence - first);
            again += seen[at] ? 1 : 0;
            seen.AsSpan(at, frame.Payload.Length).Fill(true);
            frame.Payload.CopyTo(stream, at);
        }

        Assert.DoesNotContain(false, seen);
        return stream;
    }

    internal static byte[] Noise(int bytes)
    {
        var data = new byte[bytes];
        new Random(42).NextBytes(data);
        return data;
    }
}

// What happens to tunnel copies when the way to the tool breaks: each one is counted, the session recovers by itself, and what
// the kernel took is what left the host.
using System.Buffers.Binary;
using Tapline.Lab.Net;
using Tapline.Lab.Vantage;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class TunnelFaultTests
{
    private static readonly byte[] s_small = new FrameBuilder().Ethernet().Ipv4().Udp(50_000, 50_001).Payload("hello").Build();

    private static readonly byte[] s_large =
        new FrameBuilder().Ethernet().Ipv4().Udp(50_000, 50_001).Payload(new byte[1300]).Build();

    [Fact]
    public void A_route_that_goes_and_comes_back_costs_only_the_copies_in_between()
    {
        using var lab = new TunnelTool();
        lab.Serve(TunnelTool.Target("vxlan://10.8.0.1"));
        using var reader = ToolReader.Open(lab.Tool, TunnelTool.Wire);
        lab.Host.Enter(() =>
        {
            using var session = TunnelTool.Open(lab.Host, "vxlan://10.8.0.1", out var sender);
            OfferAll(session, 100);
            Assert.Equal(100, session.Counters.Sent);
            lab.Host.Ip("link", "set", TunnelTool.Wire, "down");
            OfferAll(session, 100);
            Assert.Equal((100, 100), (session.Counters.Sent, session.Counters.DroppedTargetDown));
            Assert.False(session.IsTargetUp);
            lab.Host.Ip("link", "set", TunnelTool.Wire, "up");
            WaitForTarget(session, isUp: true);
            OfferAll(session, 100);
            Finish(session);
            Assert.Equal((300, 200), (session.Counters.Offered, session.Counters.Sent));
        });
        LabWait.Until(() => Copies(reader) >= 200, () => $"200 copies; {Copies(reader)} came");
    }

    [Fact]
    public void A_source_address_that_changes_is_followed()
    {
        using var lab = new TunnelTool();
        lab.Serve(TunnelTool.Target("vxlan://10.8.0.1"));
        using var reader = ToolReader.Open(lab.Tool, TunnelTool.Wire);
        lab.Host.Enter(() =>
        {
            using var session = TunnelTool.Open(lab.Host, "vxlan://10.8.0.1", out _);
            OfferAll(session, 10);
            lab.Host.Ip("address", "del", "10.8.0.2/24", "dev", TunnelTool.Wire);
            lab.Host.Ip("address", "add", "10.8.0.77/24", "dev", TunnelTool.Wire);
            WaitForTarget(session, isUp: true);
            OfferAll(session, 10);
            Finish(session);
            Assert.Equal(20, session.Counters.Sent);
        });
        LabWait.Until(() => Copies(reader) >= 20, "20 copies");
        reader.Stop();
        Assert.Equal([2, 77], reader.Frames.Where(IsCopy).Select(f => (int)f[29]).Distinct());
    }

    [Theory]
    [InlineData("vxlan://10.8.0.1")]
    [InlineData("gre://10.8.0.1")]
    [InlineData("vxlan://[fd00:8::1]")]
    [InlineData("gre://[fd00:8::1]")]
    public void A_tool_that_serves_nothing_is_down_and_is_tried_again(string text)
    {
        using var lab = new TunnelTool();
        Assert.SkipUnless(lab.HasIpv6 || !text.Contains('[', StringComparison.Ordinal), "needs IPv6 in the kernel");
        var target = TunnelTool.Target(text);
        lab.Serve(target);
        using var session = TunnelTool.Open(lab.Host, text, out _);
        OfferAll(session, 10);
        Assert.Equal(10, session.Counters.Sent);
        lab.StopServing();
        WaitForTarget(session, isUp: false);
        OfferAll(session, 10);
        Assert.True(session.Counters.DroppedTargetDown >= 10);
        lab.Serve(target);

        // Up for longer than a refusal takes to be noticed.
        LabWait.Until(() => StaysUp(session), "the tool to be used again");
        Finish(session);
    }

    [Fact]
    public void A_tool_that_only_looks_is_up_when_told_so()
    {
        using var lab = new TunnelTool();
        using var reader = ToolReader.Open(lab.Tool, TunnelTool.Wire);
        using var session = TunnelTool.Open(lab.Host, "vxlan://10.8.0.1?refusal=ignore", out _);
        for (var i = 0; i < 20; i++)
        {
            OfferAll(session, 10);
            Thread.Sleep(10);
        }

        Finish(session);
        Assert.Equal((200, 200), (session.Counters.Offered, session.Counters.Sent));
        LabWait.Until(() => Copies(reader) >= 200, "200 copies");
    }

    [Fact]
    public void What_was_taken_before_the_next_hop_is_known_arrives()
    {
        using var lab = new TunnelTool();
        lab.Serve(TunnelTool.Target("vxlan://10.8.0.1"));
        using var reader = ToolReader.Open(lab.Tool, TunnelTool.Wire);
        using var session = TunnelTool.Open(lab.Host, "vxlan://10.8.0.1", out _);
        lab.Host.TryRun("ip", "neigh", "flush", "all");

        // Nobody answers ARP for a while: the tool's link is deaf.
        lab.Tool.Ip("link", "set", TunnelTool.Wire, "arp", "off");
        for (var i = 0; i < 3000; i++)
        {
            Offer(session, s_large);
        }

        session.EndBatch();
        var (waiting, shed) = (session.Counters.Waiting, session.Counters.DroppedShed);
        Assert.True(waiting > 50 && waiting + shed > 2000, $"the kernel keeps only some while it looks for the tool; {waiting} wait");
        lab.Tool.Ip("link", "set", TunnelTool.Wire, "arp", "on");
        LabWait.Until(
            () =>
            {
                session.EndBatch();
                return session.Counters.Waiting == 0;
            },
            "the way to the tool");
        Finish(session);
        LabWait.Until(() => Copies(reader) >= session.Counters.Sent, () => $"{session.Counters.Sent} copies; {Copies(reader)} came");
        Assert.Equal(session.Counters.Sent, Copies(reader));
    }

    [Fact]
    public void A_path_that_becomes_narrow_is_learned_and_nothing_leaves_in_fragments()
    {
        using var lab = new TunnelTool();
        using var net = NetNamespace.Create("n");
        using var far = VethPair.Create(lab.Tool, net, "far0", "far0");
        const string Address = "10.99.0.2";
        lab.Tool.Ip("address", "add", "10.99.0.1/24", "dev", "far0");
        net.Ip("address", "add", $"{Address}/24", "dev", "far0");
        net.Ip("route", "add", "default", "via", "10.99.0.1");
        lab.Host.Ip("route", "add", "default", "via", TunnelLab.HostAddress);
        lab.Tool.Run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
        using var reader = ToolReader.Open(net, "far0");
        using var session = TunnelTool.Open(lab.Host, $"vxlan://{Address}?refusal=ignore", out var sender);
        OfferAll(session, 10, s_large);
        Assert.Equal(10, session.Counters.Sent);
        lab.Tool.Ip("link", "set", "far0", "mtu", "1300");

        // The router answers the next long one; what fits goes on.
        LabWait.Until(
            () =>
            {
                OfferAll(session, 1, s_large);
                return session.Counters.DroppedTooLong > 0;
            },
            "the narrow path to be known");
        Assert.Equal(1300 - 20 - 16, sender.FrameBytesMax);
        var tcp = TunnelTool.Mixture(0);
        tcp.ForEach(f => TunnelTool.Offer(session, f.Meta, f.Bytes));
        OfferAll(session, 10, s_small);
        Finish(session);
        var sent = session.Counters;
        LabWait.Until(() => reader.Count >= 10, "copies");
        var wanted = TunnelTool.Expected(tcp, sender.FrameBytesMax).Count + 10;
        LabWait.Until(() => Copies(reader) >= 10 + wanted, () => $"{wanted} copies through the narrow path; {Copies(reader)} came");
        reader.Stop();
        var narrow = reader.Frames.Where(IsCopy).Skip(10).ToList();
        Assert.All(narrow, f => Assert.InRange(f.Length, 14, 1314));
        Assert.All(narrow, f => Assert.Equal(0x4000, BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(20))));
        Assert.Equal(wanted, narrow.Count);
        Assert.True(sent.Balances);
    }

    [Fact]
    public void Long_datagrams_leave_cut_or_in_fragments_when_asked_for()
    {
        using var lab = new TunnelTool();
        lab.Serve(TunnelTool.Target("vxlan://10.8.0.1"));
        var jumbo = new FrameBuilder().Ethernet().Ipv4().Udp(50_000, 50_001).Payload(new byte[1458]).Build();
        foreach (var (option, sent, sliced, packets) in new[] { ("resegment", 0, 0, 0), ("slice", 1, 1, 1), ("fragment", 1, 0, 2) })
        {
            using var reader = ToolReader.Open(lab.Tool, TunnelTool.Wire);
            using var session = TunnelTool.Open(lab.Host, $"vxlan://10.8.0.1?oversize={option}", out _);
            OfferAll(session, 1, jumbo);
            Finish(session);
            Assert.Equal(
                (1, sent, sliced, 1 - sent),
                (session.Counters.Offered, session.Counters.Sent, session.Counters.SlicedWireFrames, session.Counters.DroppedTooLong));
            LabWait.Until(() => Frames(reader).Count >= packets, $"{packets} packets with {option}");
            reader.Stop();
            Assert.Equal(packets, Frames(reader).Count);
            Assert.Equal(packets == 2, Frames(reader).Exists(f => (f[20] & 0x20) != 0));
            Assert.All(Frames(reader), f => Assert.InRange(f.Length, 14, 1514));
        }

        static List<byte[]> Frames(ToolReader reader) => [.. reader.Frames.Where(f => f[12] == 8 && f[13] == 0 && f[23] == 17)];
    }

    [Theory]
    [InlineData("vxlan://10.200.0.1", "no route to 10.200.0.1")]
    [InlineData("vxlan://no-such-host.invalid", "is no name that this host can look up")]
    [InlineData("gre://0.0.0.0", "is nobody's address")]
    [InlineData("gre://[fe80::1]", "is an address of one link")]
    public void A_tool_that_cannot_be_reached_is_refused_at_the_start(string text, string expected)
    {
        using var lab = new TunnelTool();
        var (senders, error) = lab.Host.Enter(() => (TunnelSender.Open(TunnelTool.Target(text), 2, out var fault), fault));
        Assert.Null(senders);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    private static bool StaysUp(MirrorSession session)
    {
        for (var i = 0; i < 15; i++)
        {
            OfferAll(session, 1);
            if (!session.IsTargetUp)
            {
                return false;
            }

            Thread.Sleep(10);
        }

        return true;
    }

    private static void WaitForTarget(MirrorSession session, bool isUp) => LabWait.Until(
        () =>
        {
            if (!isUp)
            {
                Offer(session, s_small);
            }

            session.EndBatch();
            return session.IsTargetUp == isUp;
        },
        $"the target to be {(isUp ? "up" : "down")}");

    private static void Finish(MirrorSession session)
    {
        session.Finish();
        Assert.True(session.Counters.Balances);
        Assert.Equal(0, session.Counters.Waiting);
    }

    private static void OfferAll(MirrorSession session, int count, byte[]? frame = null)
    {
        for (var i = 0; i < count; i++)
        {
            Offer(session, frame ?? s_small);
        }

        session.EndBatch();
    }

    private static void Offer(MirrorSession session, byte[] bytes)
    {
        var (meta, frame) = TunnelTool.Plain(bytes);
        TunnelTool.Offer(session, meta, frame);
    }

    private static int Copies(ToolReader reader)
    {
        // The reader appends while this counts; its length only grows.
        var count = 0;
        for (var i = 0; i < reader.Count; i++)
        {
            count += IsCopy(reader.Frames[i]) ? 1 : 0;
        }

        return count;
    }

    private static bool IsCopy(byte[] frame) =>
        frame.Length > 50 && frame[12] == 8 && frame[13] == 0 && frame[23] == 17
        && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(36)) == 4789;
}

// The sender on a real veth: what it was given arrives once, in order and unchanged, and what cannot leave is counted.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Lab.Net;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Mirror.Targets;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class PacketSenderTests
{
    [Fact]
    public void Every_frame_arrives_once_in_order_and_unchanged()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var port = VethPair.Create(host, tool, "tool", "eth0");
        using var reader = ToolReader.Open(tool, "eth0");
        using var session = Session(host, "tool");
        const int Frames = 30_000;
        var expected = Numbered();
        for (var i = 0; i < Frames; i++)
        {
            Offer(session, i);
            if (i % 100 == 0)
            {
                session.EndBatch();
            }
        }

        session.Finish();
        Assert.Equal((Frames, Frames), (session.Counters.Offered, session.Counters.Sent));
        reader.StopAfter(Frames);
        Assert.Equal(Frames, reader.Frames.Count);
        for (var i = 0; i < Frames; i++)
        {
            Number(expected, i);
            Assert.True(expected.AsSpan(0, LengthOf(i)).SequenceEqual(reader.Frames[i]), $"frame {i} is another one");
        }
    }

    [Fact]
    public void A_target_that_goes_down_away_and_comes_back_is_used_again()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        long arrived;
        using var session = OpenOnce();
        using (VethPair.Create(host, tool, "tool", "eth0"))
        {
            using var reader = ToolReader.Open(tool, "eth0");
            SendAll(session, 100, sent: 100);
            host.Ip("link", "set", "tool", "down");
            SendAll(session, 100, sent: 0);
            Assert.Equal(100, session.Counters.DroppedTargetDown);
            host.Ip("link", "set", "tool", "up");
            WaitForTarget(session);
            SendAll(session, 100, sent: 100);
            reader.StopAfter(200);
            arrived = reader.Count;
        }

        Assert.Equal(200, arrived);
        SendAll(session, 50, sent: 0);
        using var again = VethPair.Create(host, tool, "tool", "eth0");
        using var second = ToolReader.Open(tool, "eth0");
        WaitForTarget(session);
        SendAll(session, 100, sent: 100);
        second.StopAfter(100);
        Assert.Equal((100, 450, 300), (second.Count, session.Counters.Offered, session.Counters.Sent));
        Assert.True(session.Counters.Balances);

        MirrorSession OpenOnce()
        {
            // A pair of the same name, so that the session can start; the test's own pair replaces it.
            using var first = VethPair.Create(host, tool, "tool", "eth0");
            var opened = Session(host, "tool");
            Assert.True(opened.IsTargetUp);
            return opened;
        }
    }

    [Fact]
    public void A_target_without_a_far_end_takes_nothing_and_says_so()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var port = VethPair.Create(host, tool, "tool", "eth0");
        using var reader = ToolReader.Open(tool, "eth0");
        using var session = Session(host, "tool");
        SendAll(session, 10, sent: 10);
        tool.Ip("link", "set", "eth0", "down");
        LabWait.Until(
            () =>
            {
                Offer(session, 1);
                session.EndBatch();
                return !session.IsTargetUp;
            },
            "the lost carrier to be noticed");
        session.Finish();
        reader.StopAfter(10);
        Assert.Equal((10, 10), (reader.Count, session.Counters.SentWireFrames));
        Assert.True(session.Counters.DroppedTargetDown > 0 && session.Counters.Balances);
    }

    [Fact]
    public void A_target_that_stops_taking_frames_never_holds_up_the_worker()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tap = TapDevice.Open(host, "tool");
        using var session = Session(host, "tool");
        const int Frames = 40_000;
        for (var i = 0; i < Frames; i++)
        {
            Offer(session, i);
            if (i % 100 == 0)
            {
                session.EndBatch();
            }
        }

        Assert.True(session.Counters.DroppedBusy > Frames / 2, "nobody reads the tap device");
        Assert.True(session.Counters.Waiting > 0);
        session.Finish();
        Assert.Equal((Frames, 0), (session.Counters.Offered, session.Counters.Waiting));
        Assert.True(session.Counters.Balances);
        Assert.Equal(session.Counters.SentWireFrames, tap.ReadAll());
    }

    [Fact]
    public void Frames_above_the_targets_mtu_are_counted_and_hold_up_nobody()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var port = VethPair.Create(host, tool, "tool", "eth0");
        using var reader = ToolReader.Open(tool, "eth0");
        using var session = Session(host, "tool");
        host.Ip("link", "set", "tool", "mtu", "600");
        SendAll(session, 1400, sent: null);
        var fitting = Enumerable.Range(0, 1400).Count(i => LengthOf(i) <= 614);
        reader.StopAfter(fitting);
        Assert.Equal(fitting, session.Counters.Sent);
        Assert.Equal(1400 - fitting, session.Counters.DroppedTooLong);
        Assert.Equal(fitting, reader.Count);
    }

    [Fact]
    public void Nothing_is_allocated_per_frame()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var port = VethPair.Create(host, tool, "tool", "eth0");
        using var session = Session(host, "tool");
        var plain = new SuperFrame { Payload = new byte[200] }.Build();
        var super = new SuperFrame { SegmentBytes = 1448, Payload = new byte[14_480] }.Build();
        Run(session, plain, super, 2_000);
        Assert.Equal(0, Allocations.LeastOf(() => Run(session, plain, super, 100_000)));
        session.Finish();
        Assert.True(session.Counters.Offered >= 102_000 && session.Counters.Balances);
        Assert.True(session.Counters.SentWireFrames > session.Counters.Sent);
    }

    [Theory]
    [InlineData("nothere", "There is no interface nothere for the copies")]
    [InlineData("lo", "lo is not an Ethernet interface")]
    public void What_cannot_be_a_target_gets_a_sentence(string device, string expected)
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        var error = host.Enter(() => PacketSender.Open(device, out var sentence) is null ? sentence : null);
        Assert.StartsWith(expected, error, StringComparison.Ordinal);
    }

    private static void Run(MirrorSession session, SuperFrame plain, SuperFrame super, int frames)
    {
        for (var i = 0; i < frames; i++)
        {
            var frame = i % 16 == 0 ? super : plain;
            session.Offer(frame.Meta, frame.Layout, frame.Bytes);
            if (i % 256 == 0)
            {
                session.EndBatch();
            }
        }

        session.EndBatch();
    }

    private static void SendAll(MirrorSession session, int frames, int? sent)
    {
        var before = session.Counters.Sent;
        for (var i = 0; i < frames; i++)
        {
            Offer(session, i);
        }

        session.Finish();
        if (sent is not null)
        {
            Assert.Equal((long)sent, session.Counters.Sent - before);
        }
    }

    private static void WaitForTarget(MirrorSession session) => LabWait.Until(
        () =>
        {
            session.EndBatch();
            return session.IsTargetUp;
        },
        "the target to be found again");

    private static byte[] Numbered()
    {
        var frame = new byte[1514];
        frame[0] = frame[6] = 2;
        frame[12] = 0x88;
        frame[13] = 0xb5;
        return frame;
    }

    private static void Number(byte[] frame, int number) =>
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(14), number);

    private static int LengthOf(int number) => 60 + (number * 7 % 1400);

    private static void Offer(MirrorSession session, int number)
    {
        var frame = Numbered();
        Number(frame, number);
        var meta = new FrameMeta { LinkType = LinkType.Ethernet };
        meta.CapturedLength = meta.OriginalLength = LengthOf(number);
        session.Offer(meta, default, frame.AsSpan(0, LengthOf(number)));
    }

    private static MirrorSession Session(NetNamespace host, string device)
    {
        var sender = host.Enter(() => PacketSender.Open(device, out var error) ?? throw new InvalidOperationException(error));
        var options = new MirrorSessionOptions
        {
            Id = 0,
            Name = "m1",
            Target = new NicTarget(device),
        };
        return new MirrorSession(options, sender);
    }
}

// Pacing: frames leave in their order, no faster than the rate over any time, none is lost while the wait has room, and the
// ledger balances whatever the target does meanwhile. The clock is the test's.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror;

public class PacedOutputTests
{
    private const int FrameBytes = 1000;
    private const long RateBits = 8_000_000; // a frame of 1000 bytes each millisecond
    private const long BurstBits = 10 * FrameBytes * 8;

    private long _nowNs = 1;

    [Fact]
    public void FramesLeaveInOrderAndNoFasterThanTheRate()
    {
        var behind = new MemoryOutput { MtuBytes = 2000 };
        using var session = Session(behind);
        for (var i = 0; i < 100; i++)
        {
            Offer(session, i);
        }

        session.EndBatch();
        Assert.Equal((10, 90L, 10L), (behind.Taken!.Count, session.Counters.Waiting, session.Counters.Offered));
        for (var ms = 1; ms <= 90; ms++)
        {
            _nowNs += 1_000_000;
            session.EndBatch();
            Assert.Equal(10 + ms, behind.Taken.Count);
        }

        Assert.Equal(Enumerable.Range(0, 100), behind.Taken.Select(Number));
        Assert.Equal((100L, 0L, true), (session.Counters.Sent, session.Counters.Waiting, session.Counters.Balances));
    }

    [Fact]
    public void AFullWaitIsBusyAndWhatWaitedLeavesLater()
    {
        var behind = new MemoryOutput { MtuBytes = 2000, Taken = null };
        using var session = Session(behind);
        const int Frames = 10_000;
        for (var i = 0; i < Frames; i++)
        {
            Offer(session, i);
        }

        Assert.True(session.Counters.DroppedShed + session.Counters.DroppedBusy > Frames / 2);
        _nowNs += 60_000_000_000;
        for (var i = 0; i < Frames; i++)
        {
            _nowNs += 10_000_000;
            session.EndBatch();
        }

        Assert.Equal(Frames, session.Counters.Sent + session.Counters.DroppedBusy + session.Counters.DroppedShed);
        Assert.Equal((Frames, 0L, true), (session.Counters.Offered, session.Counters.Waiting, session.Counters.Balances));
    }

    [Fact]
    public void ATargetThatGoesDownCostsWhatWaited()
    {
        var behind = new MemoryOutput { MtuBytes = 2000 };
        using var session = Session(behind);
        for (var i = 0; i < 50; i++)
        {
            Offer(session, i);
        }

        session.EndBatch();
        behind.Up = false;
        session.EndBatch();
        Assert.Equal((10L, 40L, 0L), (session.Counters.Sent, session.Counters.DroppedTargetDown, session.Counters.Waiting));
        behind.Up = true;
        _nowNs += 1_000_000_000;
        Offer(session, 50);
        session.EndBatch();
        Assert.Equal((11L, 51L, true), (session.Counters.Sent, session.Counters.Offered, session.Counters.Balances));
    }

    [Fact]
    public void WhatStillWaitsAtTheEndIsCounted()
    {
        using var session = Session(new MemoryOutput { MtuBytes = 2000 });
        for (var i = 0; i < 50; i++)
        {
            Offer(session, i);
        }

        session.Finish();
        Assert.Equal((10L, 40L, true), (session.Counters.Sent, session.Counters.DroppedBusy, session.Counters.Balances));
    }

    [Fact]
    public void ASuperFrameStaysInOnePiece()
    {
        var behind = new MemoryOutput { MtuBytes = 2000 };
        using var session = Session(behind);
        for (var i = 0; i < 3; i++)
        {
            var frame = new SuperFrame { SegmentBytes = 1000, Payload = new byte[4500] }.Build();
            FrameDecoder.Decode(frame.Bytes, frame.Meta, out var layout);
            session.Offer(frame.Meta, layout, frame.Bytes);
        }

        session.EndBatch();
        Assert.Equal((10, 2L), (behind.Taken!.Count, session.Counters.Sent));
        _nowNs += 10_000_000;
        session.EndBatch();
        Assert.Equal((15, 3L), (behind.Taken.Count, session.Counters.Sent));
        Assert.All(behind.Taken, wire => WireCheck.Verify(wire));
    }

    [Fact]
    public void NothingIsAllocatedPerFrame()
    {
        using var session = Session(new MemoryOutput { MtuBytes = 2000, Taken = null });
        var bytes = Frame(1);
        var meta = Meta(bytes);
        FrameDecoder.Decode(bytes, meta, out var layout);
        void Loop()
        {
            for (var i = 0; i < 100_000; i++)
            {
                _nowNs += 1_000_000;
                session.Offer(meta, layout, bytes);
                session.EndBatch();
            }
        }

        Loop();
        Assert.Equal(0, Allocations.LeastOf(Loop));
        Assert.Equal((0L, true), (session.Counters.Dropped, session.Counters.Balances));
    }

    [Theory]
    [InlineData("pace=100M", null)]
    [InlineData("pace=2500kbps", null)]
    [InlineData("pace=9", "pace does not understand \"9\"; write bits a second such as pace=100M.")]
    public void TheWordIsUnderstood(string shape, string? mistake)
    {
        var mistakes = new List<string>();
        Assert.Equal(mistake is null, ShapeParser.Parse(shape, _ => default, 1, mistakes)?.Pace is not null);
        Assert.Equal(mistake, mistakes.FirstOrDefault());
    }

    private MirrorSession Session(WireOutput behind) => new(
        new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x") },
        new PacedOutput(behind, new RateCap(RateBits, BurstBits, countsFrames: false), () => _nowNs));

    private static int Number(byte[] frame) => BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(^4..));

    private static byte[] Frame(int number)
    {
        var payload = new byte[FrameBytes - 54];
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(^4..), number);
        return new FrameBuilder().Ethernet().Ipv4().Tcp(1000, 80).Payload(payload).Build();
    }

    private static FrameMeta Meta(byte[] frame) => new()
    {
        CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet,
    };

    private static void Offer(MirrorSession session, int number)
    {
        var bytes = Frame(number);
        var meta = Meta(bytes);
        FrameDecoder.Decode(bytes, meta, out var layout);
        session.Offer(meta, layout, bytes);
    }
}

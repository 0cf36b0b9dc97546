// The session's promise: whatever is offered is sent, filtered or dropped with a reason, and the sum always holds.
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror;

public class MirrorSessionTests
{
    private static readonly SuperFrame s_plain = new SuperFrame { Payload = new byte[100] }.Build();
    private static readonly SuperFrame s_long = new SuperFrame { SegmentBytes = 1448, Payload = new byte[20_000] }.Build();
    private static readonly SuperFrame s_jumbo = new SuperFrame { Payload = new byte[8000] }.Build();

    [Fact]
    public void ASuperFrameLeavesAsItsSegments()
    {
        var output = new MemoryOutput();
        using var session = Session(output);
        Offer(session, s_long);
        session.EndBatch();
        Assert.Equal(14, output.Taken!.Count);
        Assert.All(output.Taken, f => Assert.InRange(f.Length, 60, 1514));
        Assert.Equal(20_000, output.Taken.Sum(f => WireCheck.Verify(f).Payload.Length));
        Assert.Equal((1, 1, 14), (session.Counters.Offered, session.Counters.Sent, session.Counters.SentWireFrames));
        Assert.Equal(output.Taken.Sum(f => (long)f.Length), session.Counters.SentBytes);
    }

    [Fact]
    public void FramesOfOtherPointsAreNotOffered()
    {
        using var session = Session(new MemoryOutput(), o => o with { AllPoints = false });
        session.SelectPoint(3, selected: true);
        Offer(session, s_plain, point: 2);
        Assert.Equal(0, session.Counters.Offered);
        Offer(session, s_plain, point: 3);
        session.EndBatch();
        Assert.Equal(1, session.Counters.Sent);
        session.SelectPoint(3, selected: false);
        Offer(session, s_plain, point: 3);
        Assert.Equal(1, session.Counters.Offered);
    }

    [Fact]
    public void WhatTheExpressionDoesNotSelectIsFiltered()
    {
        if (CompiledFilter.Compile("udp", LinkType.Ethernet, out var error) is not { } filter)
        {
            Assert.Skip(error!);
            return;
        }

        using var session = Session(new MemoryOutput(), o => o with { Filter = filter });
        Offer(session, s_plain);
        session.EndBatch();
        Assert.Equal((1, 1, 0), (session.Counters.Offered, session.Counters.Filtered, session.Counters.Sent));
    }

    [Fact]
    public void FramesAboveTheMtuAreDroppedUnlessSliced()
    {
        var output = new MemoryOutput();
        using var session = Session(output);
        Offer(session, s_jumbo);
        Assert.Equal(1, session.Counters.DroppedTooLong);
        output.MtuBytes = 9000;
        Offer(session, s_jumbo);
        session.EndBatch();
        Assert.Equal(1, session.Counters.Sent);

        var sliced = new MemoryOutput();
        using var slicing = Session(sliced, o => o with { Shape = new ShapePlan { SliceBytes = 128 } });
        Offer(slicing, s_jumbo);
        Offer(slicing, s_long);
        slicing.EndBatch();
        Assert.Equal((2, 15, 15), (slicing.Counters.Sent, slicing.Counters.SentWireFrames, slicing.Counters.SlicedWireFrames));
        Assert.All(sliced.Taken!, f => Assert.Equal(128, f.Length));
    }

    [Fact]
    public void OneTagMayStandOnTopOfTheMtuAndNoSecond()
    {
        var output = new MemoryOutput();
        using var session = Session(output);
        var full = new SuperFrame { Payload = new byte[1500 - 20 - 32] };
        Offer(session, full.Build());
        Offer(session, (full with { Tags = [(0x8100, 5)] }).Build());
        Offer(session, (full with { Tags = [(0x88a8, 5), (0x8100, 5)] }).Build());
        session.EndBatch();
        Assert.Equal([1514, 1518], output.Taken!.Select(f => f.Length));
        Assert.Equal(1, session.Counters.DroppedTooLong);
    }

    [Fact]
    public void ACutFrameLeavesOnlyWhereTheSessionWantsNoMore()
    {
        var cut = s_jumbo.Meta;
        cut.CapturedLength = 256;
        cut.Flags = FrameFlags.Cut;
        using var whole = Session(new MemoryOutput());
        whole.Offer(cut, s_jumbo.Layout, s_jumbo.Bytes.AsSpan(0, 256));
        Assert.Equal(1, whole.Counters.DroppedError);
        using var sliced = Session(new MemoryOutput(), o => o with { Shape = new ShapePlan { SliceBytes = 256 } });
        sliced.Offer(cut, s_jumbo.Layout, s_jumbo.Bytes.AsSpan(0, 256));
        sliced.EndBatch();
        Assert.Equal((1, 1), (sliced.Counters.Sent, sliced.Counters.SlicedWireFrames));
    }

    [Fact]
    public void AFrameCountsAsSentOnlyWhenAllOfItLeft()
    {
        var output = new MemoryOutput { RefuseNext = DropReason.Error };
        using var session = Session(output);
        Offer(session, s_long);
        session.EndBatch();
        Assert.Equal((0, 1, 13), (session.Counters.Sent, session.Counters.DroppedError, session.Counters.SentWireFrames));
        Assert.True(session.Counters.Balances);
    }

    [Fact]
    public void ASlowTargetCostsCopiesAndIsCounted()
    {
        var output = new MemoryOutput(entries: 64, bufferBytes: 1 << 20) { Appetite = 10 };
        using var session = Session(output);
        for (var i = 0; i < 100; i++)
        {
            Offer(session, s_plain);
        }

        session.EndBatch();
        // Half of the buffer is kept for frames of more value than the later ones of one flow.
        Assert.Equal((10, 32), (session.Counters.Sent, session.Counters.Waiting));
        Assert.Equal((58, 0), (session.Counters.DroppedShed, session.Counters.DroppedBusy));
        Assert.True(session.Counters.Balances);
        session.Finish();
        Assert.Equal((100, 0, 32), (session.Counters.Offered, session.Counters.Waiting, session.Counters.DroppedBusy));
    }

    [Fact]
    public void TheLedgerBalancesWhateverTheTargetDoes() => Gen.Int[0, 9].Array[200].Sample(
        steps =>
        {
            var output = new MemoryOutput(entries: 128, bufferBytes: 1 << 20) { Appetite = 50 };
            using var session = Session(output);
            var offered = 0;
            foreach (var step in steps)
            {
                switch (step)
                {
                    case 0: output.Up = !output.Up; break;
                    case 1: output.Appetite = 40; break;
                    case 2: output.RefuseNext = DropReason.TooLong; break;
                    case 3: session.EndBatch(); break;
                    default:
                        Offer(session, step % 3 == 0 ? s_long : step % 3 == 1 ? s_plain : s_jumbo);
                        offered++;
                        break;
                }

                Assert.True(session.Counters.Balances);
                Assert.Equal(offered, session.Counters.Offered + session.Counters.Waiting);
            }

            output.Up = true;
            output.Appetite = int.MaxValue;
            session.Finish();
            Assert.Equal(offered, session.Counters.Offered);
            Assert.Equal(0, session.Counters.Waiting);
            Assert.Equal(output.Taken!.Count, session.Counters.SentWireFrames);
        },
        iter: 500);

    [Fact]
    public void NothingIsAllocatedPerFrame()
    {
        var output = new MemoryOutput { Taken = null };
        using var session = Session(output);
        Run(session, 1000);
        Assert.Equal(0, Allocations.LeastOf(() => Run(session, 100_000)));
        Assert.True(session.Counters.Sent >= 101_000 && session.Counters.Balances);
    }

    private static void Run(MirrorSession session, int frames)
    {
        for (var i = 0; i < frames; i++)
        {
            Offer(session, i % 64 == 0 ? s_long : s_plain);
            if (i % 256 == 0)
            {
                session.EndBatch();
            }
        }

        session.EndBatch();
    }

    private static MirrorSession Session(
        WireOutput output, Func<MirrorSessionOptions, MirrorSessionOptions>? change = null)
    {
        var options = new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x") };
        return new MirrorSession(change?.Invoke(options) ?? options, output);
    }

    private static void Offer(MirrorSession session, SuperFrame frame, ushort point = 1)
    {
        var meta = frame.Meta;
        meta.PointId = point;
        session.Offer(meta, frame.Layout, frame.Bytes);
    }
}

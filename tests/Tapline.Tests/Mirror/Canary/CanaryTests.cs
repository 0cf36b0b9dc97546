// Canaries are known by their secret alone, pass filter and shape, and their fate is that of their place in the queue.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Canary;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Xunit;

namespace Tapline.Tests.Mirror.Canary;

public class CanaryTests
{
    private const ulong Secret = 0x1234_5678_9abc_def1;
    private const ushort Session = 5;
    private static readonly SuperFrame s_plain = new SuperFrame { Payload = new byte[100] }.Build();

    [Fact]
    public void ACanaryIsKnownByItsSecretAlone()
    {
        var frame = Frame(7);
        Assert.True(CanaryFrame.TryRead(frame, Secret, out var session, out var number));
        Assert.Equal((Session, 7L), (session, number));
        Assert.False(CanaryFrame.TryRead(frame, Secret + 2, out _, out _));
        Assert.False(CanaryFrame.TryRead(frame, 0, out _, out _));
        Assert.False(CanaryFrame.TryRead(frame.AsSpan(0, CanaryFrame.Bytes - 1), Secret, out _, out _));
        frame[13]++;
        Assert.False(CanaryFrame.TryRead(frame, Secret, out _, out _));
    }

    [Fact]
    public void ItIsSentWhateverFilterAndShapeSayAndOthersCanariesAreNot()
    {
        var output = new MemoryOutput();
        using var session = New(output, new ShapePlan { SliceBytes = 14, SampleBy = SampleBy.Frame, SampleOneIn = 1000 });
        Offer(session, Frame(1));
        Assert.Equal(new CanaryFate(1, IsKnown: true, IsSent: true), session.Canary);
        Assert.Equal(Frame(1), Assert.Single(output.Taken!));
        Assert.Equal((1, 1), (session.Counters.Offered, session.Counters.Sent));
        Offer(session, Frame(2, session: Session + 1));
        Assert.Equal((1, 1), (session.Counters.Offered, session.Canary.Number));

        // With another engine's secret it is a frame like any other.
        Offer(session, Frame(3, secret: Secret + 2));
        Assert.Equal((2, 1), (session.Counters.Offered, session.Counters.SampledOut));
    }

    [Fact]
    public void BehindFramesThatWaitItWaits()
    {
        var output = new MemoryOutput { Appetite = 0 };
        using var session = New(output, null);
        session.Offer(s_plain.Meta, s_plain.Layout, s_plain.Bytes);
        Offer(session, Frame(1));
        Assert.Equal(new CanaryFate(1, IsKnown: false, IsSent: false), session.Canary);
        output.Appetite = 1;
        session.EndBatch();
        Assert.False(session.Canary.IsKnown);
        output.Appetite = 1;
        session.EndBatch();
        Assert.Equal(new CanaryFate(1, IsKnown: true, IsSent: true), session.Canary);
    }

    [Fact]
    public void ALossOnItsWayIsALoss()
    {
        var output = new MemoryOutput { Up = false };
        using var session = New(output, null);
        Offer(session, Frame(1));
        Assert.Equal(new CanaryFate(1, IsKnown: true, IsSent: false), session.Canary);
        output.Up = true;
        output.Appetite = 0;
        Offer(session, Frame(2));
        Assert.False(session.Canary.IsKnown);
        output.RefuseNext = DropReason.Error;
        output.Appetite = 1;
        session.EndBatch();
        Assert.Equal(new CanaryFate(2, IsKnown: true, IsSent: false), session.Canary);
        Assert.True(session.Counters.Balances);
    }

    private static MirrorSession New(MemoryOutput output, ShapePlan? shape) => new(
        new MirrorSessionOptions { Id = Session, Name = "m1", Target = new NicTarget("x"), CanarySecret = Secret, Shape = shape },
        output);

    private static byte[] Frame(long number, ushort session = Session, ulong secret = Secret)
    {
        var frame = new byte[CanaryFrame.Bytes];
        CanaryFrame.Write(frame, session, number, secret);
        return frame;
    }

    private static void Offer(MirrorSession session, byte[] frame)
    {
        var meta = new FrameMeta
        {
            TimestampNs = 1, CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet, PointId = 1,
        };
        FrameDecoder.Decode(frame, meta, out var layout);
        session.Offer(meta, layout, frame);
    }
}

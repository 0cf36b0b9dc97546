// Frames that are longer than their target takes: TCP leaves as shorter segments whose every length and checksum a second
// opinion finds right, everything else is cut when asked for or dropped and counted; nothing is ever repaired on the way.
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Xunit;

namespace Tapline.Tests.Mirror;

public class OversizeTests
{
    private const byte Fin = 0x01;
    private const byte Push = 0x08;
    private const byte Cwr = 0x80;

    private static readonly Gen<SuperFrame> s_tcp =
        from isIpv6 in Gen.Bool
        from tagged in Gen.Bool
        from options in Gen.Int[0, 10]
        from flags in Gen.Byte
        from sequence in Gen.UInt
        from segment in Gen.OneOf(Gen.Const(0), Gen.Int[1, 3000])
        from payload in Gen.Byte.Array[1, 9000]
        from outer in Gen.OneOf(Gen.Const(0), Gen.Const(0), Gen.Const(4), Gen.Const(6))
        from outerChecksum in Gen.Bool
        from isPartial in Gen.Bool
        select new SuperFrame
        {
            IsIpv6 = isIpv6,
            Tags = tagged ? [(0x8100, 42)] : [],
            TcpOptionBytes = options * 4,
            TcpFlags = flags,
            Sequence = sequence,
            SegmentBytes = segment,
            Payload = payload,
            VxlanOuterVersion = outer,
            HasOuterChecksum = outerChecksum,
            IsPartial = isPartial,
        }.Build();

    [Fact]
    public void TcpLeavesInSegmentsThatFit() => Gen.Select(s_tcp, Gen.Int[300, 1500]).Sample(
        (frame, mtu) =>
        {
            var output = new MemoryOutput { MtuBytes = mtu, Policy = OversizePolicy.Resegment };
            using var session = Session(output);
            if (Offer(session, frame).DroppedError > 0)
            {
                // More segments than one frame may become.
                Assert.True(frame.SegmentBytes > 0 && frame.Payload.Length / frame.SegmentBytes >= Limits.MirrorWireFramesPerFrameMax - 1);
                return;
            }

            Assert.Equal((1, 1), (session.Counters.Offered, session.Counters.Sent));
            Assert.All(output.Taken!, f => Assert.InRange(f.Length, 14, mtu + 14 + (frame.Tags.Length * 4)));
            if (frame.SegmentBytes == 0 && output.Taken!.Count == 1)
            {
                Assert.Equal(frame.Bytes.Length, output.Taken[0].Length);
                Assert.True(frame.IsPartial || frame.Bytes.AsSpan().SequenceEqual(output.Taken[0]), "it fits as it is");
                return;
            }

            var wire = output.Taken!.ConvertAll(f => WireCheck.Verify(f));
            Assert.Equal(frame.Payload, wire.SelectMany(w => w.Payload));
            var sequence = frame.Sequence;
            for (var i = 0; i < wire.Count; i++)
            {
                Assert.Equal(sequence, wire[i].Sequence);
                sequence += (uint)wire[i].Payload.Length;
                var flags = frame.TcpFlags & (i == wire.Count - 1 ? 0xff : ~(Fin | Push)) & (i == 0 ? 0xff : ~Cwr);
                Assert.Equal((byte)flags, wire[i].TcpFlags);
            }
        },
        iter: 2000);

    [Fact]
    public void AWrongChecksumIsNotMadeRight()
    {
        var frame = new SuperFrame { Payload = new byte[3000], IsPartial = false }.Build();
        frame.Bytes[^1] ^= 1;
        CheckTooLong(frame, OversizePolicy.Resegment);
    }

    [Fact]
    public void BytesBehindThePacketAreNoPayload()
    {
        var frame = new SuperFrame { Payload = new byte[3000], IsPartial = false }.Build();
        byte[] bytes = [.. frame.Bytes, 1, 2, 3, 4];
        var output = new MemoryOutput { Policy = OversizePolicy.Resegment };
        using var session = Session(output);
        Offer(session, bytes, frame.Meta with { CapturedLength = bytes.Length, OriginalLength = bytes.Length });
        Assert.Equal(1, session.Counters.DroppedTooLong);
    }

    [Fact]
    public void DatagramsAreDroppedOrCut()
    {
        var datagram = new SuperFrame { Protocol = SuperFrame.Udp, Payload = new byte[3000] }.Build();
        CheckTooLong(datagram, OversizePolicy.Resegment);
        CheckTooLong(datagram, OversizePolicy.Drop);
        CheckTooLong(datagram, OversizePolicy.Fragment);
        var output = new MemoryOutput { Policy = OversizePolicy.Slice };
        using var session = Session(output);
        Offer(session, datagram);
        Assert.Equal(1514, output.Taken!.Single().Length);
        Assert.Equal((1, 1, 0), (session.Counters.Sent, session.Counters.SlicedWireFrames, session.Counters.Dropped));
    }

    [Fact]
    public void DatagramsOfASuperFrameAreNotCutAnew() => CheckTooLong(
        new SuperFrame { Protocol = SuperFrame.Udp, SegmentBytes = 2000, Payload = new byte[6000] }.Build(), OversizePolicy.Resegment);

    [Fact]
    public void FragmentsBecomeSmaller()
    {
        var frame = new SuperFrame
        {
            Protocol = SuperFrame.Udp, SegmentBytes = 2400, Payload = new byte[6000], IsFragmentation = true,
        }.Build();
        var output = new MemoryOutput { Policy = OversizePolicy.Resegment };
        using var session = Session(output);
        Offer(session, frame);
        Assert.Equal(1, session.Counters.Sent);
        Assert.All(output.Taken!, f => Assert.InRange(f.Length, 14, 1514));
        Assert.Equal(6008, output.Taken!.Sum(f => f.Length - 34));
    }

    [Fact]
    public void ASliceThatFitsNeedsNoCutting()
    {
        var frame = new SuperFrame { Payload = new byte[3000] }.Build();
        var output = new MemoryOutput { Policy = OversizePolicy.Resegment };
        using var session = Session(output, slice: 128);
        Offer(session, frame);
        Assert.Equal(128, output.Taken!.Single().Length);
    }

    private static void CheckTooLong(SuperFrame frame, OversizePolicy policy)
    {
        var output = new MemoryOutput { Policy = policy };
        using var session = Session(output);
        Offer(session, frame);
        Assert.Equal((1, 1, 0), (session.Counters.Offered, session.Counters.DroppedTooLong, output.Taken!.Count));
    }

    private static MirrorSession Session(WireOutput output, int slice = 0) => new(
        new MirrorSessionOptions
        {
            Id = 1, Name = "m1", Target = new NicTarget("x"), Shape = slice == 0 ? null : new ShapePlan { SliceBytes = slice },
        },
        output);

    private static MirrorCounters Offer(MirrorSession session, SuperFrame frame) => Offer(session, frame.Bytes, frame.Meta);

    private static MirrorCounters Offer(MirrorSession session, byte[] bytes, FrameMeta meta)
    {
        FrameDecoder.Decode(bytes, meta, out var layout);
        session.Offer(meta, layout, bytes);
        session.EndBatch();
        Assert.True(session.Counters.Balances);
        return session.Counters;
    }
}

// What counts as handshake, byte by byte: streams of records cut into segments anywhere, repeated, reordered, lost, joined midway;
// and any bytes at all, for which nothing may fail and nothing grow.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Record.Keep;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Keep;

public class HandshakeKeepTests
{
    private const int Headers = 54;
    private static readonly byte[] s_hello = Record(22, 1500, 1);
    private static readonly byte[] s_tls = [.. s_hello, .. Record(20, 1), .. Record(22, 40, 99), .. Record(23, 9000), .. Record(23, 700)];
    private static readonly byte[] s_ssh =
        [.. "SSH-2.0-x\r\n"u8, .. Packet(20, 1000), .. Packet(31, 300), .. Packet(21, 10), .. Enumerable.Repeat((byte)0xfe, 5000)];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void HoweverItIsCutIntoSegmentsTheSameBytesAreHandshake(bool isTls) =>
        Gen.Int[1, 1460].Array[40].Sample(lengths =>
        {
            var stream = isTls ? s_tls : s_ssh;
            var end = isTls ? s_hello.Length + 6 + 45 : stream.Length - 5000;
            var flow = default(HandshakeFlow);
            var at = 0;
            foreach (var length in lengths)
            {
                var from = at;
                var part = stream[at..Math.Min(at + Math.Max(at == 0 ? 6 : 1, length), stream.Length)];
                at += part.Length;
                if (part.Length == 0)
                {
                    break;
                }

                // A segment with any handshake is whole; a record's header of data that a segment's end splits may go either way.
                var kept = Keep(ref flow, part, from);
                Assert.True(kept == part.Length || kept == 0);
                Assert.True(from >= end || kept == part.Length, $"{from}: handshake was cut");
                Assert.True(from < end + 5 || kept == 0, $"{from}: bulk was kept");
                Assert.Equal(kept, Keep(ref flow, part, from));
            }
        });

    [Fact]
    public void ALostSegmentIsBridgedWhereARecordBeginsAgain()
    {
        var flow = default(HandshakeFlow);
        Assert.Equal(700, Keep(ref flow, s_tls[..700], 0));
        Assert.Equal(40, Keep(ref flow, s_tls[1000..1040], 1000)); // 700 to 1000 is missing
        Assert.Equal(6, Keep(ref flow, s_tls[1505..1511], 1505));
        Assert.Equal(45, Keep(ref flow, s_tls[1511..1556], 1511));
        Assert.Equal(0, Keep(ref flow, s_tls[1556..2000], 1556));
        Assert.Equal(300, Keep(ref flow, s_tls[700..1000], 700)); // the missing piece comes late
        Assert.Equal(0, Keep(ref flow, s_tls[5000..5400], 5000));
    }

    [Fact]
    public void AFlowThatIsJoinedMidwayIsBulkFromItsFirstWholeRecord()
    {
        var flow = default(HandshakeFlow);
        Assert.Equal(HandshakeKeep.NotEncrypted, Keep(ref flow, s_tls[2000..3000], 2000));
        Assert.Equal(0, Keep(ref flow, s_tls[1556..3000], 1556));
        Assert.Equal(0, Keep(ref flow, s_tls[3000..4000], 3000));
    }

    [Fact]
    public void OtherProtocolsAreLeftAloneForEver()
    {
        var flow = default(HandshakeFlow);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HandshakeKeep.NotEncrypted, Keep(ref flow, "GET / HTTP/1.1\r\n"u8.ToArray(), i * 100));
        }

        Assert.Equal(HandshakeProtocol.Other, flow.Protocol);
        Assert.Equal(HandshakeKeep.NotEncrypted, Keep(ref flow, s_tls[..1000], 4000));
    }

    [Fact]
    public void OfASuperFrameTheWireSegmentsWithHandshakeAreKept()
    {
        var flow = default(HandshakeFlow);
        Assert.Equal(2000, Keep(ref flow, s_tls, 0, segmentBytes: 1000));
        flow = default;
        Assert.Equal(1600, Keep(ref flow, s_tls, 0, segmentBytes: 400));
    }

    [Fact]
    public void AHandshakeThatNeverEndsIsKeptUpToItsLimit()
    {
        var flow = default(HandshakeFlow);
        var kept = 0L;
        for (var i = 0; i < 1000; i++)
        {
            kept += Keep(ref flow, i == 0 ? s_hello : Record(22, 1395, 99), i == 0 ? 0 : 1505 + ((i - 1) * 1400));
        }

        Assert.InRange(kept, Limits.HandshakeBytesMax - 8192, Limits.HandshakeBytesMax + 1600); // counted in units of 16 bytes
    }

    [Fact]
    public void QuicIsWholeWhileItsHeadersAreLong()
    {
        var flow = default(HandshakeFlow);
        byte[] initial = [0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, .. new byte[1185]];
        byte[] bulk = [0x4f, .. new byte[1199]];
        Assert.Equal(HandshakeKeep.NotEncrypted, Keep(ref flow, bulk, 0, isUdp: true));
        Assert.Equal(1200, Keep(ref flow, initial, 0, isUdp: true));
        Assert.Equal(0, Keep(ref flow, bulk, 0, isUdp: true));
        Assert.Equal(2400, Keep(ref flow, [.. initial, .. initial, .. bulk, .. initial], 0, isUdp: true, segmentBytes: 1200));
        var other = default(HandshakeFlow);
        Assert.Equal(HandshakeKeep.NotEncrypted, Keep(ref other, [0xc3, 1, 2, 3, 4, .. new byte[100]], 0, isUdp: true));
    }

    [Fact]
    public void AnyBytesAtAllAreBoundedAndFailNothing() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[0, 3], Gen.UInt, Gen.Bool, Gen.Int[0, 300]).Array[1, 60].Sample(frames =>
        {
            var flow = default(HandshakeFlow);
            foreach (var (bytes, kind, sequence, isUdp, segment) in frames)
            {
                byte[] payload = kind switch
                {
                    0 => bytes,
                    1 => [22, 3, 3, .. bytes],
                    2 => [.. "SSH-"u8, .. bytes],
                    _ => [0xc0, 0, 0, 0, 1, .. bytes],
                };
                if (payload.Length > 0)
                {
                    var kept = Keep(ref flow, payload, sequence % 500, isUdp: isUdp, segmentBytes: segment);
                    Assert.InRange(kept, HandshakeKeep.NotEncrypted, payload.Length);
                }
            }
        });

    [Fact]
    public void FollowingHandshakesAllocatesNothing()
    {
        byte[][] parts = [s_tls[..1400], s_tls[1400..2000], s_tls[2000..3000], s_ssh[..900], s_ssh[900..1400], s_ssh[1400..]];
        var frames = parts.Select(p => new FrameBuilder().Ethernet().Ipv4().Tcp(50000, 443).Payload(p).Build()).ToArray();
        var layouts = new FrameLayout[frames.Length];
        for (var i = 0; i < frames.Length; i++)
        {
            var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = frames[i].Length, OriginalLength = frames[i].Length };
            FrameDecoder.Decode(frames[i], meta, out layouts[i]);
        }

        var flows = new HandshakeFlow[64];
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                flows[i % flows.Length] = i % 3 == 0 ? default : flows[i % flows.Length];
                _ = HandshakeKeep.PayloadOf(ref flows[i % flows.Length], layouts[i % frames.Length], frames[i % frames.Length], 0);
            }
        }));
    }

    private static int Keep(ref HandshakeFlow flow, byte[] payload, long at, bool isUdp = false, int segmentBytes = 0)
    {
        var builder = new FrameBuilder().Ethernet().Ipv4();
        var frame = (isUdp ? builder.Udp(50000, 443) : builder.Tcp(50000, 443)).Payload(payload).Build();
        if (!isUdp)
        {
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(Headers - 16), (uint)(0xffff_fc00 + at)); // wraps on the way
        }

        var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = frame.Length };
        FrameDecoder.Decode(frame, meta, out var layout);
        Assert.Equal(payload.Length, layout.PayloadLength);
        return HandshakeKeep.PayloadOf(ref flow, layout, frame, segmentBytes);
    }

    private static byte[] Record(byte type, int length, byte first = 0xee)
    {
        var record = new byte[5 + length];
        record.AsSpan().Fill(0xee);
        (record[0], record[1], record[2]) = (type, 3, 3);
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(3), (ushort)length);
        record[5] = first;
        return record;
    }

    private static byte[] Packet(byte type, int payload)
    {
        var packet = new byte[6 + payload];
        BinaryPrimitives.WriteInt32BigEndian(packet, 2 + payload);
        (packet[4], packet[5]) = (4, type);
        return packet;
    }
}

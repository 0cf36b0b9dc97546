// Super-frames become the frames that a wire would have carried: the payload is whole and in order, every length and
// checksum is right by a second opinion, sequence numbers follow on each other, flags stand where they belong.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Xunit;

namespace Tapline.Tests.Mirror;

public class SegmentationTests
{
    private const byte Fin = 0x01;
    private const byte Push = 0x08;
    private const byte Cwr = 0x80;

    private static readonly Gen<(ushort, ushort)[]> s_tags = Gen.OneOf(
        Gen.Const(Array.Empty<(ushort, ushort)>()),
        Gen.Const(new (ushort, ushort)[] { (0x8100, 42) }),
        Gen.Const(new (ushort, ushort)[] { (0x88a8, 7), (0x8100, 42) }));

    private static readonly Gen<SuperFrame> s_tcp =
        from tags in s_tags
        from isIpv6 in Gen.Bool
        from extra in Gen.Int[0, 4]
        from options in Gen.Int[0, 10]
        from flags in Gen.Byte
        from identification in Gen.UShort
        from sequence in Gen.UInt
        from segment in Gen.Int[32, 1460]
        from payload in Gen.Byte.Array[1, 9000]
        from outer in Gen.OneOf(Gen.Const(0), Gen.Const(0), Gen.Const(4), Gen.Const(6))
        from outerChecksum in Gen.Bool
        from isPartial in Gen.Bool
        select new SuperFrame
        {
            Tags = tags,
            IsIpv6 = isIpv6,
            ExtraHeaderBytes = extra * 8,
            TcpOptionBytes = options * 4,
            TcpFlags = flags,
            Identification = identification,
            Sequence = sequence,
            SegmentBytes = segment,
            Payload = payload,
            VxlanOuterVersion = outer,
            HasOuterChecksum = outerChecksum,
            IsPartial = isPartial,
        }.Build();

    [Fact]
    public void TcpSegmentsAreWhatAWireCarries() => s_tcp.Sample(
        frame =>
        {
            var wire = Segment(frame);
            Assert.Equal(frame.Payload, wire.SelectMany(w => w.Payload));
            for (var i = 0; i < wire.Count; i++)
            {
                var isLast = i == wire.Count - 1;
                Assert.Equal(isLast ? frame.Payload.Length - (i * frame.SegmentBytes) : frame.SegmentBytes, wire[i].Payload.Length);
                Assert.Equal(frame.Sequence + (uint)(i * frame.SegmentBytes), wire[i].Sequence);
                Assert.Equal(frame.IsIpv6 ? 0 : (ushort)(frame.Identification + i), wire[i].Identification);
                var flags = frame.TcpFlags & (isLast ? 0xff : ~(Fin | Push)) & (i == 0 ? 0xff : ~Cwr);
                Assert.Equal((byte)flags, wire[i].TcpFlags);
            }
        },
        iter: 2000);

    [Fact]
    public void UdpDatagramsAreWhatAWireCarries() => s_tcp.Sample(
        tcp =>
        {
            var frame = (tcp with { Protocol = SuperFrame.Udp }).Build();
            var wire = Segment(frame);
            Assert.Equal(frame.Payload.Chunk(frame.SegmentBytes), wire.Select(w => w.Payload));
        },
        iter: 1000);

    [Theory]
    [InlineData(false, 1480)]
    [InlineData(true, 1448)]
    public void AFragmentedDatagramComesTogetherAgain(bool isIpv6, int segment)
    {
        var frame = new SuperFrame
        {
            IsIpv6 = isIpv6,
            Protocol = SuperFrame.Udp,
            IsFragmentation = true,
            SegmentBytes = segment,
            Payload = Enumerable.Range(0, 5000).Select(i => (byte)(i * 7)).ToArray(),
        }.Build();
        var raw = Write(frame, 1514);
        var wire = raw.ConvertAll(f => WireCheck.Verify(f));
        Assert.Equal(4, wire.Count);
        Assert.All(raw, f => Assert.InRange(f.Length, 14 + 20 + 8, 1514));
        Assert.Equal([true, true, true, false], wire.Select(w => w.MoreFragments));
        Assert.Equal([0, segment, 2 * segment, 3 * segment], wire.Select(w => w.FragmentOffset));
        Assert.Single(wire.Select(w => w.Identification).Distinct());
        var datagram = wire.SelectMany(w => w.IpPayload).ToArray();
        var sum = WireCheck.Sum(datagram)
            + WireCheck.PseudoHeader(frame.Bytes.AsSpan(frame.InnerNetwork), SuperFrame.Udp, datagram.Length);
        Assert.Equal(0xffffu, (sum & 0xffff) + (sum >> 16));
        Assert.Equal(frame.Payload, datagram[8..]);
    }

    [Fact]
    public void AFragmentableDatagramThatFitsLeavesWhole()
    {
        var frame = new SuperFrame
        {
            Protocol = SuperFrame.Udp, IsFragmentation = true, SegmentBytes = 1480, Payload = new byte[4000],
        }.Build();
        Assert.Equal(4000, WireCheck.Verify(Assert.Single(Write(frame, 9014))).Payload.Length);
    }

    [Fact]
    public void ABigTcpFrameLosesItsJumboOption()
    {
        var frame = new SuperFrame
        {
            IsIpv6 = true, HasJumboOption = true, SegmentBytes = 1428, Payload = new byte[180_000],
        }.Build();
        var raw = Write(frame, 1514);
        Assert.Equal(127, raw.Count);
        Assert.All(raw, f => Assert.Equal(SuperFrame.Tcp, f[14 + 6]));
        Assert.Equal(180_000, raw.Sum(f => WireCheck.Verify(f).Payload.Length));
        Assert.Equal(1514, raw.Max(f => f.Length));
    }

    [Fact]
    public void DatagramOffloadAroundATunnelSegmentsTheOuterDatagram()
    {
        // A user space tunnel end sends several VXLAN datagrams as one: the checksum's start names the outer UDP
        // header.
        var frame = new SuperFrame { VxlanOuterVersion = 4, Payload = new byte[3000], IsPartial = false }.Build();
        var meta = frame.Meta;
        meta.GsoType = GsoType.UdpL4;
        meta.GsoSize = 1000;
        meta.Flags |= FrameFlags.ChecksumPartial;
        meta.ChecksumStart = (ushort)(frame.OuterNetwork + 20);
        meta.ChecksumOffset = 6;
        Assert.True(WirePlanner.TryPlan(meta, frame.Layout, frame.Bytes, 1514, out var plan));
        var buffer = new byte[plan.LongestBytes];
        var bytes = WireWriter.Write(plan, frame.Bytes, 0, buffer);
        Assert.Equal(14 + 20 + 8 + 1000, bytes);
        Assert.Equal(1008, BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(14 + 20 + 4)));
    }

    [Fact]
    public void PartialChecksumsAreCompletedAsIfComputedInFull() => s_tcp.Sample(
        tcp =>
        {
            foreach (var protocol in (byte[])[SuperFrame.Tcp, SuperFrame.Udp])
            {
                var partial = (tcp with { Protocol = protocol, SegmentBytes = 0, IsPartial = true, VxlanOuterVersion = 0 }).Build();
                var full = (partial with { IsPartial = false }).Build();
                Assert.Equal(full.Bytes, Assert.Single(Write(partial, 65535)));
                Assert.Equal(full.Bytes, Assert.Single(Write(full, 65535)));
            }
        },
        iter: 500);

    [Fact]
    public void AnSctpChecksumIsACrc()
    {
        var frame = new SuperFrame { Protocol = SuperFrame.Sctp, Payload = "123456789"u8.ToArray() }.Build();
        var wire = Assert.Single(Write(frame, 1514));
        var crc = Crc32cBitByBit([.. frame.Bytes.AsSpan(frame.InnerTransport)]);
        Assert.Equal(crc, BinaryPrimitives.ReadUInt32LittleEndian(wire.AsSpan(frame.InnerTransport + 8)));
        Assert.Equal(0xE3069283u, Crc32cBitByBit("123456789"u8.ToArray()));
    }

    [Fact]
    public void CutAndContradictoryFramesAreRefusedAndNeverThrow()
    {
        var random = new Random(11);
        var buffer = new byte[1 << 20];
        var (planned, refused) = (0, 0);
        for (var round = 0; round < 60_000; round++)
        {
            var frame = Samples[random.Next(Samples.Length)];
            var bytes = frame.Bytes.AsSpan(0, random.Next(2) == 0 ? frame.Bytes.Length : random.Next(frame.Bytes.Length)).ToArray();
            for (var flips = random.Next(4); flips > 0 && bytes.Length > 0; flips--)
            {
                bytes[random.Next(Math.Min(bytes.Length, 120))] = (byte)random.Next(256);
            }

            var (meta, layout) = (frame.Meta, frame.Layout);
            meta.CapturedLength = meta.OriginalLength = bytes.Length;
            Damage(random, ref meta, ref layout);
            if (!WirePlanner.TryPlan(meta, layout, bytes, 1514, out var plan))
            {
                refused++;
                continue;
            }

            planned++;
            Assert.InRange(plan.Count, 1, Limits.MirrorWireFramesPerFrameMax);
            for (var i = 0; i < plan.Count; i++)
            {
                Assert.InRange(WireWriter.Write(plan, bytes, i, buffer.AsSpan(0, plan.LongestBytes)), 14, plan.LongestBytes);
            }
        }

        Assert.True(planned > 5_000 && refused > 5_000, $"{planned} planned, {refused} refused");
    }

    [Fact]
    public void EveryTruncationIsRefusedOrWritten()
    {
        var buffer = new byte[1 << 20];
        foreach (var frame in Samples)
        {
            for (var length = 0; length <= Math.Min(frame.Bytes.Length, 400); length++)
            {
                var meta = frame.Meta;
                meta.CapturedLength = meta.OriginalLength = length;
                var bytes = frame.Bytes.AsSpan(0, length).ToArray();
                if (WirePlanner.TryPlan(meta, frame.Layout, bytes, 1514, out var plan))
                {
                    for (var i = 0; i < plan.Count; i++)
                    {
                        WireWriter.Write(plan, bytes, i, buffer);
                    }
                }
            }
        }
    }

    private static SuperFrame[] Samples { get; } =
    [
        new SuperFrame { SegmentBytes = 500, Payload = new byte[1600] }.Build(),
        new SuperFrame { IsIpv6 = true, SegmentBytes = 500, Payload = new byte[1600], ExtraHeaderBytes = 16 }.Build(),
        new SuperFrame { IsIpv6 = true, HasJumboOption = true, SegmentBytes = 900, Payload = new byte[70_000] }.Build(),
        new SuperFrame { SegmentBytes = 500, Payload = new byte[1600], VxlanOuterVersion = 4 }.Build(),
        new SuperFrame { SegmentBytes = 500, Payload = new byte[1600], VxlanOuterVersion = 6, IsIpv6 = true }.Build(),
        new SuperFrame { SegmentBytes = 500, Payload = new byte[1600], Protocol = SuperFrame.Udp }.Build(),
        Fragmented(isIpv6: false),
        Fragmented(isIpv6: true),
        new SuperFrame { Payload = new byte[60], Protocol = SuperFrame.Sctp }.Build(),
        new SuperFrame { Payload = new byte[60] }.Build(),
    ];

    private static SuperFrame Fragmented(bool isIpv6) => new SuperFrame
    {
        SegmentBytes = 504, Payload = new byte[1600], Protocol = SuperFrame.Udp, IsFragmentation = true, IsIpv6 = isIpv6,
    }.Build();

    private static void Damage(Random random, ref FrameMeta meta, ref FrameLayout layout)
    {
        switch (random.Next(10))
        {
            case 0: meta.GsoSize = (ushort)random.Next(65536); break;
            case 1: meta.ChecksumStart = (ushort)random.Next(65536); break;
            case 2: meta.ChecksumOffset = (ushort)random.Next(65536); break;
            case 3: meta.GsoType = (GsoType)random.Next(256); break;
            case 4: layout.NetworkOffset = (ushort)random.Next(200); break;
            case 5: layout.TransportOffset = (ushort)random.Next(65536); break;
            case 6: layout.OuterNetworkOffset = (ushort)random.Next(200); break;
            case 7: meta.Flags ^= FrameFlags.ChecksumPartial; break;
            case 8: layout.Flags ^= LayoutFlags.Tunnelled; break;
        }
    }

    private static List<WireFrame> Segment(SuperFrame frame) => Write(frame, 65535).ConvertAll(w => WireCheck.Verify(w));

    private static List<byte[]> Write(SuperFrame frame, int unfragmentedBytesMax)
    {
        Assert.True(WirePlanner.TryPlan(frame.Meta, frame.Layout, frame.Bytes, unfragmentedBytesMax, out var plan));
        var wire = new List<byte[]>();
        for (var i = 0; i < plan.Count; i++)
        {
            var buffer = new byte[plan.LongestBytes];
            wire.Add(buffer[..WireWriter.Write(plan, frame.Bytes, i, buffer)]);
        }

        return wire;
    }

    private static uint Crc32cBitByBit(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}

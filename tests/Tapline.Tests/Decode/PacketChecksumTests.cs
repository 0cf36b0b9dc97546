// Checksums of each transport: right as built by the tests' own slow sum, wrong after any change, right again once
// completed.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Decode;

public class PacketChecksumTests
{
    private static readonly (string Name, Func<byte[], byte[]> Make)[] s_kinds =
    [
        ("tcp", payload => new FrameBuilder().Ethernet().Ipv4().Tcp(1, 2).Payload(payload).Build()),
        ("tcp6", payload => new FrameBuilder().Ethernet().Vlan(7).Ipv6().Tcp(1, 2, options: [1, 1, 1, 0])
            .Payload(payload).Build()),
        ("udp", payload => new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(payload).Build(90)),
        ("udp6", payload => new FrameBuilder().Ethernet().Ipv6().Udp(1, 2).Payload(payload).Build()),
        ("icmp", payload => new FrameBuilder().Ethernet().Ipv4().Icmp(8, 0, 3, 4).Payload(payload).Build()),
        ("icmp6", payload => new FrameBuilder().Ethernet().Ipv6().Icmpv6(128, 0, 3, 4).Payload(payload).Build()),
        ("inside", payload => new FrameBuilder().Ethernet().Ipv4().Udp(9, 4789).Vxlan(1).Ethernet().Ipv4().Tcp(1, 2)
            .Payload(payload).Build()),
    ];

    [Fact]
    public void WhatIsBuiltIsGoodAndAnyChangedBitIsSeen()
    {
        Gen.Select(Gen.Byte.Array[0, 70], Gen.Int[0, 6], Gen.Int[0, 100_000]).Sample((payload, kind, place) =>
        {
            var frame = s_kinds[kind].Make(payload);
            var layout = Decode(frame);
            Assert.Equal(ChecksumState.Good, PacketChecksum.VerifyTransport(frame, layout));
            var length = layout.TransportHeaderLength + layout.PayloadLength;
            var at = layout.TransportOffset + (place / 8 % length);

            // The ports, lengths and the checksum itself stay: they decide what is summed, or that nothing is.
            var inHeader = at < layout.TransportOffset + layout.TransportHeaderLength;
            if (!inHeader)
            {
                frame[at] ^= (byte)(1 << (place % 8));
                Assert.Equal(ChecksumState.Bad, PacketChecksum.VerifyTransport(frame, layout));
                Assert.True(PacketChecksum.Complete(frame, layout));
                Assert.Equal(ChecksumState.Good, PacketChecksum.VerifyTransport(frame, layout));
            }
        });
    }

    [Fact]
    public void CompletingGivesTheBytesThatWereBuilt()
    {
        foreach (var (name, make) in s_kinds)
        {
            var frame = make([1, 2, 3]);
            var layout = Decode(frame);
            var broken = (byte[])frame.Clone();
            var field = layout.TransportOffset + (layout.IpProtocol switch { 6 => 16, 17 => 6, _ => 2 });
            broken.AsSpan(field, 2).Fill(0xEE);
            if (layout.IpVersion == 4)
            {
                broken.AsSpan(layout.NetworkOffset + 10, 2).Fill(0xEE);
                Assert.Equal(ChecksumState.Bad, PacketChecksum.VerifyIpv4Header(broken, layout));
            }

            Assert.True(PacketChecksum.Complete(broken, layout));
            Assert.True(frame.AsSpan().SequenceEqual(broken), name);
        }
    }

    [Fact]
    public void AUdpSumOfZeroIsSentAsAllOnes()
    {
        // The payload word is chosen so that everything sums to all ones.
        var frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload([0, 0]).Build();
        var layout = Decode(frame);
        frame.AsSpan(layout.TransportOffset + 6, 2).CopyTo(frame.AsSpan(layout.PayloadOffset));
        Assert.True(PacketChecksum.Complete(frame, layout));
        Assert.Equal(0xFFFF, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(layout.TransportOffset + 6)));
        Assert.Equal(ChecksumState.Good, PacketChecksum.VerifyTransport(frame, layout));
    }

    [Fact]
    public void AMissingUdpSumIsFineOverIpv4AndForTunnelsOnly()
    {
        ChecksumState Without(FrameBuilder builder)
        {
            var frame = builder.Payload(4).Build();
            var layout = Decode(frame);
            frame.AsSpan(layout.TransportOffset + 6, 2).Clear();
            return PacketChecksum.VerifyTransport(frame, layout);
        }

        Assert.Equal(ChecksumState.NotPresent, Without(new FrameBuilder().Ethernet().Ipv4().Udp(1, 2)));
        Assert.Equal(ChecksumState.Bad, Without(new FrameBuilder().Ethernet().Ipv6().Udp(1, 2)));
        Assert.Equal(ChecksumState.NotPresent, Without(new FrameBuilder().Ethernet().Ipv6().Udp(1, 6081)));
    }

    [Fact]
    public void SctpUsesCrc32C()
    {
        // A COOKIE ACK, its checksum from RFC 9260's algorithm worked out bit by bit.
        var frame = new FrameBuilder().Ethernet().Ipv4().Sctp(7, 8).Payload([11, 0, 0, 4]).Build();
        var layout = Decode(frame);
        Assert.Equal(ChecksumState.Bad, PacketChecksum.VerifyTransport(frame, layout));
        Assert.True(PacketChecksum.Complete(frame, layout));
        var segment = frame[layout.TransportOffset..];
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(segment.AsSpan(8));
        segment.AsSpan(8, 4).Clear();
        Assert.Equal(BitwiseCrc32C(segment), stored);
        Assert.Equal(ChecksumState.Good, PacketChecksum.VerifyTransport(frame, layout));
    }

    [Fact]
    public void WhatIsNotAllThereIsNotJudged()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4().Tcp(1, 2).Payload(100).Build();
        var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = 100, OriginalLength = frame.Length };
        FrameDecoder.Decode(frame.AsSpan(0, 100), in meta, out var cut);
        Assert.Equal(ChecksumState.Unverified, PacketChecksum.VerifyTransport(frame.AsSpan(0, 100), cut));
        var fragment = new FrameBuilder().Ethernet().Ipv4(more: true).Udp(1, 2, length: 200).Payload(40).Build();
        Assert.Equal(ChecksumState.Unverified, PacketChecksum.VerifyTransport(fragment, Decode(fragment)));
        var routed = new FrameBuilder().Ethernet()
            .Ipv6(next: 43, extensions: [6, 2, 0, 1, .. new byte[20]]).Tcp(1, 2).Build();
        Assert.Equal(ChecksumState.Unverified, PacketChecksum.VerifyTransport(routed, Decode(routed)));
        var arp = new FrameBuilder().Ethernet().Arp().Build();
        Assert.Equal(ChecksumState.NotPresent, PacketChecksum.VerifyTransport(arp, Decode(arp)));
    }

    private static uint BitwiseCrc32C(byte[] bytes)
    {
        var state = 0xFFFFFFFFu;
        foreach (var value in bytes)
        {
            state ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                state = (state & 1) != 0 ? (state >> 1) ^ 0x82F63B78 : state >> 1;
            }
        }

        return ~state;
    }

    private static FrameLayout Decode(byte[] frame)
    {
        var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = frame.Length };
        FrameDecoder.Decode(frame, in meta, out var layout);
        return layout;
    }
}

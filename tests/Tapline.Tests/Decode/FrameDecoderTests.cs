// The decoder on literal bytes, and its decisions where frames are damaged: who is the flow, what is the verdict.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Decode;

public class FrameDecoderTests
{
    // A SYN and its SYN/ACK: 10.1.2.3:49152 and 192.0.2.80:443, VLAN 100, MSS 1460, SACK, timestamps, scale 7.
    private const string Syn =
        "02aabbccddee 021122334455 8100 6064 0800"
        + "45 b8 003c 1c46 4000 40 06 50ad 0a010203 c0000250"
        + "c000 01bb 00000fff 00000000 a0 02 faf0 0000 0000 020405b4 0402 080a 00000001 00000000 01 030307";

    private const string SynAck =
        "021122334455 02aabbccddee 8100 6064 0800"
        + "45 00 003c 0000 4000 3f 06 6dab c0000250 0a010203"
        + "01bb c000 12345678 00001000 a0 12 fe88 0000 0000 020405b4 0402 080a 00000002 00000001 01 030307";

    [Fact]
    public void AHandshakeReadsAlikeFromBothSides()
    {
        var there = Decode(Hex(Syn));
        var back = Decode(Hex(SynAck));
        foreach (var layout in new[] { there, back })
        {
            Assert.Equal(DecodeVerdict.Transport, layout.Verdict);
            Assert.Equal(LayoutFlags.HasTransport | LayoutFlags.HasMac, layout.Flags);
            Assert.Equal((4, 6, 18, 38, 78), ((int)layout.IpVersion, (int)layout.IpProtocol, (int)layout.NetworkOffset,
                (int)layout.TransportOffset, (int)layout.PayloadOffset));
            Assert.Equal((0, 60, 40), (layout.PayloadLength, layout.NetworkLength, (int)layout.TransportHeaderLength));
            Assert.Equal((1, 0x6064), ((int)layout.VlanCount, (int)layout.Vlan0));
            Assert.Equal(EtherTypes.Ipv4, layout.EtherType);
        }

        Assert.Equal((49152, 443, 2), ((int)there.SourcePort, (int)there.DestinationPort, (int)there.TcpFlags));
        Assert.Equal((443, 49152, 0x12), ((int)back.SourcePort, (int)back.DestinationPort, (int)back.TcpFlags));
        Assert.Equal((64, 0xB8, 0x1C46u), ((int)there.Ttl, (int)there.TrafficClass, there.FragmentId));
        Assert.Equal(there.AddressHash, back.AddressHash);
    }

    [Fact]
    public void TcpOptionsAreReadOnce()
    {
        var frame = Hex(SynAck);
        Assert.True(TcpHeader.TryRead(frame, Decode(frame), out var tcp));
        Assert.Equal((0x12345678u, 0x1000u, 0xFE88), (tcp.SequenceNumber, tcp.AcknowledgementNumber, (int)tcp.Window));
        var options = tcp.ReadOptions();
        Assert.Equal((1460, 7, true), ((int)options.MaximumSegmentSize, options.WindowScale, options.SackPermitted));
        Assert.Equal((true, 2u, 1u), (options.HasTimestamps, options.TimestampValue, options.TimestampEcho));
        var sack = TcpOptionSet.Read([1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 20, 0, 0, 0, 30]);
        Assert.Equal(2, sack.SackCount);
        Assert.Equal(((1u, 9u), (20u, 30u)), (sack.Sack(0), sack.Sack(1)));
    }

    [Fact]
    public void HostileTcpOptionsEndTheReading()
    {
        byte[][] hostile = [[], [2], [2, 0], [2, 1], [2, 5, 1, 2], [8, 255], [5, 3, 1], [3, 2], [0, 2, 4, 5, 0xB4]];
        foreach (var bytes in hostile)
        {
            var options = TcpOptionSet.Read(bytes);
            Assert.Equal((0, -1), ((int)options.MaximumSegmentSize, options.WindowScale));
            Assert.Equal((false, 0), (options.HasTimestamps, options.SackCount));
        }
    }

    [Fact]
    public void AnOptionlessCutStillHasItsPortsAndFlags()
    {
        var frame = Hex(Syn);
        var layout = Decode(frame.AsSpan(0, 38 + 24), frame.Length);
        Assert.Equal(DecodeVerdict.Cut, layout.Verdict);
        Assert.True((layout.Flags & LayoutFlags.HasTransport) != 0);
        Assert.Equal((49152, 2, 40), ((int)layout.SourcePort, (int)layout.TcpFlags, (int)layout.TransportHeaderLength));
        Assert.True(TcpHeader.TryRead(frame.AsSpan(0, 38 + 24), layout, out var tcp));
        Assert.Equal(1460, tcp.ReadOptions().MaximumSegmentSize);
        var ports = Decode(frame.AsSpan(0, 38 + 4), frame.Length);
        Assert.Equal(DecodeVerdict.Cut, ports.Verdict);
        Assert.Equal((49152, 443), ((int)ports.SourcePort, (int)ports.DestinationPort));
        Assert.True((ports.Flags & LayoutFlags.HasTransport) == 0);
    }

    [Theory]
    [InlineData(14, 0x44, DecodeVerdict.BadLength)] // IHL 4
    [InlineData(14, 0x65, DecodeVerdict.BadVersion)] // version 6 under the EtherType of 4
    [InlineData(17, 19, DecodeVerdict.BadLength)] // total length below the header's
    [InlineData(46, 0x40, DecodeVerdict.BadLength)] // TCP data offset 4
    [InlineData(46, 0xF0, DecodeVerdict.BadLength)] // TCP header longer than its packet
    public void ContradictionsHaveTheirVerdict(int at, byte value, DecodeVerdict expected)
    {
        var frame = new FrameBuilder().Ethernet().Ipv4().Tcp(1, 2).Payload(5).Build(100);
        frame[at] = value;
        Assert.Equal(expected, Decode(frame).Verdict);
    }

    [Fact]
    public void AUdpLengthBelowItsHeaderIsBadAndZeroMeansTheRest()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2, length: 7).Payload(5).Build();
        Assert.Equal(DecodeVerdict.BadLength, Decode(frame).Verdict);
        frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2, length: 0).Payload(5).Build();
        Assert.Equal((DecodeVerdict.Transport, 5), (Decode(frame).Verdict, Decode(frame).PayloadLength));
    }

    [Fact]
    public void APacketThatClaimsMoreThanItsFrameCountsWhatTheFrameHad()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4(totalLength: 60_000).Tcp(1, 2).Payload(100).Build();
        var layout = Decode(frame);
        Assert.Equal(DecodeVerdict.Transport, layout.Verdict);
        Assert.Equal((100, 60_000), (layout.PayloadLength, layout.NetworkLength));
        Assert.True((layout.Flags & LayoutFlags.PayloadCut) != 0);
    }

    [Fact]
    public void AFrameCheckSequenceIsNeitherHeaderNorPayload()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4(totalLength: 0).Udp(1, 2, length: 0).Payload(20).Build();
        byte[] checkedFrame = [.. frame, 1, 2, 3, 4];
        var meta = new FrameMeta
        {
            LinkType = LinkType.Ethernet, CapturedLength = checkedFrame.Length, OriginalLength = checkedFrame.Length,
            Flags = FrameFlags.HasFcs,
        };
        FrameDecoder.Decode(checkedFrame, in meta, out var layout);
        Assert.Equal(20, layout.PayloadLength);
    }

    [Fact]
    public void ADamagedInsideLeavesTheCarrierAsTheFlow()
    {
        var frame = new FrameBuilder().Ethernet().Ipv4("192.0.2.1").Udp(50000, 4789).Vxlan(42)
            .Ethernet().Ipv4().Tcp(1, 2).Build();
        var inside = Decode(frame);
        Assert.Equal((TunnelKind.Vxlan, 14, 4), (inside.Tunnel, (int)inside.OuterNetworkOffset, (int)inside.OuterIpVersion));

        // The IP header inside is cut, cut off, or wrong: the carrier's ports, and the flag that says why.
        var broken = (byte[])frame.Clone();
        broken[inside.NetworkOffset] = 0x43;
        foreach (var layout in new[]
        {
            Decode(frame.AsSpan(0, inside.NetworkOffset + 19), frame.Length),
            Decode(frame.AsSpan(0, inside.NetworkOffset + 19)),
            Decode(frame.AsSpan(0, inside.LinkOffset + 3), frame.Length),
            Decode(broken),
        })
        {
            Assert.Equal(DecodeVerdict.Transport, layout.Verdict);
            Assert.Equal((17, 4789), ((int)layout.IpProtocol, (int)layout.DestinationPort));
            Assert.Equal((TunnelKind.None, 0u, 0), (layout.Tunnel, layout.Vni, (int)layout.TunnelDepth));
            Assert.True((layout.Flags & LayoutFlags.TunnelBroken) != 0);
            Assert.NotEqual(inside.AddressHash, layout.AddressHash);
        }

        // Its transport header is cut: the inside is still the flow, by its addresses.
        var cut = Decode(frame.AsSpan(0, inside.TransportOffset + 2), frame.Length);
        Assert.Equal((DecodeVerdict.Cut, TunnelKind.Vxlan, 42u), (cut.Verdict, cut.Tunnel, cut.Vni));
        Assert.Equal(inside.AddressHash, cut.AddressHash);
    }

    [Fact]
    public void AFragmentedCarrierIsEnteredOnItsFirstFragment()
    {
        var whole = new FrameBuilder().Udp(50000, 4789).Vxlan(42).Ethernet().Ipv4().Tcp(1, 2).Payload(1400).Build();
        var first = Decode(new FrameBuilder().Ethernet().Ipv4("192.0.2.1", id: 9, more: true, protocol: 17)
            .Payload(whole[..1400]).Build());
        Assert.Equal((DecodeVerdict.Transport, TunnelKind.Vxlan, 1400), (first.Verdict, first.Tunnel, first.PayloadLength));
        Assert.True((first.Flags & LayoutFlags.OuterFragment) != 0 && (first.Flags & LayoutFlags.IsFragment) == 0);
        var rest = Decode(new FrameBuilder().Ethernet().Ipv4("192.0.2.1", id: 9, fragmentOffset: 1400, protocol: 17)
            .Payload(whole[1400..]).Build());
        Assert.Equal((DecodeVerdict.Fragment, TunnelKind.None), (rest.Verdict, rest.Tunnel));
        Assert.Equal((9u, 1400), (rest.FragmentId, (int)rest.FragmentOffset));
    }

    [Fact]
    public void TunnelsBeyondTheBoundAreTooDeepAndTheLastOneIsTheFlow()
    {
        var builder = new FrameBuilder().Ethernet();
        for (var i = 0; i <= Limits.TunnelDepthMax + 3; i++)
        {
            builder = builder.Ipv4($"10.0.0.{i}");
        }

        var layout = Decode(builder.Udp(1, 2).Build());
        Assert.Equal(DecodeVerdict.TooDeep, layout.Verdict);
        Assert.Equal((Limits.TunnelDepthMax, 4), ((int)layout.TunnelDepth, (int)layout.IpProtocol));
    }

    [Fact]
    public void HeadersWithoutEndAreTooDeep()
    {
        byte[] vlans = [.. new byte[12], .. Enumerable.Repeat(new byte[] { 0x81, 0, 0, 1 }, 500).SelectMany(tag => tag)];
        byte[] labels = [.. new byte[12], 0x88, 0x47, .. new byte[3000]];
        byte[] options = [.. Enumerable.Repeat(new byte[] { 60, 0, 0, 0, 0, 0, 0, 0 }, 300).SelectMany(header => header)];
        var extensions = new FrameBuilder().Ethernet().Ipv6(next: 60, extensions: options).Build();
        Assert.All(new[] { vlans, labels, extensions }, frame => Assert.Equal(DecodeVerdict.TooDeep, Decode(frame).Verdict));
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    private static FrameLayout Decode(ReadOnlySpan<byte> frame, int original = 0)
    {
        var meta = new FrameMeta
        {
            LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = Math.Max(original, frame.Length),
        };
        FrameDecoder.Decode(frame, in meta, out var layout);
        return layout;
    }
}

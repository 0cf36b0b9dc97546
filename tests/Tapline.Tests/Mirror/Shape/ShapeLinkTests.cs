// Headers off and headers on: every kind of tunnel that the samples have, tag stacks, MAC addresses, to the byte.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeLinkTests
{
    private static readonly byte[] s_packet = new FrameBuilder().Ipv4().Tcp(1000, 80).Payload("hello").Build();
    private static readonly byte[] s_macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

    [Fact]
    public void EveryTunnelOfTheSamplesComesOff()
    {
        var kinds = new HashSet<TunnelKind>();
        foreach (var sample in SampleFrames.All.Where(s => s.LinkType == LinkType.Ethernet && s.Tunnel != TunnelKind.None))
        {
            // PPP has no place in an Ethernet frame, so PPTP stays as it is.
            var expected = sample.Name == "pptp" ? TunnelKind.Gre : TunnelKind.None;
            var before = Decode(sample.Bytes);
            var copy = Shape("strip=tunnels,mpls", sample.Bytes);
            var after = Decode(copy);
            Assert.True(after.Tunnel == expected, $"{sample.Name}: {after.Tunnel}");
            Assert.Equal((before.IpVersion, before.IpProtocol, before.SourcePort, before.DestinationPort, before.PayloadLength),
                (after.IpVersion, after.IpProtocol, after.SourcePort, after.DestinationPort, after.PayloadLength));
            Assert.True(sample.Bytes.AsSpan(before.NetworkOffset, before.NetworkLength)
                .SequenceEqual(copy.AsSpan(after.NetworkOffset, after.NetworkLength)), sample.Name);
            kinds.Add(sample.Tunnel);
        }

        Assert.Superset(new HashSet<TunnelKind>
        {
            TunnelKind.Vxlan, TunnelKind.VxlanGpe, TunnelKind.Geneve, TunnelKind.Gre, TunnelKind.Nvgre, TunnelKind.Erspan1,
            TunnelKind.Erspan2, TunnelKind.Erspan3, TunnelKind.IpInIp, TunnelKind.Gtpu, TunnelKind.EtherIp, TunnelKind.Mpls,
            TunnelKind.MplsOverUdp,
        }, kinds);
    }

    [Fact]
    public void AnInsideWithoutEthernetHeaderGetsThatOfItsCarrier()
    {
        byte[] carrier = [.. s_macs, 0x81, 0, 0, 7, 8, 0];
        byte[] inner = new FrameBuilder().Ethernet().Vlan(7).Ipv4("192.0.2.1", "192.0.2.2").Ipv4().Tcp(1000, 80).Payload("hello").Build();
        s_macs.CopyTo(inner, 0);
        Assert.Equal([.. s_macs, 8, 0, .. s_packet], Shape("strip=ipip", inner));

        // Under labels the tags of the link stay, behind other tunnels they were the carrier's.
        byte[] labelled = [.. carrier[..^2], 0x88, 0x47, 0, 1, 1, 64, .. s_packet];
        Assert.Equal([.. carrier, .. s_packet], Shape("strip=mpls", labelled));
    }

    [Fact]
    public void OnlyWhatIsNamedComesOffAndOnlyFromTheOutside()
    {
        var inside = new FrameBuilder().Ethernet().Ipv4("198.51.100.1", "198.51.100.2").Udp(50000, 4789).Vxlan(42).Ethernet()
            .Ipv4().Tcp(1000, 80).Payload("hello").Build();
        var frame = new FrameBuilder().Ethernet().Ipv4("192.0.2.1", "192.0.2.2").Gre(sequence: 9).Erspan2(7).Raw(inside).Build();
        Assert.Equal(frame, Shape("strip=vxlan", frame));
        Assert.Equal(inside, Shape("strip=erspan", frame));
        Assert.Equal(inside[50..], Shape("strip=erspan,vxlan", frame));
    }

    [Theory]
    [InlineData("strip=vlan", "")]
    [InlineData("strip=outer-vlan", "81000007")]
    [InlineData("vlan=100", "81000064" + "88A80009" + "81000007")]
    [InlineData("vlan=100,pcp:5,ad", "88A8A064" + "88A80009" + "81000007")]
    [InlineData("strip=vlan;vlan=4094", "81000FFE")]
    [InlineData("strip=outer-vlan;vlan=1", "81000001" + "81000007")]
    public void TagsComeOffAndOn(string shape, string tags)
    {
        byte[] frame = [.. s_macs, 0x88, 0xA8, 0, 9, 0x81, 0, 0, 7, 8, 0, .. s_packet];
        Assert.Equal([.. s_macs, .. Convert.FromHexString(tags), 8, 0, .. s_packet], Shape(shape, frame));
    }

    [Theory]
    [InlineData("mac-dst=0a:0b:0c:0d:0e:0f", "0A0B0C0D0E0F020000000002")]
    [InlineData("mac-src=0a-0b-0c-0d-0e-0f", "0200000000010A0B0C0D0E0F")]
    [InlineData("mac-dst=ff:ff:ff:ff:ff:ff;mac-src=00:00:00:00:00:00", "FFFFFFFFFFFF000000000000")]
    public void MacAddressesAreReplaced(string shape, string macs)
    {
        byte[] frame = [.. s_macs, 8, 0, .. s_packet];
        Assert.Equal([.. Convert.FromHexString(macs), 8, 0, .. s_packet], Shape(shape, frame));
    }

    [Fact]
    public void AnInsideThatIsNotWhatItsCarrierSaysStays()
    {
        byte[][] frames =
        [
            new FrameBuilder().Ethernet().Ipv4(protocol: 4).Payload(40).Build(),
            new FrameBuilder().Ethernet().Ipv4(protocol: 41).Raw(s_packet).Build(),
            new FrameBuilder().Ethernet().Ipv4(more: true, protocol: 4).Raw(s_packet).Build(),
        ];
        Assert.All(frames, frame => Assert.Equal(frame, Shape("strip=tunnels,mpls", frame)));
    }

    private static FrameMeta Meta(byte[] frame) => new()
    {
        CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet,
    };

    private static FrameLayout Decode(byte[] frame)
    {
        FrameDecoder.Decode(frame, Meta(frame), out var layout);
        return layout;
    }

    private static byte[] Shape(string shape, byte[] frame)
    {
        var output = new MemoryOutput { MtuBytes = 9000 };
        using var session = ShapeCorpus.Session(shape, output);
        session.Offer(Meta(frame), Decode(frame), frame);
        session.EndBatch();
        Assert.True(session.Counters.Balances);
        return Assert.Single(output.Taken!);
    }
}

// Tunnel headers as literal bytes, and both ways: what is written, our decoder reads.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Encapsulate;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Encapsulate;

public class HeaderTests
{
    // 2026-11-25T12:00:00.123456789Z
    private const long Time = (1_795_608_000L * 1_000_000_000) + 123_456_789;

    private static readonly ErspanFacts s_facts = new()
    {
        SessionId = 0x2A5, Sequence = 0xFFFF_FFFE, IsTagged = true, Tag = 0xA123, IsTruncated = true, PointId = 0xFFF,
        IsEgress = true, TimestampNs = Time,
    };

    private static readonly ErspanFacts s_plain = new() { SessionId = 7, Sequence = 1, PointId = 3, TimestampNs = Time };

    [Fact]
    public void Vxlan() => Check("08000000 ABCDEF00", 8, to => VxlanHeader.Write(to, 0xABCDEF));

    [Fact]
    public void Geneve() => Check("00006558 00002A00", 8, to => GeneveHeader.Write(to, 42));

    [Fact]
    public void Udp() => Check("C001 12B5 0035 0000", 8, to => UdpHeader.Write(to, 0xC001, 4789, 0x35));

    [Fact]
    public void Gre() => Check("0000 6558", 4, to => GreHeader.Write(to, GreHeader.TransparentEthernet));

    [Fact]
    public void GreWithKey() => Check(
        "2000 6558 DEADBEEF", 8, to => GreHeader.WriteKeyed(to, GreHeader.TransparentEthernet, 0xDEADBEEF));

    [Fact]
    public void ErspanOne() => Check("0000 88BE", 4, ErspanHeader.WriteOne);

    [Fact]
    public void ErspanTwo()
    {
        // COS 5, En 3, T, session: 101 11 1 1010100101.
        Check("1000 88BE FFFFFFFE 1123 BEA5 00001FFF", 16, to => ErspanHeader.WriteTwo(to, s_facts));
        Check("1000 88BE 00000001 1000 0007 00000006", 16, to => ErspanHeader.WriteTwo(to, s_plain));
    }

    [Fact]
    public void ErspanThree()
    {
        // 17956080001234567 (100 ns) modulo 2^32; P, Ethernet, hardware id 63, D, Gra 1.
        Check("1000 22EB FFFFFFFE 2123 A6A5 AA083687 0000 83FA", 20, to => ErspanHeader.WriteThree(to, s_facts, false));
        Check("1000 22EB 00000001 2000 0007 AA083687 0000 8032", 20, to => ErspanHeader.WriteThree(to, s_plain, false));
    }

    [Fact]
    public void ErspanThreeWithItsPlatformSubheader() => Check(
        "1000 22EB 00000001 2000 0007 075BCD15 0000 8035 1400 0003 6B06CDC0", 28,
        to => ErspanHeader.WriteThree(to, s_plain, true));

    [Fact]
    public void Tzsp() => Check("01 00 0001 01", 5, TzspHeader.Write);

    [Fact]
    public void SourcePortsAreDynamicOnesAndSpread()
    {
        var ports = Enumerable.Range(0, 10_000).Select(i => UdpHeader.SourcePort((uint)i)).ToList();
        Assert.All(ports, p => Assert.InRange(p, 0xC000, 0xFFFF));
        Assert.True(ports.Distinct().Count() > 5_000);
        Assert.Equal(UdpHeader.SourcePort(77), UdpHeader.SourcePort(77));
    }

    [Theory]
    [InlineData(17, 4789, TunnelKind.Vxlan, 0xABCDEFu)]
    [InlineData(17, 6081, TunnelKind.Geneve, 0xABCDEFu)]
    [InlineData(47, 0, TunnelKind.Gre, 4711u)]
    [InlineData(47, 1, TunnelKind.Erspan1, 0u)]
    [InlineData(47, 2, TunnelKind.Erspan2, 0x2A5u)]
    [InlineData(47, 3, TunnelKind.Erspan3, 0x2A5u)]
    [InlineData(47, 4, TunnelKind.Erspan3, 0x2A5u)]
    public void OurDecoderReadsWhatIsWritten(int protocol, int kind, TunnelKind expected, uint id)
    {
        var header = new byte[ErspanHeader.ThreeBytes + ErspanHeader.SubheaderBytes];
        var length = Write(kind, header);
        var inner = new FrameBuilder().Ethernet().Ipv4("10.1.1.1", "10.1.1.2").Udp(1000, 2000).Payload("hello").Build();
        var outer = new FrameBuilder().Ethernet().Ipv4("10.8.0.1", "10.8.0.2");
        var frame = (protocol == 17 ? outer.Udp(50_000, kind) : outer).Raw([.. header[..length], .. inner], ipProtocol: protocol).Build();
        var meta = new FrameMeta { LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = frame.Length };
        FrameDecoder.Decode(frame, meta, out var layout);
        Assert.Equal((expected, id, 1000, 2000), (layout.Tunnel, layout.Vni, layout.SourcePort, layout.DestinationPort));
        Assert.Equal(frame.Length - inner.Length, layout.LinkOffset);
    }

    private static int Write(int kind, Span<byte> header)
    {
        switch (kind)
        {
            case 0:
                GreHeader.WriteKeyed(header, GreHeader.TransparentEthernet, 4711);
                return GreHeader.WithFieldBytes;
            case 1:
                ErspanHeader.WriteOne(header);
                return ErspanHeader.OneBytes;
            case 2:
                ErspanHeader.WriteTwo(header, s_facts);
                return ErspanHeader.TwoBytes;
            case 3 or 4:
                ErspanHeader.WriteThree(header, s_facts, kind == 4);
                return ErspanHeader.ThreeBytes + (kind == 4 ? ErspanHeader.SubheaderBytes : 0);
            case GeneveHeader.Port:
                GeneveHeader.Write(header, 0xABCDEF);
                return GeneveHeader.Bytes;
            default:
                VxlanHeader.Write(header, 0xABCDEF);
                return VxlanHeader.Bytes;
        }
    }

    private delegate void Writer(Span<byte> to);

    // Exactly that many bytes, and not a byte beyond them.
    private static void Check(string expected, int bytes, Writer write)
    {
        var memory = Enumerable.Repeat((byte)0xEE, bytes + 4).ToArray();
        write(memory);
        Assert.Equal(expected.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(memory.AsSpan(0, bytes)));
        Assert.Equal("EEEEEEEE", Convert.ToHexString(memory.AsSpan(bytes)));
        write(memory.AsSpan(0, bytes));
    }
}

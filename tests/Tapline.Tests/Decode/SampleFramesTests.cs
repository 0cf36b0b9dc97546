// Each sample frame: decoded as written beside it, both ways round, at each truncation, at the end of readable memory,
// and by the short path exactly as by the long one.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Decode;

public class SampleFramesTests
{
    public static TheoryData<string> Names => new(SampleFrames.All.Select(sample => sample.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void EachIsDecodedAsWritten(string name)
    {
        var sample = Find(name);
        var layout = Decode(sample.Bytes, sample.LinkType);
        Assert.Equal(sample.Verdict, layout.Verdict);
        Assert.Equal(sample.IpVersion, layout.IpVersion);
        Assert.Equal((sample.Protocol, sample.SourcePort, sample.DestinationPort),
            (layout.IpProtocol, layout.SourcePort, layout.DestinationPort));
        Assert.Equal((sample.Tunnel, sample.Vni, sample.Depth), (layout.Tunnel, layout.Vni, layout.TunnelDepth));
        Assert.Equal(sample.Payload, layout.PayloadLength);
        Assert.Equal(sample.Depth > 0, (layout.Flags & LayoutFlags.Tunnelled) != 0);
        Assert.Equal(LayoutFlags.None, layout.Flags & (LayoutFlags.PayloadCut | LayoutFlags.TunnelBroken));
        ushort[] vlans = [layout.Vlan0, layout.Vlan1, layout.Vlan2, layout.Vlan3];
        Assert.Equal(sample.Vlans, vlans[..layout.VlanCount].Select(tci => tci & 0xFFF));
        if (sample.Protocol == 6 && sample.Verdict == DecodeVerdict.Transport && sample.Payload == 5)
        {
            Assert.Equal("hello"u8.ToArray(), sample.Bytes[layout.PayloadOffset..(layout.PayloadOffset + 5)]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void CutByTheCaptureAtEachByteItSaysSo(string name)
    {
        var sample = Find(name);
        var whole = Decode(sample.Bytes, sample.LinkType);
        foreach (var length in Cuts(sample.Bytes.Length))
        {
            var layout = Decode(sample.Bytes.AsSpan(0, length), sample.LinkType, sample.Bytes.Length);
            Check(layout, length, sample.Bytes.Length);
            Assert.NotEqual(DecodeVerdict.Truncated, layout.Verdict);
            if (whole.Tunnel == TunnelKind.None && length < whole.TransportOffset && whole.IpVersion != 0)
            {
                Assert.Equal(DecodeVerdict.Cut, layout.Verdict);
            }

            if (length >= whole.PayloadOffset && whole.IpVersion != 0 && whole.IpProtocol != IpProtocols.Gre)
            {
                // All headers are there: same answer, and the payload's length is still the packet's own.
                Assert.Equal(whole.Verdict, layout.Verdict);
                Assert.Equal(whole.PayloadLength, layout.PayloadLength);
                var end = whole.NetworkLength == 0
                    ? whole.PayloadOffset + whole.PayloadLength
                    : whole.NetworkOffset + whole.NetworkLength;
                Assert.Equal(length < end, (layout.Flags & LayoutFlags.PayloadCut) != 0);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EndingByItselfAtEachByteItSaysSo(string name)
    {
        var sample = Find(name);
        var whole = Decode(sample.Bytes, sample.LinkType);
        foreach (var length in Cuts(sample.Bytes.Length))
        {
            var layout = Decode(sample.Bytes.AsSpan(0, length), sample.LinkType);
            Check(layout, length, length);
            Assert.NotEqual(DecodeVerdict.Cut, layout.Verdict);
            if (whole.Tunnel == TunnelKind.None && length < whole.TransportOffset && whole.IpVersion != 0)
            {
                Assert.Equal(DecodeVerdict.Truncated, layout.Verdict);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void NoByteBehindTheFrameIsTouched(string name)
    {
        var sample = Find(name);
        using var page = new GuardedPages(sample.Bytes.Length);
        foreach (var length in Cuts(sample.Bytes.Length))
        {
            var frame = page.Place(sample.Bytes.AsSpan(0, length));
            Check(Decode(frame, sample.LinkType, sample.Bytes.Length), length, sample.Bytes.Length);
            Check(Decode(frame, sample.LinkType), length, length);
        }
    }

    [Fact]
    public void TheShortPathAgreesWithTheLongOneOnEveryTruncationAndManyMutations()
    {
        var random = new Random(7);
        var small = SampleFrames.All.Where(sample => sample.Bytes.Length < 4096);
        foreach (var sample in small.Where(sample => sample.LinkType == LinkType.Ethernet))
        {
            for (var round = 0; round < 400; round++)
            {
                var bytes = (byte[])sample.Bytes.Clone();
                for (var flips = random.Next(4); flips > 0; flips--)
                {
                    bytes[random.Next(Math.Min(bytes.Length, 80))] = (byte)random.Next(256);
                }

                var length = round % 3 == 0 ? random.Next(bytes.Length + 1) : bytes.Length;
                var meta = Meta(length, LinkType.Ethernet, round % 2 == 0 ? bytes.Length : length);
                FrameDecoder.Decode(bytes.AsSpan(0, length), in meta, out var quick);
                FrameDecoder.DecodeAny(bytes.AsSpan(0, length), in meta, out var thorough);
                Assert.True(LayoutInvariants.Same(quick, thorough), $"{sample.Name}: {Convert.ToHexString(bytes, 0, length)}");
            }
        }
    }

    [Fact]
    public void EveryVerdictIsReachable()
    {
        var seen = new HashSet<DecodeVerdict>();
        foreach (var sample in SampleFrames.All)
        {
            seen.Add(Decode(sample.Bytes, sample.LinkType).Verdict);
        }

        var web = SampleFrames.All[0].Bytes;
        seen.Add(Decode(web.AsSpan(0, 40), LinkType.Ethernet, web.Length).Verdict);
        seen.Add(Decode(web.AsSpan(0, 40), LinkType.Ethernet).Verdict);
        seen.Add(Decode([.. web[..14], 0x44, .. web[15..]], LinkType.Ethernet).Verdict);
        seen.Add(Decode([.. web[..14], 0x55, .. web[15..]], LinkType.Ethernet).Verdict);
        var deep = new FrameBuilder().Ethernet();
        for (var i = 0; i < 12; i++)
        {
            deep = deep.Ipv4();
        }

        seen.Add(Decode(deep.Tcp(1, 2).Build(), LinkType.Ethernet).Verdict);
        Assert.Equal(Enum.GetValues<DecodeVerdict>().Order(), seen.Order());
    }

    [Fact]
    public void DecodingAllocatesNothing()
    {
        var frames = SampleFrames.All.Where(sample => sample.Bytes.Length < 4096).ToArray();
        void Run(int rounds)
        {
            for (var i = 0; i < rounds; i++)
            {
                var sample = frames[i % frames.Length];
                var meta = Meta(sample.Bytes.Length, sample.LinkType, sample.Bytes.Length);
                FrameDecoder.Decode(sample.Bytes, in meta, out _);
            }
        }

        Run(1000);
        Assert.Equal(0, Allocations.LeastOf(() => Run(100_000)));
    }

    private static IEnumerable<int> Cuts(int length) =>
        Enumerable.Range(0, Math.Min(length, 400) + 1).Append(length);

    private static SampleFrame Find(string name) => SampleFrames.All.Single(sample => sample.Name == name);

    private static FrameMeta Meta(int captured, LinkType linkType, int original) =>
        new() { CapturedLength = captured, OriginalLength = original, LinkType = linkType };

    private static FrameLayout Decode(ReadOnlySpan<byte> frame, LinkType linkType, int original = 0)
    {
        var meta = Meta(frame.Length, linkType, Math.Max(original, frame.Length));
        FrameDecoder.Decode(frame, in meta, out var layout);
        return layout;
    }

    private static void Check(in FrameLayout layout, int captured, int original)
    {
        var violated = LayoutInvariants.Violated(layout, captured, original);
        Assert.True(violated is null, $"{violated}: {layout.Verdict} {layout.Flags}, {captured} of {original} bytes");
    }
}

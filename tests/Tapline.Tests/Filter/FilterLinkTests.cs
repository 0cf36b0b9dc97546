// Link types other than Ethernet: the corpus's frames in other clothes, judged as libpcap judges them.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Filter;
using Tapline.Tests.Filter.Witness;
using Xunit;

namespace Tapline.Tests.Filter;

public sealed class FilterLinkTests : IClassFixture<FrameCorpus>
{
    private const int FrameStep = 23;
    private readonly FrameCorpus _corpus;

    public FilterLinkTests(FrameCorpus corpus) => _corpus = corpus;

    // Bytes before the network header, and where in them the type of the payload stands; below 0 = nowhere.
    public static TheoryData<LinkType, int, int> Links => new()
    {
        { LinkType.Raw, 0, -1 }, { LinkType.Ipv4, 0, -1 }, { LinkType.Ipv6, 0, -1 }, { LinkType.LinuxSll, 16, 14 },
        { LinkType.LinuxSll2, 20, 0 }, { LinkType.Ppp, 4, 2 }, { LinkType.PppHdlc, 4, 2 }, { LinkType.PppEther, 8, 6 },
        { LinkType.Loop, 4, 2 },
    };

    [Theory]
    [MemberData(nameof(Links))]
    public void OtherLinkTypesAreJudgedAsLibpcapJudgesThem(LinkType linkType, int headerBytes, int typeAt)
    {
        _corpus.NeedsAll();
        var frames = Frames(linkType, headerBytes, typeAt);
        Assert.True(frames.Count > 500, $"only {frames.Count} frames");
        var compared = 0;
        foreach (var expression in Expressions.ByHand)
        {
            // libpcap knows one number for IPv6 on a dead handle, three in a file.
            if (linkType == LinkType.Loop && (expression.Contains('6') || expression.Contains(':')
                || expression.Contains("port", StringComparison.Ordinal) || expression.Contains("geneve", StringComparison.Ordinal)))
            {
                continue;
            }

            var filter = CompiledFilter.Compile(expression, linkType, out _);
            var witness = PcapWitness.Compile(expression, linkType, optimise: true, out var reason);
            if (witness is null)
            {
                Assert.True(
                    filter is null || reason!.Contains("rejects all", StringComparison.Ordinal),
                    $"{expression}: libpcap says {reason}, we take it");
                continue;
            }

            Assert.Equal("", Differing(frames, linkType, expression, filter, witness));
            compared++;
        }

        Assert.True(compared > 50, $"only {compared} expressions made sense");
    }

    [Fact]
    public void LoopbackFramesAreToldInEitherByteOrder()
    {
        var filter = CompiledFilter.Compile("tcp port 80", LinkType.Null, out var error);
        Assert.True(filter is not null, error);
        byte[] ipv4 = [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 2, .. new byte[16]];
        byte[] ipv6 = [0x60, 0, 0, 0, 0, 20, 6, 64, .. new byte[32], 1, 2, 0, 80, .. new byte[16]];
        foreach (var (family, packet) in (ReadOnlySpan<(byte, byte[])>)[(2, ipv4), (24, ipv6), (28, ipv6), (30, ipv6)])
        {
            Assert.True(Matches(filter, LinkType.Null, [family, 0, 0, 0, .. packet]), $"{family}, little-endian");
            Assert.True(Matches(filter, LinkType.Null, [0, 0, 0, family, .. packet]), $"{family}, big-endian");
            Assert.False(Matches(filter, LinkType.Null, [0, family, 0, 0, .. packet]));
        }
    }

    private static string Differing(
        List<byte[]> frames, LinkType linkType, string expression, CompiledFilter? filter, sock_filter[] witness)
    {
        foreach (var frame in frames)
        {
            var expected = PcapWitness.RunUnchecked(witness, frame, (uint)frame.Length) != 0;
            if ((filter is not null && Matches(filter, linkType, frame)) != expected)
            {
                return $"{expression}: libpcap {expected} for {Convert.ToHexString(frame.AsSpan(0, Math.Min(frame.Length, 60)))}";
            }
        }

        return "";
    }

    private static bool Matches(CompiledFilter filter, LinkType linkType, byte[] frame)
    {
        var meta = new FrameMeta { LinkType = linkType, CapturedLength = frame.Length, OriginalLength = frame.Length };
        return filter.Matches(meta, default, frame);
    }

    private List<byte[]> Frames(LinkType linkType, int headerBytes, int typeAt)
    {
        var frames = new List<byte[]>();
        for (var i = 0; i < _corpus.Count; i++)
        {
            var frame = _corpus.Frame(i, out _);
            var type = frame.Length < 14 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
            var isWanted = linkType switch
            {
                LinkType.Raw => type is 0x800 or 0x86dd,
                LinkType.Ipv4 => type == 0x800,
                LinkType.Ipv6 => type == 0x86dd,
                _ => type != 0,
            };
            if (!isWanted || (i % FrameStep != 0 && frame.Length > 60 && type == 0x800))
            {
                continue;
            }

            byte[] dressed = [.. new byte[headerBytes], .. frame[14..]];
            if (typeAt >= 0)
            {
                BinaryPrimitives.WriteUInt16BigEndian(dressed.AsSpan(typeAt), TypeNumber(linkType, type));
            }

            frames.Add(dressed);
        }

        return frames;
    }

    private static ushort TypeNumber(LinkType linkType, ushort type) => (linkType, type) switch
    {
        (LinkType.Loop, 0x800) => 2,
        (LinkType.Ppp or LinkType.PppHdlc or LinkType.PppEther, 0x800) => 0x21,
        (LinkType.Ppp or LinkType.PppHdlc or LinkType.PppEther, 0x86dd) => 0x57,
        (LinkType.Ppp, 0x8847) => 0x281,
        (LinkType.LinuxSll, <= 1500) => 4,
        _ => type,
    };
}

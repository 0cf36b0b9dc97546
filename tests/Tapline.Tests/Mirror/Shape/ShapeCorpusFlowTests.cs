// Samples and slices over the corpus: a sample of flows keeps or leaves whole conversations by tshark's account of them;
// a slice behind a header is that header to its last byte and not one byte more.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeCorpusFlowTests
{
    [Fact]
    public void ASampleOfFlowsKeepsThemWhole()
    {
        // Tenants with equal addresses are one conversation to tshark. Fragments count by their addresses alone.
        var frames = ShapeCorpus.Frames.Where(frame => frame.Meta.CapturedLength == frame.Meta.OriginalLength
            && (frame.Layout.Flags & (LayoutFlags.Tunnelled | LayoutFlags.IsFragment)) == 0).ToList();
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "all.pcap");
        ShapeCorpus.Write(path, frames.Select(frame => (frame.Meta, frame.Bytes)));
        var streams = Tshark.Fields(path, ["tcp.stream", "udp.stream"], Tshark.HeaderProtocols);
        var taken = ShapeCorpus.Shape("sample=flow:1/4", frames).Select(shaped => shaped.Frame).ToHashSet();
        Assert.Equal(frames.Count, streams.Count);
        var byStream = frames.Zip(streams).Where(pair => string.Concat(pair.Second).Length > 0)
            .GroupBy(pair => string.Join('/', pair.Second)).ToList();
        Assert.All(byStream, stream => Assert.Single(stream.Select(pair => taken.Contains(pair.First)).Distinct()));
        var share = byStream.Count(stream => taken.Contains(stream.First().First)) / (double)byStream.Count;
        Assert.InRange(share, 0.20, 0.30);
    }

    [Theory]
    [InlineData("slice=l2")]
    [InlineData("slice=l3")]
    [InlineData("slice=l4")]
    [InlineData("slice=l4+20")]
    [InlineData("slice=64")]
    public void ASliceEndsBehindItsHeader(string shape)
    {
        var shaped = ShapeCorpus.Shape(shape, ShapeCorpus.Frames);
        Assert.True(shaped.Count > 70_000);
        foreach (var (frame, copy) in shaped)
        {
            Assert.True(frame.Bytes.AsSpan().StartsWith(copy), frame.ToString());
            var layout = frame.Layout;
            int? expected = shape switch
            {
                "slice=64" => 64,
                "slice=l4" when layout.Verdict == DecodeVerdict.Transport && layout.IpProtocol is 6 or 17 => layout.PayloadOffset,
                "slice=l4+20" when layout.Verdict == DecodeVerdict.Transport && layout.IpProtocol is 6 or 17 =>
                    layout.PayloadOffset + 20,
                "slice=l3" when layout.Verdict == DecodeVerdict.Transport => layout.TransportOffset,
                "slice=l2" when layout is { VlanCount: 0, Tunnel: TunnelKind.None, IpVersion: not 0 } => layout.NetworkOffset,
                _ => null,
            };
            if (expected is { } bytes && layout.EtherType is EtherTypes.Ipv4 or EtherTypes.Ipv6)
            {
                Assert.True(copy.Length == Math.Min(bytes, frame.Bytes.Length), $"{frame}: {copy.Length}, not {bytes}");
            }
        }
    }
}

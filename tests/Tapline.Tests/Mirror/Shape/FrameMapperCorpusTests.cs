// The map finds the packet that the decoder finds, by itself, on every frame of the corpus; where it goes deeper, it is
// because the decoder gave a broken inside up.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Shape;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class FrameMapperCorpusTests
{
    [Fact]
    public void TheMapLeadsToTheDecodersPacket()
    {
        var map = new FrameMap();
        var differences = new List<string>();
        foreach (var frame in ShapeCorpus.Frames)
        {
            Compare(frame.Bytes, frame.Meta, frame.Layout, map, frame.ToString(), differences);
        }

        ShapeCorpus.NoneOf(differences);
    }

    [Fact]
    public void TheMapLeadsToTheDecodersPacketInEachSample()
    {
        var map = new FrameMap();
        var differences = new List<string>();
        foreach (var sample in SampleFrames.All.Where(s => s.LinkType == LinkType.Ethernet))
        {
            var meta = new FrameMeta
            {
                CapturedLength = sample.Bytes.Length, OriginalLength = sample.Bytes.Length, LinkType = LinkType.Ethernet,
            };
            var frame = new CorpusFrame("samples", meta, sample.Bytes);
            Compare(frame.Bytes, frame.Meta, frame.Layout, map, sample.Name, differences);
        }

        ShapeCorpus.NoneOf(differences);
    }

    // Without the decoder's answer the map cannot lean on it.
    private static void Compare(
        byte[] bytes, in FrameMeta meta, in FrameLayout layout, FrameMap map, string name, List<string> differences)
    {
        FrameMapper.Fill(bytes, meta, default, map);
        var expected = layout.IpVersion != 0 ? layout.NetworkOffset
            : layout.OuterIpVersion != 0 ? layout.OuterNetworkOffset : -1;
        if (map.Innermost != expected)
        {
            differences.Add($"{name}: packet at {map.Innermost}, decoder {expected} ({layout.Verdict} {layout.Flags})");
        }
    }
}

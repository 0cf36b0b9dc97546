// Tunnel identifiers, VLAN stacks and IP fragments of the corpus, frame by frame counted, against tshark's
// tunnel_ids.tsv and fragments.tsv. Differences that remain are listed with their reasons.
using System.Globalization;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Decode;

public class CorpusTunnelTests
{
    /// <summary>file:field:values → our frames and why they are not tshark's.</summary>
    private static readonly Dictionary<string, (long Ours, string Reason)> s_expected = new()
    {
        ["malformed/mpls-6in6-broken.pcap:mpls.label:761990"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["malformed/mpls-6in6-broken.pcap:mpls.label:16452"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["malformed/mpls-6in6-broken.pcap:mpls.label:2180"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["malformed/mpls-6in6-broken.pcap:mpls.label:1048500"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["malformed/mpls-6in6-broken.pcap:mpls.label:308404"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["malformed/mpls-6in6-broken.pcap:mpls.label:4"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["malformed/mpls-6in6-broken.pcap:mpls.label:1204"] = (0,
            "stacks of more than sixteen labels are not followed (verdict TooDeep)"),
        ["tunnels/gre-erspan-vxlan.pcap:erspan.spanid:20"] = (0,
            "the layout names the innermost tunnel (VXLAN), ERSPAN lies around it"),
        ["tunnels/gtp-pdp-context.pcapng:gtp.teid:0"] = (0,
            "GTP control messages: no tunnel"),
        ["tunnels/gtp-pdp-context.pcapng:gtp.teid:1"] = (0,
            "GTP control messages: no tunnel"),
        ["tunnels/gtp-pdp-context.pcapng:gtp.teid:854600697"] = (0,
            "GTP control messages: no tunnel"),
        ["tunnels/gtp-u-fragmented.pcap:gtp.teid:45751"] = (45,
            "first fragments of the carrier are decoded at once, tshark decodes complete datagrams only"),
        ["tunnels/various_gre.pcap:gre.key:40"] = (20,
            "GRE with nothing inside that is decoded (keepalives, CDP) is a flow of its own"),
    };

    [Fact]
    public void TunnelAndVlanIdentifiersAreThoseOfTshark()
    {
        var root = Corpus.Root();
        string[] fields =
            ["vlan.id", "ieee8021ad.id", "vxlan.vni", "geneve.vni", "gtp.teid", "gre.key", "erspan.spanid", "mpls.label"];
        var differences = new List<string>();
        var used = new HashSet<string>();
        var truth = Corpus.Truth("tunnel_ids.tsv").Where(row => fields.Contains(row["field"]));
        foreach (var file in truth.GroupBy(row => row["file"]))
        {
            var ours = Identifiers(Path.Combine(root, file.Key));
            var theirs = new Dictionary<(string Name, string Value), long>();
            foreach (var row in file)
            {
                var values = row["values_outer_to_inner"].Split('|').Select(Number).ToArray();
                var isVlan = row["field"] is "vlan.id" or "ieee8021ad.id";
                var id = isVlan ? ("vlan", string.Join('|', values.Take(Limits.VlanTagsMax))) : (row["field"], Text(values[^1]));
                theirs[id] = theirs.GetValueOrDefault(id) + long.Parse(row["frames"], CultureInfo.InvariantCulture);
            }

            foreach (var (id, frames) in theirs)
            {
                var key = $"{file.Key}:{id.Name}:{id.Value}";
                var count = ours.GetValueOrDefault(id);
                if (count == frames)
                {
                    continue;
                }

                if (s_expected.TryGetValue(key, out var known) && known.Ours == count)
                {
                    used.Add(key);
                }
                else
                {
                    differences.Add($"{key}: ours {count}, tshark {frames}");
                }
            }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.Equal(s_expected.Keys.Order(), used.Order());
    }

    [Fact]
    public void FragmentsAreThoseOfTshark()
    {
        var root = Corpus.Root();
        var rows = 0;
        foreach (var file in Corpus.Truth("fragments.tsv").GroupBy(row => row["file"]))
        {
            var layouts = Layouts(Path.Combine(root, file.Key)).ToArray();
            var theirs = file.ToDictionary(row => int.Parse(row["frame"], CultureInfo.InvariantCulture));
            for (var frame = 1; frame <= layouts.Length; frame++)
            {
                var layout = layouts[frame - 1];
                var isOurs = (layout.Flags & (LayoutFlags.IsFragment | LayoutFlags.OuterFragment)) != 0;
                if (!theirs.TryGetValue(frame, out var row))
                {
                    Assert.False(isOurs, $"{file.Key} frame {frame} is no fragment for tshark");
                    continue;
                }

                rows++;
                var offset = long.Parse(row["offset"].Split('|')[0], CultureInfo.InvariantCulture) * 8;
                if ((layout.Flags & LayoutFlags.OuterFragment) != 0)
                {
                    Assert.Equal(0, offset);
                    continue;
                }

                if (layout.IpVersion == 0)
                {
                    // Frames whose IP header contradicts itself: no addresses, no fragment.
                    Assert.Equal("malformed/mpls-6in6-broken.pcap", file.Key);
                    continue;
                }

                Assert.True(isOurs, $"{file.Key} frame {frame}");
                Assert.Equal(Number(row["id"].Split('|')[0]), layout.FragmentId);
                Assert.Equal(offset, layout.FragmentOffset);
                Assert.Equal(row["more"].Split('|')[0] == "1", (layout.Flags & LayoutFlags.MoreFragments) != 0);
            }
        }

        Assert.True(rows > 150);
    }

    private static Dictionary<(string, string), long> Identifiers(string path)
    {
        var counts = new Dictionary<(string, string), long>();
        foreach (var layout in Layouts(path))
        {
            ushort[] tags = [layout.Vlan0, layout.Vlan1, layout.Vlan2, layout.Vlan3];
            Count("vlan", string.Join('|', tags.Take(layout.VlanCount).Select(tag => tag & 0xFFF)));
            var field = layout.Tunnel switch
            {
                TunnelKind.Vxlan or TunnelKind.VxlanGpe => "vxlan.vni",
                TunnelKind.Geneve => "geneve.vni",
                TunnelKind.Gtpu => "gtp.teid",
                TunnelKind.Gre => "gre.key",
                TunnelKind.Erspan2 or TunnelKind.Erspan3 => "erspan.spanid",
                TunnelKind.Mpls => "mpls.label",
                _ => "",
            };
            Count(field, Text(layout.Vni));
        }

        return counts;

        void Count(string name, string value) => counts[(name, value)] = counts.GetValueOrDefault((name, value)) + 1;
    }

    private static List<FrameLayout> Layouts(string path)
    {
        var layouts = new List<FrameLayout>();
        using var source = CaptureFileSource.Open(path, 0, out _);
        var batch = new FrameBatch();
        while (source is not null && source.Lease(batch, -1) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                FrameDecoder.Decode(batch.Bytes(i), in batch.Meta(i), out var layout);
                layouts.Add(layout);
            }

            source.Release(batch);
        }

        return layouts;
    }

    private static long Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? Convert.ToInt64(text, 16)
        : long.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

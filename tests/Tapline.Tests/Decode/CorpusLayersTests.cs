// Every frame of the corpus decoded, and the layers found counted by file, against tshark's protocol stacks
// (stacks.tsv), tunnel identifiers and fragments. What a later layer quotes (ICMP errors) is left out on both sides.
using System.Globalization;
using System.Text;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Decode;

public class CorpusLayersTests
{
    private static readonly string[] s_layers =
    [
        "vlan", "mpls", "arp", "ip", "ipv6", "tcp", "udp", "udplite", "icmp", "icmpv6", "sctp", "igmp", "esp",
        "ah", "gre", "vxlan", "geneve", "erspan", "gtp", "llc",
    ];

    /// <summary>file:layer → our count less tshark's, and why.</summary>
    private static readonly Dictionary<string, (long Difference, string Reason)> s_expected = new()
    {
        ["formats/solaris.snoop:arp"] = (-41,
            "snoop is not read"),
        ["formats/solaris.snoop:ip"] = (-71,
            "snoop is not read"),
        ["formats/solaris.snoop:tcp"] = (-15,
            "snoop is not read"),
        ["formats/solaris.snoop:udp"] = (-55,
            "snoop is not read"),
        ["formats/solaris.snoop:llc"] = (-97,
            "snoop is not read"),
        ["fragments/fragments-never-complete.pcap:tcp"] = (1,
            "a first fragment is decoded at once; tshark waits for a datagram that never completes"),
        ["fragments/ip4_fragments.pcap:udp"] = (3,
            "first fragments are decoded at once; tshark decodes complete datagrams only"),
        ["malformed/ip4-trunc.pcap:ip"] = (-1,
            "the IP header itself is cut: no addresses"),
        ["malformed/mpls-6in6-broken.pcap:ip"] = (-35,
            "IP headers with length fields that contradict themselves or another version: no addresses"),
        ["tunnels/gre-erspan-vxlan.pcap:gre"] = (-7,
            "the layout names the innermost tunnel (VXLAN) only; GRE and ERSPAN lie around it"),
        ["tunnels/gre-erspan-vxlan.pcap:erspan"] = (-7,
            "as above"),
        ["tunnels/gtp-pdp-context.pcapng:icmp"] = (-2,
            "inside GTP version 0 (port 3386), which is not GTP-U"),
        ["tunnels/gtp-pdp-context.pcapng:gtp"] = (-6,
            "GTP control messages (port 2123): no tunnel"),
        ["tunnels/gtp-u-fragmented.pcap:tcp"] = (4,
            "first fragments of the carrier are decoded at once, tshark decodes complete datagrams only"),
        ["tunnels/gtp-u-fragmented.pcap:udp"] = (4,
            "as above"),
        ["tunnels/gtp-u-fragmented.pcap:gtp"] = (4,
            "as above"),
        ["tunnels/teredo.pcap:ipv6"] = (-4,
            "Teredo is left as the UDP flow it is"),
        ["tunnels/teredo.pcap:icmpv6"] = (-3,
            "as above"),
    };

    [Fact]
    public void TheLayersOfEveryCaptureAreThoseOfTshark()
    {
        var root = Corpus.Root();
        var theirs = Theirs();
        var differences = new List<string>();
        var used = new HashSet<string>();
        foreach (var (file, expected) in theirs)
        {
            var ours = Ours(Path.Combine(root, file));
            foreach (var layer in s_layers)
            {
                var difference = ours.GetValueOrDefault(layer) - expected.GetValueOrDefault(layer);
                if (difference == 0)
                {
                    continue;
                }

                var key = $"{file}:{layer}";
                if (s_expected.TryGetValue(key, out var known) && known.Difference == difference)
                {
                    used.Add(key);
                }
                else
                {
                    differences.Add($"{key}: ours {ours.GetValueOrDefault(layer)}, tshark {expected.GetValueOrDefault(layer)}");
                }
            }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.Equal(s_expected.Keys.Order(), used.Order());
        Assert.True(theirs.Count > 100);
    }

    private static Dictionary<string, Dictionary<string, long>> Theirs()
    {
        var files = new Dictionary<string, Dictionary<string, long>>();
        foreach (var row in Corpus.Truth("stacks.tsv"))
        {
            if (!files.TryGetValue(row["file"], out var counts))
            {
                files[row["file"]] = counts = [];
            }

            var seen = new HashSet<string>();
            foreach (var name in row["frame_protocols"].Split(':'))
            {
                seen.Add(name == "ieee8021ad" ? "vlan" : name);
                if (name is "icmp" or "icmpv6")
                {
                    break;
                }
            }

            var frames = long.Parse(row["frames"], CultureInfo.InvariantCulture);
            foreach (var name in seen)
            {
                counts[name] = counts.GetValueOrDefault(name) + frames;
            }
        }

        return files;
    }

    private static Dictionary<string, long> Ours(string path)
    {
        var counts = new Dictionary<string, long>();
        using var source = CaptureFileSource.Open(path, 0, out _);
        var batch = new FrameBatch();
        while (source is not null && source.Lease(batch, -1) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                FrameDecoder.Decode(batch.Bytes(i), in batch.Meta(i), out var layout);
                foreach (var layer in Layers(layout))
                {
                    counts[layer] = counts.GetValueOrDefault(layer) + 1;
                }
            }

            source.Release(batch);
        }

        return counts;
    }

    private static HashSet<string> Layers(FrameLayout layout)
    {
        var found = new HashSet<string>();
        void When(bool condition, params string[] names) => found.UnionWith(condition ? names : []);
        When(layout.VlanCount > 0, "vlan");
        When(layout.IpVersion == 0 && layout.EtherType == EtherTypes.Arp, "arp");
        When((layout.Flags & LayoutFlags.Llc) != 0, "llc");
        When(layout.IpVersion == 4 || layout.OuterIpVersion == 4, "ip");
        When(layout.IpVersion == 6 || layout.OuterIpVersion == 6, "ipv6");
        When(layout.EtherType is EtherTypes.Mpls || layout.Tunnel == TunnelKind.Mpls, "mpls");
        var name = layout.IpProtocol switch
        {
            1 => "icmp", 2 => "igmp", 6 => "tcp", 17 => "udp", 47 => "gre", 50 => "esp", 51 => "ah", 58 => "icmpv6",
            132 => "sctp", 136 => "udplite", _ => "",
        };
        When(layout.IpVersion != 0 && layout.FragmentOffset == 0, name);
        When(layout.Tunnel is TunnelKind.Vxlan or TunnelKind.VxlanGpe, "udp", "vxlan");
        When(layout.Tunnel is TunnelKind.Geneve, "udp", "geneve");
        When(layout.Tunnel is TunnelKind.Gtpu, "udp", "gtp");
        When(layout.Tunnel is TunnelKind.Gre or TunnelKind.Nvgre, "gre");
        When(layout.Tunnel is TunnelKind.Erspan1 or TunnelKind.Erspan2 or TunnelKind.Erspan3, "gre", "erspan");
        return found;
    }
}

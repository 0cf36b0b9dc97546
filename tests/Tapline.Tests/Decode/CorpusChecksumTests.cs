// Checksums of every frame of the corpus, by file and layer, against tshark's (checksums.tsv). Compared are the
// numbers of right and of wrong ones; differences that remain are listed with their reasons.
using System.Globalization;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Decode;

public class CorpusChecksumTests
{
    /// <summary>file:layer → our "good/bad" and why it is not tshark's.</summary>
    private static readonly Dictionary<string, (string Ours, string Reason)> s_expected = new()
    {
        ["dns/dns-edns-ecs.pcap:udp"] = ("53/19",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["flows/icmp-destunreach-udp.pcap:ip"] = ("1/0",
            "tshark also counts packets quoted in ICMP errors"),
        ["flows/tcpreplay-test.pcap:ip"] = ("163/3",
            "tshark also counts packets quoted in ICMP errors"),
        ["formats/solaris.snoop:ip"] = ("0/0",
            "snoop is not read"),
        ["formats/solaris.snoop:tcp"] = ("0/0",
            "snoop is not read"),
        ["formats/solaris.snoop:udp"] = ("0/0",
            "snoop is not read"),
        ["fragments/frag_with_padding.pcap:udp"] = ("0/0",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["fragments/fragmented-http-request.pcap:tcp"] = ("2/0",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["fragments/fragmented-syn.pcap:tcp"] = ("0/0",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["fragments/ip4_fragments.pcap:udp"] = ("3/0",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["fragments/ip6_fragments.pcap:udp"] = ("0/0",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["fragments/ipv6-fragmented-dns.pcap:udp"] = ("4/0",
            "one fragment cannot be verified; tshark verifies the whole datagram"),
        ["mail/smtp.pcap:ip"] = ("125/0",
            "tshark also counts packets quoted in ICMP errors"),
        ["mail/smtp.pcap:tcp"] = ("118/0",
            "tshark also counts packets quoted in ICMP errors"),
        ["tls/latest.pcapng:ip"] = ("207/0",
            "tshark also counts packets quoted in ICMP errors"),
        ["tls/latest.pcapng:tcp"] = ("137/0",
            "tshark also counts packets quoted in ICMP errors"),
        ["tunnels/4in4.pcap:ip"] = ("1/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/6in4.pcap:ip"] = ("0/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/erspan-type-i.pcap:ip"] = ("112/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/erspan-type-ii.pcap:ip"] = ("0/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/erspan-type-iii.pcap:ip"] = ("9/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/geneve.pcap:ip"] = ("39/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/gre-erspan-vxlan.pcap:ip"] = ("7/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/gre-erspan-vxlan.pcap:udp"] = ("0/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/gtp-pdp-context.pcapng:ip"] = ("14/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/gtp-pdp-context.pcapng:icmp"] = ("0/0",
            "inside GTP version 0, which is not GTP-U"),
        ["tunnels/gtp-u-fragmented.pcap:ip"] = ("108/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/gtp-u-fragmented.pcap:tcp"] = ("32/0",
            "a packet inside a fragmented carrier cannot be verified; tshark verifies it whole"),
        ["tunnels/gtp-u-fragmented.pcap:udp"] = ("0/0",
            "a packet inside a fragmented carrier cannot be verified; tshark verifies it whole"),
        ["tunnels/teredo.pcap:icmpv6"] = ("0/0",
            "Teredo is left as the UDP flow it is"),
        ["tunnels/various_gre.pcap:ip"] = ("30/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/vxlan-http.pcap:ip"] = ("12/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/vxlan-http.pcap:udp"] = ("0/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/vxlan-overlapping-tenants.pcap:ip"] = ("42/0",
            "the innermost packet's is verified, the carrier's is not"),
        ["tunnels/vxlan-overlapping-tenants.pcap:udp"] = ("0/0",
            "the innermost packet's is verified, the carrier's is not"),
    };

    [Fact]
    public void GoodAndBadChecksumsAreThoseOfTshark()
    {
        var root = Corpus.Root();
        var differences = new List<string>();
        var used = new HashSet<string>();
        var rows = 0;
        foreach (var file in Corpus.Truth("checksums.tsv").GroupBy(row => row["file"]))
        {
            var counts = Ours(Path.Combine(root, file.Key));
            foreach (var row in file)
            {
                rows++;
                var good = counts.GetValueOrDefault((row["layer"], ChecksumState.Good));
                var bad = counts.GetValueOrDefault((row["layer"], ChecksumState.Bad));
                var ours = string.Create(CultureInfo.InvariantCulture, $"{good}/{bad}");
                var theirs = $"{row["good"]}/{row["bad"]}";
                var key = $"{file.Key}:{row["layer"]}";
                if (ours == theirs)
                {
                    continue;
                }

                if (s_expected.TryGetValue(key, out var known) && known.Ours == ours)
                {
                    used.Add(key);
                }
                else
                {
                    differences.Add($"{key}: ours {ours}, tshark {theirs}");
                }
            }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.Equal(s_expected.Keys.Order(), used.Order());
        Assert.True(rows > 300);
    }

    [Fact]
    public void CompletingWhatIsRightChangesNothing()
    {
        var root = Corpus.Root();
        var completed = 0;
        foreach (var row in Corpus.Truth("files.tsv"))
        {
            Walk(Path.Combine(root, row["file"]), (frame, layout) =>
            {
                if (PacketChecksum.VerifyTransport(frame, layout) == ChecksumState.Good
                    && PacketChecksum.VerifyIpv4Header(frame, layout) != ChecksumState.Bad)
                {
                    var copy = frame.ToArray();
                    Assert.True(PacketChecksum.Complete(copy, layout));
                    Assert.True(frame.SequenceEqual(copy), $"{row["file"]} differs");
                    completed++;
                }
            });
        }

        Assert.True(completed > 10_000);
    }

    private delegate void Visit(ReadOnlySpan<byte> frame, FrameLayout layout);

    private static void Walk(string path, Visit visit)
    {
        using var source = CaptureFileSource.Open(path, 0, out _);
        var batch = new FrameBatch();
        while (source is not null && source.Lease(batch, -1) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                FrameDecoder.Decode(batch.Bytes(i), in batch.Meta(i), out var layout);
                visit(batch.Bytes(i), layout);
            }

            source.Release(batch);
        }
    }

    private static Dictionary<(string, ChecksumState), long> Ours(string path)
    {
        var counts = new Dictionary<(string, ChecksumState), long>();
        void Count(string layer, ChecksumState state) =>
            counts[(layer, state)] = counts.GetValueOrDefault((layer, state)) + 1;
        Walk(path, (frame, layout) =>
        {
            if (layout.IpVersion == 4)
            {
                Count("ip", PacketChecksum.VerifyIpv4Header(frame, layout));
            }

            var layer = layout.IpProtocol switch { 6 => "tcp", 17 => "udp", 1 => "icmp", 58 => "icmpv6", _ => "" };
            if (layout.IpVersion != 0 && layer.Length > 0)
            {
                Count(layer, PacketChecksum.VerifyTransport(frame, layout));
            }
        });
        return counts;
    }
}

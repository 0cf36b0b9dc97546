// What is left after headers were taken off is, for tshark, the inside that it saw in the whole frame before: the
// innermost layers and the values in them, on every frame of the corpus.
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeCorpusStripTests
{
    private const int Protocols = 0;
    private const int Fragment = 1;

    private static readonly string[] s_fields =
    [
        "frame.protocols", "ip.flags.mf", "ip.src", "ip.dst", "ip.id", "ip.ttl", "ip.len", "ip.checksum.status", "ipv6.src", "ipv6.dst",
        "ipv6.plen", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len",
        "tcp.checksum.status", "udp.srcport", "udp.dstport", "udp.length", "udp.checksum.status", "arp.src.proto_ipv4",
        "arp.dst.proto_ipv4", "icmp.type", "icmp.checksum.status",
    ];

    [Theory]
    [InlineData("strip=vlan", "vlan ieee8021ad")]
    [InlineData("strip=mpls", "mpls")]
    [InlineData("strip=vxlan", "vxlan")]
    [InlineData("strip=geneve", "geneve")]
    [InlineData("strip=gre", "gre")]
    [InlineData("strip=gre,erspan", "gre erspan")]
    [InlineData("strip=ipip", "ipip")]
    [InlineData("strip=gtpu", "gtp")]
    [InlineData("strip=tunnels,mpls,vlan", "vlan ieee8021ad mpls vxlan geneve gre erspan gtp ipip")]
    public void WhatIsLeftIsTheInside(string shape, string gone)
    {
        var shaped = ShapeCorpus.Shape(shape, ShapeCorpus.Frames);
        var (before, after) = ShapeCorpus.Witness(
            shaped, s_fields, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE");
        var differences = new List<string>();
        var stripped = 0;
        for (var i = 0; i < shaped.Count; i++)
        {
            var isStripped = !shaped[i].Frame.Bytes.AsSpan().SequenceEqual(shaped[i].Copy);
            stripped += isStripped ? 1 : 0;
            var layers = Layers(before[i][Protocols]);
            var left = Layers(after[i][Protocols]);
            if (!layers.EndsWith(left, StringComparison.Ordinal))
            {
                differences.Add($"{shaped[i].Frame}: {before[i][Protocols]} -> {after[i][Protocols]}");
                continue;
            }

            for (var field = 1; field < s_fields.Length; field++)
            {
                if (!$"|{before[i][field]}".EndsWith($"|{after[i][field]}", StringComparison.Ordinal) && after[i][field].Length > 0)
                {
                    differences.Add($"{shaped[i].Frame}: {s_fields[field]} {before[i][field]} -> {after[i][field]}");
                }
            }

            if (IsLeft(left, gone.Split(' ')) && !before[i][Fragment].Contains("True", StringComparison.Ordinal)
                && !before[i][Fragment].Contains('1', StringComparison.Ordinal)
                && !shaped[i].Frame.File.StartsWith("malformed", StringComparison.Ordinal))
            {
                differences.Add($"{shaped[i].Frame}: not stripped {before[i][Protocols]} -> {after[i][Protocols]}");
            }
        }

        ShapeCorpus.NoneOf(differences);
        Assert.True(stripped > 0, "no frame was stripped");
    }

    // The link header's own names say nothing of what it carries.
    private static string Layers(string protocols) => string.Concat(protocols.Split(':').Where(name =>
        name is not ("eth" or "ethertype" or "frame" or "data")).Select(name => $":{name}"));

    // Headers go from the outside in, as long as each next one is to go. One that carries nothing known (a GRE keepalive,
    // a GTP control message) is no tunnel.
    private static bool IsLeft(string layers, string[] gone)
    {
        var names = layers.Split(':', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i + 1 < names.Length; i++)
        {
            var kind = names[i] switch
            {
                "vlan" or "ieee8021ad" when !gone.Contains("vlan") => null,
                "vlan" or "ieee8021ad" or "mpls" or "vxlan" or "geneve" or "gtp" => names[i],
                "gre" => names[i + 1] == "erspan" ? "erspan" : "gre",
                "ip" or "ipv6" when names[i + 1] is "ip" or "ipv6" => "ipip",
                _ => null,
            };
            if (kind is not null)
            {
                return gone.Contains(kind);
            }
        }

        return false;
    }
}

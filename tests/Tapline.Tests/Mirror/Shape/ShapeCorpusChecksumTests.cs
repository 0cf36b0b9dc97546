// After each operation that changes bytes, tshark finds right exactly those checksums that were right before, on every
// frame of the corpus and at every depth.
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeCorpusChecksumTests
{
    private static readonly string[] s_fields =
    [
        "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status",
        "icmpv6.checksum.status", "igmp.checksum.status", "sctp.checksum.status", "dccp.checksum.status",
    ];

    [Theory]
    [InlineData("anonymise=k")]
    [InlineData("anonymise=k,all")]
    [InlineData("mask=payload")]
    [InlineData("mask=passwords,http-cookies,cards,emails")]
    [InlineData("mask=offset:1+1,offset:7+2;mask-fill=0xff;anonymise=k")]
    [InlineData("vlan=100;mac-dst=02:00:00:00:00:99;mac-src=02:00:00:00:00:98")]
    public void StayAsTheyWere(string shape)
    {
        var shaped = ShapeCorpus.Shape(shape, ShapeCorpus.Frames);
        Assert.True(shaped.Count > 70_000, $"{shaped.Count} frames left");

        // What a mask changes in a later fragment cannot reach the checksum in the first (docs/limits.md), so fragments
        // are judged one by one then. Addresses change in all of them, and the datagram as a whole has to be right.
        string[] options = shape.Contains("mask", StringComparison.Ordinal)
            ? ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"] : [];
        var (before, after) = ShapeCorpus.Witness(shaped, s_fields, options);
        var differences = new List<string>();
        for (var i = 0; i < shaped.Count; i++)
        {
            for (var field = 0; field < s_fields.Length; field++)
            {
                if (before[i][field] != after[i][field])
                {
                    differences.Add($"{shaped[i].Frame}: {s_fields[field]} {before[i][field]} -> {after[i][field]}");
                }
            }
        }

        ShapeCorpus.NoneOf(differences);
    }
}

// Anonymised addresses on every frame of the corpus, by tshark's account: at every depth, in quoted packets, ARP,
// neighbour discovery and group membership the address afterwards is the pseudonym of the address before, and no byte
// string of a header still is an address that was replaced.
using System.Buffers.Binary;
using System.Net;
using Tapline.Mirror.Shape;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeCorpusAddressTests
{
    private static readonly string[] s_fields =
    [
        "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "icmp.redir_gw",
        "icmpv6.nd.ns.target_address", "icmpv6.nd.na.target_address", "icmpv6.nd.rd.target_address",
        "icmpv6.rd.na.destination_address", "icmp.router_address", "icmpv6.opt.prefix",
        "icmpv6.opt.rdnss", "icmpv6.mld.multicast_address", "icmpv6.mldr.mar.multicast_address",
        "icmpv6.mldr.mar.source_address", "icmpv6.mld.source_address", "igmp.maddr", "igmp.saddr", "ip.rec_rt", "ip.src_rt", "ip.cur_rt",
        "ipv6.routing.src.addr", "ipv6.routing.srh.addr",
    ];

    [Theory]
    [InlineData("anonymise=k", true)]
    [InlineData("anonymise=k,all", false)]
    public void EveryAddressIsItsPseudonym(string shape, bool keepsSpecial)
    {
        using var cipher = new AddressCipher(ShapeCorpus.Key, keepsSpecial);
        var shaped = ShapeCorpus.Shape(shape, ShapeCorpus.Frames);
        var (before, after) = ShapeCorpus.Witness(
            shaped, s_fields, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE");
        var differences = new List<string>();
        var replaced = 0;
        for (var i = 0; i < shaped.Count; i++)
        {
            for (var field = 0; field < s_fields.Length; field++)
            {
                var expected = string.Join('|', before[i][field].Split('|').Select(address => Pseudonym(cipher, address)));
                if (Canonical(after[i][field]) != expected)
                {
                    differences.Add($"{shaped[i].Frame}: {s_fields[field]} {before[i][field]} -> {after[i][field]}, not {expected}");
                }

                foreach (var address in before[i][field].Split('|', StringSplitOptions.RemoveEmptyEntries))
                {
                    var bytes = IPAddress.Parse(address).GetAddressBytes();
                    var isReplaced = Pseudonym(cipher, address) != IPAddress.Parse(address).ToString();
                    replaced += isReplaced ? 1 : 0;
                    if (isReplaced && bytes.AsSpan().ContainsAnyExcept((byte)0) && Headers(shaped[i]).IndexOf(bytes) >= 0)
                    {
                        differences.Add($"{shaped[i].Frame}: {address} is still in the headers");
                    }
                }
            }
        }

        ShapeCorpus.NoneOf(differences);
        Assert.True(replaced > 90_000, $"{replaced} addresses were replaced");
    }

    // Not MAC addresses: containers are given ones that end with their IPv4 address (docs/limits.md). Not what other
    // protocols carry: four bytes of a transport header may be like an address by chance, routing protocols tell some.
    private static ReadOnlySpan<byte> Headers(ShapedFrame shaped)
    {
        var layout = shaped.Frame.Layout;
        var end = layout.IpVersion == 0 || layout.IpProtocol is 1 or 2 or 58 ? shaped.Copy.Length : layout.TransportOffset;
        return shaped.Copy.AsSpan(12, Math.Clamp(end - 12, 0, shaped.Copy.Length - 12));
    }

    private static string Canonical(string addresses) =>
        string.Join('|', addresses.Split('|').Select(a => a.Length == 0 ? "" : IPAddress.Parse(a).ToString()));

    private static string Pseudonym(AddressCipher cipher, string text)
    {
        if (text.Length == 0)
        {
            return "";
        }

        var bytes = IPAddress.Parse(text).GetAddressBytes();
        if (bytes.Length == 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, cipher.Hide(BinaryPrimitives.ReadUInt32BigEndian(bytes)));
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, cipher.Hide(BinaryPrimitives.ReadUInt128BigEndian(bytes)));
        }

        return new IPAddress(bytes).ToString();
    }
}

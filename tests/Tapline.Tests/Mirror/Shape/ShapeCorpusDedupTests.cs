// De-duplication over the corpus against a naive memory of whole packets: each capture once as it is, and once with a
// second copy of every frame as another tap would have seen it (one hop later, other MAC addresses). Every copy goes,
// and of the capture itself nothing that differs by one byte from the network layer up, TTL aside.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeCorpusDedupTests
{
    private const long WindowNs = 50_000_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CopiesGoAndNothingElse(bool isDoubled)
    {
        var differences = new List<string>();
        long copies = 0, kept = 0;
        foreach (var file in ShapeCorpus.Frames.GroupBy(frame => frame.File))
        {
            var oracle = new Dictionary<string, long>();
            using var session = ShapeCorpus.Session(
                "dedup=50ms,ignore-ttl", new MemoryOutput { Taken = null, MtuBytes = 256 * 1024 });
            foreach (var frame in isDoubled ? file.SelectMany(Twice) : file)
            {
                var before = session.Counters.Deduplicated;
                session.Offer(frame.Meta, frame.Layout, frame.Bytes);
                session.EndBatch();
                var isGone = session.Counters.Deduplicated != before;
                if (isGone != IsCopy(oracle, frame))
                {
                    differences.Add($"{frame}: {(isGone ? "gone, and is no copy" : "kept, and is a copy")}");
                }

                copies += isGone ? 1 : 0;
                kept += isGone ? 0 : 1;
            }

            Assert.Equal((0, true), (session.Counters.Forgotten, session.Counters.Balances));
        }

        ShapeCorpus.NoneOf(differences);
        Assert.True(isDoubled ? copies > 70_000 && kept < 90_000 : copies < 2_000 && kept > 70_000, $"{copies} gone, {kept} kept");
    }

    private static IEnumerable<CorpusFrame> Twice(CorpusFrame frame)
    {
        yield return frame;
        var bytes = (byte[])frame.Bytes.Clone();
        var meta = frame.Meta;
        meta.TimestampNs += 1_000_000;
        if (bytes.Length >= 34)
        {
            bytes[0] ^= 0x55;
            bytes[11] ^= 0xAA;
            var l3 = Network(bytes, out var type);
            if (type == 0x0800 && l3 + 20 <= bytes.Length)
            {
                bytes[l3 + 8]--;
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(l3 + 10), (ushort)~WireCheck.Sum(bytes.AsSpan(l3, 8)));
            }
            else if (type == 0x86DD && l3 + 40 <= bytes.Length)
            {
                bytes[l3 + 7]--;
            }
        }

        yield return frame with { Meta = meta, Bytes = bytes };
    }

    private static bool IsCopy(Dictionary<string, long> seen, CorpusFrame frame)
    {
        var layout = frame.Layout;
        var bytes = frame.Bytes;
        var isAck = layout is { IpProtocol: 6, PayloadLength: 0, IpVersion: not 0 } && (layout.Flags & LayoutFlags.Tunnelled) == 0;
        if (bytes.Length < 14 || (isAck && (layout.IpVersion == 6
            || (layout.FragmentId == 0 && (bytes[layout.NetworkOffset + 6] & 0x40) != 0))))
        {
            return false;
        }

        var l3 = Network(bytes, out var type);
        var end = layout.IpVersion != 0 && layout.NetworkLength != 0 && (layout.Flags & LayoutFlags.Tunnelled) == 0
            ? Math.Min(bytes.Length, layout.NetworkOffset + layout.NetworkLength) : bytes.Length;
        var packet = bytes[Math.Min(l3, end)..end];
        if (type == 0x0800 && packet.Length >= 20)
        {
            packet[8] = packet[10] = packet[11] = 0;
        }
        else if (type == 0x86DD && packet.Length >= 8)
        {
            packet[7] = 0;
        }

        var vlans = string.Join('.', Enumerable.Range(0, (l3 - 14) / 4)
            .Select(i => BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(14 + (i * 4))) & 0xFFF));
        var key = $"{vlans} {type:x} {Convert.ToHexString(packet)}";
        if (seen.TryGetValue(key, out var time) && Math.Abs(frame.Meta.TimestampNs - time) <= WindowNs)
        {
            return true;
        }

        seen[key] = frame.Meta.TimestampNs;
        return false;
    }

    private static int Network(byte[] frame, out int type)
    {
        var at = 12;
        for (type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(at));
            type is 0x8100 or 0x88A8 or 0x9100 or 0x9200 && at + 6 <= frame.Length;
            type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(at)))
        {
            at += 4;
        }

        return at + 2;
    }
}

// A segment and its index as an independent eye sees them: packets by a plain walk over blocks, flows by the reader.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record.Index;
using Tapline.Store;
using Xunit;

namespace Tapline.Tests.Record.Index;

/// <summary>What an index says, all of it.</summary>
/// <param name="Records">By flow; flow 0 is no flow.</param>
/// <param name="Packets">Offsets by flow.</param>
/// <param name="Vms">Names of the machines at both ends, by flow.</param>
/// <param name="Points">Names of points by id.</param>
internal sealed record IndexContents(
    List<FlowRecord> Records, List<long[]> Packets, List<(string?, string?)> Vms, Dictionary<int, string> Points)
{
    public string PointName(ushort id) => id == ushort.MaxValue ? "" : Points[id];
}

/// <summary>Reads segments with their indexes for tests.</summary>
internal static class IndexedSegment
{
    private const uint EnhancedPacket = 6;

    /// <summary>Offsets of all packet blocks in the file.</summary>
    public static List<long> PacketOffsets(string segment)
    {
        var offsets = new List<long>();
        long at = 0;
        foreach (var (type, body) in SegmentFile.Blocks(segment))
        {
            if (type == EnhancedPacket)
            {
                offsets.Add(at);
            }

            at += body.Length + 12;
        }

        return offsets;
    }

    /// <summary>Time of the packet block at an offset of a segment.</summary>
    public static long TimeAt(byte[] segment, long offset)
    {
        var block = segment.AsSpan((int)offset);
        return (long)(((ulong)BinaryPrimitives.ReadUInt32LittleEndian(block[12..]) << 32)
            | BinaryPrimitives.ReadUInt32LittleEndian(block[16..]));
    }

    public static SegmentIndex Open(string segment)
    {
        var index = SegmentIndex.Open(SegmentIndex.PathOf(segment), new FileInfo(segment).Length, out var verdict);
        Assert.Equal(IndexVerdict.Sound, verdict);
        return index!;
    }

    /// <summary>Everything that the index says.</summary>
    public static IndexContents Read(SegmentIndex index)
    {
        var contents = new IndexContents([], [], [], index.Points.ToDictionary(p => (int)p.Id, p => p.Name));
        for (var flow = 0; flow < index.Flows; flow++)
        {
            index.CopyFlow(flow, out var record);
            var packets = new List<long>();
            index.AddPackets(flow, packets);
            contents.Records.Add(record);
            contents.Packets.Add([.. packets]);
            contents.Vms.Add((
                index.Text(index.Column(IndexColumn.InitiatorVm)[flow]), index.Text(index.Column(IndexColumn.ResponderVm)[flow])));
        }

        _ = index.TimeBlocks;
        return contents;
    }

    /// <summary>Each packet of the segment is in exactly one list, and the header and the runs of time say the same.</summary>
    public static void AssertEveryPacketIsInOneList(string segment)
    {
        using var index = Open(segment);
        var expected = PacketOffsets(segment);
        var lists = Read(index).Packets;
        Assert.All(lists, list => Assert.Equal(list.Order(), list));
        Assert.Equal(expected, lists.SelectMany(l => l).Order());
        Assert.Equal(expected.Count, index.Header.Frames);
        Assert.Equal(expected.Count, index.TimeBlocks.ToArray().Sum(b => b.Packets));
        AssertTimesHold(index, segment, expected);
    }

    /// <summary>Each key of each flow finds the flow, and the filter lets it pass.</summary>
    public static void AssertEachKeyFindsItsFlows(SegmentIndex index)
    {
        var contents = Read(index);
        var found = new Dictionary<string, HashSet<int>>();
        for (var flow = 1; flow < index.Flows; flow++)
        {
            foreach (var key in Keys(contents, flow))
            {
                Assert.True(index.MayContain(key), $"{key.Kind} {key.Low:x} {key.Text}");
                var id = $"{key.Kind} {key.High:x} {key.Low:x}";
                if (!found.TryGetValue(id, out var flows))
                {
                    var list = new List<int>();
                    index.FindFlows(key, list);
                    Assert.Equal(list.Distinct().Order(), list);
                    found[id] = flows = [.. list];
                }

                Assert.Contains(flow, flows);
            }
        }
    }

    private static void AssertTimesHold(SegmentIndex index, string segment, List<long> packets)
    {
        var bytes = File.ReadAllBytes(segment);
        var at = 0;
        foreach (var block in index.TimeBlocks)
        {
            Assert.Equal(packets[at], block.Offset);
            for (var i = 0; i < block.Packets; i++)
            {
                Assert.InRange(TimeAt(bytes, packets[at++]), block.FirstNs, block.LastNs);
            }
        }

        var times = packets.ConvertAll(p => TimeAt(bytes, p));
        Assert.Equal((times.Min(), times.Max()), (index.Header.FirstNs, index.Header.LastNs));
    }

    private static IEnumerable<IndexKey> Keys(IndexContents contents, int flow)
    {
        var record = contents.Records[flow];
        yield return IndexKey.Protocol(record.Protocol);
        IpAddress16[] ips = [record.InitiatorIp, record.ResponderIp, record.OuterInitiatorIp, record.OuterResponderIp];
        foreach (var ip in ips.Where(ip => !ip.IsNone))
        {
            yield return IndexKey.Address(ip);
        }

        foreach (var mac in new[] { record.InitiatorMac, record.ResponderMac }.Where(m => m != 0))
        {
            yield return IndexKey.Mac(mac);
        }

        if (FlowProtocol.HasPorts(record.Protocol))
        {
            yield return IndexKey.Port(record.InitiatorPort);
            yield return IndexKey.Port(record.ResponderPort);
        }

        foreach (var vlan in new[] { record.Vlan0, record.Vlan1, record.Vlan2, record.Vlan3 }.Where(v => v != 0))
        {
            yield return IndexKey.Vlan(vlan);
        }

        if (record.Vni != 0)
        {
            yield return IndexKey.Vni(record.Vni);
        }

        if (record.AppId != 0)
        {
            yield return IndexKey.App(record.AppId);
        }

        foreach (var point in new[] { record.InitiatorPoint, record.ResponderPoint }.Where(p => p != ushort.MaxValue))
        {
            yield return IndexKey.Point(contents.Points[point]);
        }

        foreach (var vm in new[] { contents.Vms[flow].Item1, contents.Vms[flow].Item2 }.OfType<string>())
        {
            yield return IndexKey.Vm(vm);
        }
    }
}

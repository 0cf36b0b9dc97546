// While frames flow nothing is allocated: not by the worker that notes them, nor by whoever writes one index after the other.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Record.Index;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class IndexAllocationTests
{
    private const int Frames = 100_000;
    private const int Slots = 1000;
    private static readonly byte[] s_frame = new FrameBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Udp(1, 2).Build();

    [Fact]
    public void NotingFramesAllocatesNothing()
    {
        using var collector = new IndexCollector(Frames, Slots + 1, Slots, memories: 1);
        Assert.Equal(0, Allocations.LeastOf(() => Fill(collector)));
    }

    [Fact]
    public void BuildingIndexesAllocatesNothingOnceTheyHaveFoundTheirSize()
    {
        using var collector = new IndexCollector(Frames, Slots + 1, Slots, memories: 1);
        using var builder = new IndexBuilder(Frames, Slots + 1);
        collector.Begin(1);
        Note(collector);
        var buffer = collector[collector.Finish()];
        PointInfo?[] points = [null, new PointInfo(1, "vnet1", "vm_port", "br0", "web01", "u-1"), new PointInfo(2, "eth0", "uplink")];
        Assert.Equal(0, Allocations.LeastOf(() => builder.Build(buffer, new IndexHeader { SegmentBytes = 1 << 30 }, points, null)));
        Assert.True(builder.FileBytes > Frames);
    }

    private static void Fill(IndexCollector collector)
    {
        collector.Begin(1);
        Note(collector);
        collector.Return(collector.Finish());
    }

    private static void Note(IndexCollector collector)
    {
        var meta = new FrameMeta { CapturedLength = s_frame.Length, OriginalLength = s_frame.Length, LinkType = LinkType.Ethernet };
        FrameDecoder.Decode(s_frame, meta, out var layout);
        for (var i = 0; i < Frames; i++)
        {
            meta.TimestampNs = 1_700_000_000_000_000_000 + i;
            meta.PointId = (ushort)(i % 5);
            layout.Flags = i % 3 == 0 ? layout.Flags | LayoutFlags.IsFragment : layout.Flags & ~LayoutFlags.IsFragment;
            collector.Add((i % (Slots + 1)) - 1, 1000L + (i * 104L), meta, layout, s_frame);
        }

        for (var slot = 0; slot < Slots; slot++)
        {
            collector.EndFlow(slot, new FlowRecord
            {
                FlowId = (ulong)slot, InitiatorPoint = (ushort)(slot % 4), ResponderPoint = ushort.MaxValue, Protocol = FlowProtocol.Tcp,
                InitiatorIp = IpAddress16.FromIpv4((uint)slot), ResponderIp = new IpAddress16(1, (ulong)slot), InitiatorMac = (ulong)slot,
                StartNs = slot, EndNs = 2L * slot, InitiatorPort = (ushort)slot, ResponderPort = 80, Vlan0 = (ushort)(slot % 3), AppId = 1,
            });
        }
    }
}

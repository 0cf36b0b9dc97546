// While frames flow nothing is allocated: not by the worker that notes them, nor by whoever writes one index after the other.
using Tapline.Record.Index;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class IndexAllocationTests
{
    private const int Frames = 100_000;
    private const int Slots = 1000;

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
        for (var i = 0; i < Frames; i++)
        {
            collector.Add((i % (Slots + 1)) - 1, 1000L + (i * 104L), 1_700_000_000_000_000_000 + i);
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

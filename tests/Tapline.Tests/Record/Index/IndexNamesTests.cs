// Who the ends of flows are: the machine behind the point, else who has the MAC address, else who has the IP address.
using CsCheck;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Index;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class IndexNamesTests
{
    private const long Start = 1_700_000_000_000_000_000;

    [Fact]
    public void MachinesAreNamedByPointMacAndAddress()
    {
        using var folder = new TemporaryFolder();
        using var recordings = SegmentFolder.TryOpen(folder.Path, 1 << 30, out _)!;
        var options = new RecorderOptions
        {
            Worker = 3, Node = "n", BufferBytes = 2 << 20, BufferCount = 4, FlowSlots = 8, Names = new Inventory(),
        };
        using (var recorder = new SegmentRecorder(recordings, options))
        {
            recorder.AddPoint(new PointInfo(1, "vnet1", "vm_port", "br0", "web01", "u-1"));
            recorder.AddPoint(new PointInfo(2, "eth0", "uplink", "br0"));
            Append(recorder, slot: 0, point: 1);
            recorder.EndFlow(0, new FlowRecord
            {
                FlowId = 5, InitiatorPoint = 1, ResponderPoint = 2, InitiatorMac = 9, ResponderMac = 7,
                ResponderIp = IpAddress16.FromIpv4(1), StartNs = Start, EndNs = Start,
            });
            Append(recorder, slot: 0, point: 2);
            recorder.EndFlow(0, new FlowRecord
            {
                FlowId = 6, InitiatorPoint = 2, ResponderPoint = ushort.MaxValue, InitiatorIp = IpAddress16.FromIpv4(1),
                StartNs = Start, EndNs = Start,
            });
            recorder.Close(Start + 5);
        }

        using var index = IndexedSegment.Open(folder[folder.Names.Single(n => n.EndsWith(".pcapng", StringComparison.Ordinal))]);
        var contents = IndexedSegment.Read(index);
        Assert.Equal(3, index.Header.Worker);
        Assert.Equal(("web01", "db-by-mac"), contents.Vms[1]);
        Assert.Equal(("lb-by-ip", null), contents.Vms[2]);
        Assert.Equal([5UL, 6UL], contents.Records.Skip(1).Select(r => r.FlowId));
        Assert.Contains(new PointInfo(1, "vnet1", "vm_port", "br0", "web01", "u-1"), index.Points);
        IndexedSegment.AssertEachKeyFindsItsFlows(index);
        Assert.False(index.MayContain(IndexKey.Vm("nobody")));
        var flows = new List<int>();
        index.FindFlows(IndexKey.Vm("web01"), flows);
        Assert.Equal([1], flows);
    }

    [Fact]
    public void APointsDescriptionIsReadBack() => Gen.Select(Name, Name, Name.Null(), Name.Null(), Name.Null()).Sample(
        (name, kind, @switch, vm, vmId) =>
        {
            var point = new PointInfo(4, name, kind, @switch, vm, vm is null ? null : vmId);
            Assert.Equal(point, PointInfo.Parse(4, name, point.Description));
        });

    [Fact]
    public void AHostileDescriptionIsReadSomehow() => Gen.String.Sample(text =>
        Assert.Equal(7, PointInfo.Parse(7, "x", "VM " + text).Id));

    private static Gen<string> Name => Gen.Char["abc-1_"].Array[1, 8].Select(c => new string(c));

    private static void Append(SegmentRecorder recorder, int slot, ushort point)
    {
        var meta = new FrameMeta
        {
            TimestampNs = Start, CapturedLength = 60, OriginalLength = 60, PointId = point, LinkType = LinkType.Ethernet,
        };
        Assert.Equal(AppendResult.Recorded, recorder.Append(meta, new byte[60], slot));
    }

    /// <summary>One machine by MAC address, one by IP address; point 1's is known to the switch.</summary>
    private sealed class Inventory : IEndpointNames
    {
        public bool IsNamed(ushort pointId) => pointId == 1;

        public string? OfMac(ulong mac) => mac == 7 ? "db-by-mac" : null;

        public string? OfAddress(IpAddress16 ip) => ip == IpAddress16.FromIpv4(1) ? "lb-by-ip" : null;
    }
}

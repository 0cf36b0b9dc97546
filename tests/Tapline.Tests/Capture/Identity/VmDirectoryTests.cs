// Who is who: machines by point, NIC and address, merged from what the host and the inventory know.
using System.Text;
using Tapline.Capture;
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Capture.Identity;

public class VmDirectoryTests
{
    private const ushort NoPoint = 0xffff;
    private static readonly VmInventory s_inventory = InventoryCsv.Read(Encoding.UTF8.GetBytes(
        "name,id,mac,ip,tags\nshop front,,52:54:00:00:00:01,10.0.0.1,prod\nremote,,52:54:00:00:00:09,10.0.0.9,prod\n"
        + "site,,,10.8.0.0/16,\ndb,uuid-2,,10.0.0.2,\n"), out _)!;

    private static readonly LivePoint[] s_points =
    [
        Point(1, "web01", "uuid-1", 0x525400000001), Point(2, "web01", "uuid-1", 0x525400000011),
        Point(3, "old", "uuid-3", 0x525400000003) with { State = PointState.Gone }, Point(5, "db", "uuid-2", 0x525400000002),
        Point(6, null, null, 0),
    ];

    private static readonly Vm s_domain = new("web01", "uuid-1", "libvirt") { Macs = [0x525400000001, 0x525400000021] };
    private readonly VmDirectory _directory = new(s_points, [s_domain, new Vm("off", "uuid-9", "libvirt")], s_inventory);

    [Fact]
    public void AMachineIsFoundByEachOfItsPointsNicsAndAddresses()
    {
        var vm = _directory.OfPoint(1)!;
        Assert.Equal("shop front", vm.Name);
        Assert.Same(vm, _directory.OfPoint(2));
        Assert.All((ulong[])[0x525400000001, 0x525400000011, 0x525400000021], mac => Assert.Same(vm, _directory.OfMac(mac)));
        Assert.Equal("shop front", _directory.OfAddress(Address("10.0.0.1"))!.Name);
        Assert.Equal([1, 2], vm.Points.Select(p => (int)p));
        Assert.Equal(["web01"], vm.Aliases);
        Assert.Equal(["prod"], vm.Tags);
        Assert.Null(_directory.OfPoint(6));
        Assert.Null(_directory.OfPoint(4));
        Assert.Null(_directory.OfPoint(NoPoint));
    }

    [Fact]
    public void AnEndOfAFlowIsNamedByPointThenNicThenAddress()
    {
        Assert.Equal("db", _directory.OfEndpoint(5, 0x525400000001, Address("10.0.0.9"))!.Name);
        Assert.Equal("shop front", _directory.OfEndpoint(NoPoint, 0x525400000001, Address("10.0.0.9"))!.Name);
        Assert.Equal("remote", _directory.OfEndpoint(6, 0x525400000099, Address("10.0.0.9"))!.Name);
        Assert.Equal("site", _directory.OfEndpoint(NoPoint, 0, Address("10.8.3.4"))!.Name);
        Assert.Null(_directory.OfEndpoint(NoPoint, 0, Address("192.0.2.1")));
        Assert.Null(_directory.OfEndpoint(NoPoint, 0, 0));
    }

    [Fact]
    public void NamesAndTagsFindEachMachineOnce()
    {
        Assert.Equal(["shop front"], _directory.Named("web01").Select(v => v.Name));
        Assert.Equal(["shop front", "remote"], _directory.Tagged("pro*").Select(v => v.Name));
        Assert.Equal(["off"], _directory.Named("uuid-9").Select(v => v.Name));
        Assert.Equal(["db", "off", "old", "remote", "shop front", "site"], _directory.Vms.Select(v => v.Name).Order());
        Assert.Equal("10.0.0.2", Assert.Single(_directory.Named("db")).Addresses.Single().ToString());
    }

    [Fact]
    public void AnAddressOfAGoneMachineIsAnothers()
    {
        var moved = new VmDirectory([s_points[2], Point(7, "new", "uuid-7", 0x525400000003)], [], VmInventory.Empty);
        Assert.Equal("new", moved.OfMac(0x525400000003)!.Name);
        Assert.Empty(moved.OfPoint(3)!.Points);
    }

    [Fact]
    public void LookingUpAllocatesNothing()
    {
        var address = Address("10.8.3.4");
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                _directory.OfEndpoint(NoPoint, (ulong)i, address);
            }
        }));
    }

    [Fact]
    public void TheInventoryRenamesAndTagsWhatTheHostFound()
    {
        var found = new VmIdentity("instance-0001", "uuid-1", 0x525400000001) { Source = "qemu" };
        var completed = found.CompletedBy(s_inventory);
        Assert.Equal(("shop front", "uuid-1", "inventory"), (completed.Name, completed.Id, completed.Source));
        Assert.True(completed.IsNamed("instance-0001"));
        Assert.Equal(["prod"], completed.Tags);
        Assert.Equal(completed, completed.CompletedBy(s_inventory));
        var byId = new VmIdentity("db", "UUID-2", 0) { Source = "qemu" }.CompletedBy(s_inventory);
        Assert.Equal(("db", "qemu"), (byId.Name, byId.Source));
        var unknown = new VmIdentity("x", "uuid-x", 1);
        Assert.Same(unknown, unknown.CompletedBy(s_inventory));
    }

    private static LivePoint Point(ushort id, string? vm, string? vmId, ulong mac) => new(
        new ObservationPoint { Id = id, Name = $"vnet{id}", Kind = PointKind.VmPort, Vm = vm, VmId = vmId, VmMac = mac },
        PointState.Up);

    private static UInt128 Address(string text)
    {
        Assert.True(IpPrefix.TryParse(text, out var prefix));
        return prefix.Address;
    }
}

// Which of two witnesses names a port: the process that holds the device, or libvirt.
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Identity.Libvirt;

public class LibvirtPortsTests
{
    private const string Uuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000001";
    private static readonly LinkInfo[] s_links =
    [
        new() { Index = 2, Name = "br0", Kind = "bridge" }, new() { Index = 5, Name = "vnet0", Kind = "tun" },
        new() { Index = 6, Name = "vnet1", Kind = "tun" },
    ];

    private static readonly LibvirtDomain[] s_domains =
    [
        new("web01", Uuid, IsActive: true)
        {
            Nics = [new("vnet0", 0x525400000001), new("br0", 1)], Tags = NameSet.Of(["prod"]), Aliases = NameSet.Of(["shop"]),
        },
        new("off", "6c1f3f5e-0d6c-4f3c-9a51-000000000009", IsActive: false) { Nics = [new("vnet1", 9)] },
    ];

    [Fact]
    public void ADomainThatRunsNamesItsDevice()
    {
        var identities = new Dictionary<int, VmIdentity>
        {
            [5] = new("guest", Uuid.ToUpperInvariant(), 0) { Source = "qemu" }, [6] = new("qemu-system-x86", "pid:7", 0),
        };
        LibvirtPorts.Complete(identities, s_links, s_domains);
        Assert.Equal(("web01", Uuid, 0x525400000001UL, "libvirt"),
            (identities[5].Name, identities[5].Id, identities[5].Mac, identities[5].Source));
        Assert.True(identities[5].IsNamed("shop") && identities[5].Tags.HasLike("prod"));
        Assert.Equal("pid:7", identities[6].Id);
        Assert.False(identities.ContainsKey(2));
    }

    [Fact]
    public void AMachineOfAnotherUuidKeepsItsName()
    {
        var other = new VmIdentity("other", "6c1f3f5e-0d6c-4f3c-9a51-000000000002", 3) { Source = "qemu" };
        var identities = new Dictionary<int, VmIdentity> { [5] = other };
        LibvirtPorts.Complete(identities, s_links, s_domains);
        Assert.Same(other, identities[5]);
    }

    [Fact]
    public void ADeviceThatNobodyWasSeenToHoldIsNamedToo()
    {
        var identities = new Dictionary<int, VmIdentity>();
        LibvirtPorts.Complete(identities, s_links, s_domains);
        Assert.Equal("web01", Assert.Single(identities).Value.Name);
    }
}

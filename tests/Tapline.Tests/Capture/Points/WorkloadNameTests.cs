// Names out of command lines and cgroup paths: other people's text.
using Tapline.Base;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Points;

public class WorkloadNameTests
{
    private const string ContainerId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("-name\0guest=web01,debug-threads=on\0-uuid\0u-1", "web01", "u-1")]
    [InlineData("-name\0web01", "web01", "pid:42")]
    [InlineData("-name\0web,,01,process=x", "web,01", "pid:42")]
    [InlineData("-name\0debug-threads=on,guest=db", "db", "pid:42")]
    [InlineData("-name\0process=x", "qemu", "pid:42")]
    [InlineData("-name", "qemu", "pid:42")]
    [InlineData("", "qemu", "pid:42")]
    [InlineData("-name\0guest=a\u001b[31mb\u202ec", "a?[31mb?c", "pid:42")]
    public void AVmIsNamedByItsCommandLine(string commandLine, string name, string id)
    {
        var vm = TapOwners.Parse(commandLine, "qemu", 42, "", 0);
        Assert.Equal((name, id), (vm.Name, vm.Id));
    }

    [Fact]
    public void ALongNameIsCut()
    {
        var vm = TapOwners.Parse($"-name\0{new string('x', 100_000)}\0-uuid\0{new string('y', 100_000)}", "qemu", 1, "", 0);
        Assert.Equal((Limits.HostileNameCharactersMax, Limits.HostileNameCharactersMax), (vm.Name.Length, vm.Id.Length));
    }

    [Theory]
    [InlineData("-device\0virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01", 0UL, 0x525400000001UL)]
    [InlineData("-device\0x,mac=52:54:00:00:00:01\0-device\0x,mac=52:54:00:00:00:02", 0xFE5400000002UL, 0x525400000002UL)]
    [InlineData("-device\0x,mac=52:54:00:00:00:01\0-device\0x,mac=52:54:00:00:00:02", 0x123456789ABCUL, 0UL)]
    [InlineData("-device\0{\"driver\":\"virtio-net\",\"mac\":\"52:54:00:00:00:03\"}", 0UL, 0x525400000003UL)]
    [InlineData("-device\0x,mac=52:54:00:00:00:0", 0UL, 0UL)]
    [InlineData("-device\0x,mac=zz:54:00:00:00:01", 0UL, 0UL)]
    [InlineData("-device\0x,mac=", 0UL, 0UL)]
    public void TheGuestsAddressIsFoundBesideItsTapDevice(string commandLine, ulong tapMac, ulong mac) =>
        Assert.Equal(mac, TapOwners.Parse(commandLine, "qemu", 1, "", tapMac).Mac);

    [Theory]
    [InlineData("0::/system.slice/docker-" + ContainerId + ".scope", "0123456789ab")]
    [InlineData("12:cpu:/docker/" + ContainerId + "\n0::/", "0123456789ab")]
    [InlineData("0::/machine.slice/libpod-" + ContainerId + ".scope/container", "0123456789ab")]
    [InlineData("0::/kubepods.slice/cri-containerd-" + ContainerId + ".scope", "0123456789ab")]
    [InlineData("0::/lxc.payload.web/init.scope", "web")]
    [InlineData("0::/machine.slice/machine-db.scope", "db")]
    [InlineData("0::/user.slice/user-0.slice/session-1.scope", null)]
    [InlineData("", null)]
    public void AContainerIsNamedByItsCgroup(string cgroup, string? name) =>
        Assert.Equal(name, NamespaceNames.ContainerOf(cgroup)?.Name);
}

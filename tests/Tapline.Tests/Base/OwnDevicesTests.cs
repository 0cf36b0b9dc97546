// Our own devices by name and kind; a NIC or bridge with such a name is somebody's port.
using Tapline.Base;
using Xunit;

namespace Tapline.Tests.Base;

public class OwnDevicesTests
{
    [Theory]
    [InlineData("tapline-h3", "tun", true)]
    [InlineData("tapline-v3", "vxlan", true)]
    [InlineData("tapline-v3", "veth", false)]
    [InlineData("tapline-v3", "", false)]
    [InlineData("vxlan0", "vxlan", false)]
    [InlineData("tap0", "tun", false)]
    public void KnownByNameAndKind(string name, string kind, bool isOurs) => Assert.Equal(isOurs, OwnDevices.Contains(name, kind));

    [Fact]
    public void ATunnelHasItsHoldersNumberAndFitsAName()
    {
        Assert.Equal("tapline-v12", OwnDevices.TunnelOf("tapline-h12"));
        Assert.True(OwnDevices.HolderPattern.Length < 16);
    }
}

// Which tunnels would come back to the engine that sends them.
using System.Net;
using Tapline.Mirror.Targets;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class TunnelLoopsTests
{
    [Theory]
    [InlineData("vxlan://10.0.0.1", "vxlan://:4789", true)]
    [InlineData("vxlan://10.0.0.1", "vxlan://10.0.0.1", true)]
    [InlineData("vxlan://10.0.0.1?vni=3", "vxlan://?vni=3", true)]
    [InlineData("gre://10.0.0.1", "gre://", true)]
    [InlineData("erspan://10.0.0.1?id=4", "erspan://", true)]
    [InlineData("vxlan://10.0.0.1", "vxlan://:8472", false)]
    [InlineData("vxlan://10.0.0.1?vni=3", "vxlan://?vni=4", false)]
    [InlineData("vxlan://10.0.0.1", "vxlan://10.0.0.2", false)]
    [InlineData("vxlan://10.0.0.1", "geneve://", false)]
    [InlineData("gre://10.0.0.1", "erspan://", false)]
    [InlineData("tzsp://10.0.0.1", "vxlan://", false)]
    [InlineData("nic:eth2", "vxlan://", false)]
    [InlineData("vxlan://10.0.0.9", "vxlan://", false)]
    public void ATunnelToItsOwnListenerIsRefused(string target, string listener, bool isLoop)
    {
        var answer = TunnelLoops.Check(
            [("m1", TargetParser.Parse(target, out _)!)], ["br0", listener],
            host => host == "10.0.0.1" ? [IPAddress.Parse(host)] : []);
        Assert.Equal(isLoop, answer is not null);
        Assert.True(answer is null || (answer.Contains(listener, StringComparison.Ordinal) && answer.EndsWith('.')));
    }

    [Fact]
    public void ThisHostKnowsItsOwnAddresses()
    {
        Assert.Equal([IPAddress.Loopback], TunnelLoops.OwnAddresses("127.0.0.1"));
        Assert.Empty(TunnelLoops.OwnAddresses("192.0.2.77"));
    }
}

// The lab's own helpers: what they make works, and what they remove is gone.
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Tests;

public sealed class NetTests
{
    [Fact]
    public void Two_namespaces_on_a_bridge_reach_each_other_and_nothing_stays_behind()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var host = NetNamespace.Create("h");
        var before = HostSnapshot.Take(host, _ => false);
        using (var left = NetNamespace.Create("l"))
        using (var right = NetNamespace.Create("r"))
        using (var bridge = Bridge.Create(host))
        {
            var port = bridge.AddPort(left, "10.9.0.1/24");
            bridge.AddPort(right, "10.9.0.2/24");
            left.Run("ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.2");
            Assert.True(host.Statistic(port.Near, "rx_packets") >= 4, "three requests and an ARP entered by the port");
            Assert.NotEqual(before, HostSnapshot.Take(host, _ => false));
        }

        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
    }

    [Fact]
    public void Code_runs_inside_a_namespace_on_a_thread_of_its_own()
    {
        LabNeeds.Namespaces();
        using var space = NetNamespace.Create("e");
        var inside = space.Enter(() => System.Net.NetworkInformation.NetworkInterface.GetAllNetworkInterfaces().Length);
        Assert.Equal(1, inside);
    }
}

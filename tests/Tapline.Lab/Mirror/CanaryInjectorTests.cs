// A canary enters by a port like a frame of the machine behind it, is seen there as incoming, and no machine gets it.
using System.Text;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Mirror.Canary;
using Tapline.Mirror.Send;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class CanaryInjectorTests
{
    [Fact]
    public void A_canary_is_incoming_at_its_port_and_goes_no_further()
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 2);
        _ = network.Rest();
        var port = network.Ports[0].Near;
        var (atVms, kernelBefore) = (Received(network), network.Entered());
        var seen = network.Host.Enter(() =>
        {
            using var listener = new CanaryListener(LinkIndex.Of(port));
            using var injector = CanaryInjector.Open(out var error);
            Assert.True(injector is not null, error);
            Span<byte> frame = stackalloc byte[CanaryFrame.Bytes];
            CanaryFrame.Write(frame, 7, 1, 42);
            Assert.True(injector.TryInject(LinkIndex.Of(port), CanaryFrame.MarkOf(7), frame, out error), error);
            return listener.TryWait(42, 7, 1, timeoutMs: 2000, out _);
        });
        Assert.True(seen);
        Assert.Equal(atVms, Received(network));
        Assert.Equal(kernelBefore, network.Entered());
    }

    private static (long, long) Received(LabSwitch network) =>
        (network.Vms[0].Statistic("eth0", "rx_packets"), network.Vms[1].Statistic("eth0", "rx_packets"));
}

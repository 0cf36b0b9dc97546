// A second witness for TCP health: a BPF program drops one data frame in N after the tap, and the sending kernel's own
// counter TcpRetransSegs says how many segments it sent again. Tapline must say the same number.
//
// The rule: the kernel counts each segment of data that it sends a second time, for whatever reason (fast retransmit,
// timeout, tail-loss probe that repeats data). A tail-loss probe with new data is no retransmission, for neither.
using System.Globalization;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Tests;

public sealed class LossWitnessTests
{
    [Theory]
    [InlineData(false, 50)]
    [InlineData(false, 200)]
    [InlineData(true, 20)]
    public void Retransmissions_are_as_many_as_the_sending_kernel_says(bool superFrames, int oneIn)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("nstat", "ethtool");
        using var host = NetNamespace.Create("h");
        using var sender = NetNamespace.Create("s");
        using var receiver = NetNamespace.Create("r");
        using var bridge = Bridge.Create(host);
        bridge.AddPort(sender, "10.9.0.1/24");
        bridge.AddPort(receiver, "10.9.0.2/24");
        if (!superFrames)
        {
            sender.Run("ethtool", "-K", "eth0", "tso", "off", "gso", "off");
        }

        using var loss = LossProgram.Attach(receiver.Name, "eth0", oneIn);
        using var engine = LabEngine.Start(host, points: 2, "--point", $"bridge:{bridge.Name}");
        var before = RetransmittedSegments(sender);
        const long Bytes = 8_000_000;
        Assert.Equal(Bytes, TcpTransfer.Run(sender, receiver, "10.9.0.2", 5001, Bytes));
        var expected = RetransmittedSegments(sender) - before;
        engine.Stop();

        Assert.True(loss.Dropped > 0, $"the program dropped {loss.Dropped} of {loss.Seen} frames");
        Assert.True(expected > 0, "the kernel sent segments again");
        var flows = engine.Flows().Where(flow => flow.ResponderPort == 5001).ToList();
        Assert.NotEmpty(flows);
        Assert.Equal(expected, flows.Sum(flow => (long)flow.Initiator.ResentSegments));
    }

    private static long RetransmittedSegments(NetNamespace space)
    {
        // -a absolute values, -s keep no history, -z zeros too
        var line = space.Run("nstat", "-asz", "TcpRetransSegs").Split('\n')
            .Single(text => text.StartsWith("TcpRetransSegs", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}

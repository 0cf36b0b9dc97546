// The live capture on real kernel networking: every frame once, with its tag, its offload state and its point.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Capture;

public sealed class LiveCaptureTests
{
    private const long SmallBudgetBytes = 64 << 20;

    [Fact]
    public void Each_frame_that_enters_a_switch_is_seen_once_at_the_port_where_it_enters()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var left = NetNamespace.Create("l");
        using var right = NetNamespace.Create("r");
        using var bridge = Bridge.Create(host);
        var leftPort = bridge.AddPort(left, "10.9.0.1/24");
        var rightPort = bridge.AddPort(right, "10.9.0.2/24");
        var before = (Left: host.Statistic(leftPort.Near, "rx_packets"), Right: host.Statistic(rightPort.Near, "rx_packets"));
        using var run = CaptureRun.Start(host, new LiveCaptureOptions { Workers = 2, RingBudgetBytes = SmallBudgetBytes });
        left.Run("ping", "-c", "50", "-i", "0.01", "-W", "2", "10.9.0.2");
        var frames = run.Finish();

        var (leftPoint, rightPoint) = (run.Point(leftPort.Near).Point, run.Point(rightPort.Near).Point);
        Assert.Equal(PointKind.VmPort, leftPoint.Kind);
        Assert.Equal(left.Name, leftPoint.Vm);
        Assert.Equal(bridge.Name, leftPoint.Switch);
        Assert.Equal(host.Statistic(leftPort.Near, "rx_packets") - before.Left, frames.Count(f => f.Meta.PointId == leftPoint.Id));
        Assert.Equal(host.Statistic(rightPort.Near, "rx_packets") - before.Right, frames.Count(f => f.Meta.PointId == rightPoint.Id));
        foreach (var id in (ushort[])[leftPoint.Id, rightPoint.Id])
        {
            Assert.Equal(frames.Count(f => f.Meta.PointId == id), run.Arrived(id).Frames);
            Assert.Equal(frames.Where(f => f.Meta.PointId == id).Sum(f => (long)f.Meta.OriginalLength), run.Arrived(id).Bytes);
        }

        var echoes = frames.Where(f => f.Bytes[12] == 0x08 && f.Bytes[13] == 0x00).ToList();
        Assert.Equal(100, echoes.Count);
        Assert.Single(echoes.Select(f => f.Worker).Distinct());
        Assert.Equal(echoes.Select(f => f.Meta.TimestampNs).Order(), echoes.Select(f => f.Meta.TimestampNs));
    }
}

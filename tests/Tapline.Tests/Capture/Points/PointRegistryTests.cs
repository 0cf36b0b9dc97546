// Identifiers: given once, kept over an absence, never given to another point.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Capture;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Points;

public class PointRegistryTests
{
    [Fact]
    public void APointKeepsItsIdentifierOverAnAbsenceAndNobodyElseGetsIt()
    {
        var registry = new PointRegistry();
        registry.Update([Port("a", 10), Port("b", 11)]);
        Assert.Equal([(1, "a", PointState.Up), (2, "b", PointState.Up)], Told(registry));
        registry.Update([Port("b", 11), Port("c", 12)]);
        Assert.Equal([(1, "a", PointState.Gone), (2, "b", PointState.Up), (3, "c", PointState.Up)], Told(registry));
        var present = registry.Update([Port("a", 13, isUp: false)]);
        Assert.Equal((1, 13), (present[0].Id, present[0].Selected.Link.Index));
        Assert.Equal([(1, "a", PointState.Down), (2, "b", PointState.Gone), (3, "c", PointState.Gone)], Told(registry));
    }

    [Fact]
    public void TheGenerationRisesOnlyWithAChange()
    {
        var registry = new PointRegistry();
        registry.Update([Port("a", 10)]);
        var generation = registry.Generation;
        var points = registry.Points;
        registry.Update([Port("a", 10)]);
        Assert.Equal(generation, registry.Generation);
        Assert.Same(points, registry.Points);
        registry.Update([Port("a", 10) with { Vm = new VmIdentity("web", "1", 2) }]);
        Assert.Equal(generation + 1, registry.Generation);
        Assert.Equal("web", registry.Points[0].Point.Vm);
    }

    [Fact]
    public void ABridgesHostSideIsAnotherPointThanAPortOfItsName()
    {
        var registry = new PointRegistry();
        registry.Update([Port("x", 10), Port("x", 10) with { Kind = PointKind.Host }]);
        Assert.Equal(2, registry.Points.Count);
    }

    [Fact]
    public void WhenAllIdentifiersAreGivenOutFurtherPointsAreRefusedAndCounted()
    {
        var registry = new PointRegistry();
        registry.Update([.. Enumerable.Range(1, Limits.PointsMax + 10).Select(i => Port($"p{i}", i))]);
        Assert.Equal(Limits.PointsMax - 1, registry.Points.Count);
        Assert.Equal(11, registry.Refused);
        Assert.All(registry.Points, p => Assert.InRange((int)p.Point.Id, 1, Limits.PointsMax - 1));
    }

    private static SelectedPoint Port(string name, int index, bool isUp = true) => new(
        new LinkInfo { Name = name, Index = index, Flags = isUp ? Netlink.IFF_UP : 0 }, PointKind.VmPort, "br0", null, false);

    private static IEnumerable<(int, string, PointState)> Told(PointRegistry registry) =>
        registry.Points.Select(p => ((int)p.Point.Id, p.Point.Name, p.State));
}

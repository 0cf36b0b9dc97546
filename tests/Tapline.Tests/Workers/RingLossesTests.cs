// Losses by point: what is shared out is what was lost, never more than a point has outstanding, and the end is exact.
using CsCheck;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class RingLossesTests
{
    [Fact]
    public void WithoutLossesWaitingFramesAreNotLost()
    {
        var losses = new RingLosses(3);
        losses.Share(0, [100, 50, 0], [90, 50, 0]);
        Assert.Equal([0L, 0, 0], Dropped(losses, 3));
    }

    [Fact]
    public void LossesGoWhereFramesAreMissing()
    {
        var losses = new RingLosses(3);
        losses.Share(30, [100, 50, 40], [60, 50, 20]);
        Assert.Equal([20L, 0, 10], Dropped(losses, 3));
        losses.Settle([100, 50, 40], [75, 50, 35]);
        Assert.Equal([25L, 0, 5], Dropped(losses, 3));
    }

    [Fact]
    public void WhateverTheCountsTheSharesSumToTheLosses()
    {
        Gen.Select(Gen.Long[0, 1000], Gen.Long[0, 1000]).Array[1, 20].Sample(points =>
        {
            var captured = points.Select(p => p.Item1).ToArray();
            var arrived = points.Select(p => p.Item1 + p.Item2).ToArray();
            var outstanding = points.Sum(p => p.Item2);
            var losses = new RingLosses(points.Length);
            foreach (var total in (long[])[outstanding / 3, outstanding / 2, outstanding])
            {
                losses.Share(total, arrived, captured);
                var dropped = Dropped(losses, points.Length);
                Assert.Equal(total, dropped.Sum());
                Assert.All(points.Zip(dropped), pair => Assert.InRange(pair.Second, 0, pair.First.Item2));
            }
        });
    }

    private static long[] Dropped(RingLosses losses, int points) => [.. Enumerable.Range(0, points).Select(losses.Dropped)];
}

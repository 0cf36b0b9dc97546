// Which path, and the sentence that says why.
using Tapline.Mirror.Kernel;
using Xunit;

namespace Tapline.Tests.Mirror.Kernel;

public class KernelDecisionTests
{
    private static readonly KernelRequest s_fitting = new() { Session = "m1", Mode = MirrorMode.Auto, ToolPort = "eth2" };

    [Fact]
    public void WhatNeedsNoUserSpaceRunsInTheKernel()
    {
        var decision = KernelDecision.Make(s_fitting, out var refusal);
        Assert.Null(refusal);
        Assert.True(decision!.IsKernel);
        Assert.False(decision.HasCaveat);
    }

    [Theory]
    [InlineData("shape", "its shape needs user space")]
    [InlineData("filter", "its expression is too much")]
    [InlineData("kernel", "old")]
    [InlineData("ifb", "is an ifb device")]
    [InlineData("offloads", "`ethtool -K eth2 tx off`")]
    [InlineData("long", "too long for that way")]
    public void EachReasonAgainstTheKernelIsSaid(string what, string expected)
    {
        var request = s_fitting with
        {
            ShapeWhyNot = what == "shape" ? "its shape needs user space" : null,
            FilterWhyNot = what == "filter" ? "its expression is too much" : null,
            KernelWhyNot = what == "kernel" ? "this kernel is too old" : null,
            ReinjectsCopies = what == "ifb",
            PassesOffloads = what == "offloads",
            TooLong = what == "long" ? "frames are too long for that way" : null,
        };
        var decision = KernelDecision.Make(request, out _);
        Assert.False(decision!.IsKernel);
        Assert.StartsWith("user path: ", decision.Why, StringComparison.Ordinal);
        Assert.Contains(expected, decision.Why, StringComparison.Ordinal);

        var forced = KernelDecision.Make(request with { Mode = MirrorMode.Kernel }, out var refusal);
        if (what is "offloads" or "long")
        {
            // Possible, though not what a wire carries: the operator's own choice, and said.
            Assert.True(forced!.IsKernel && forced.HasCaveat);
            Assert.Contains(expected, forced.Why, StringComparison.Ordinal);
            return;
        }

        Assert.Null(forced);
        Assert.Contains("Session m1 cannot run in the kernel: ", refusal, StringComparison.Ordinal);
        Assert.Contains(expected, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void WhoAsksForUserSpaceGetsIt()
    {
        var decision = KernelDecision.Make(s_fitting with { Mode = MirrorMode.User }, out _);
        Assert.Equal("user path: it was asked for.", decision!.Why);
    }
}

// Each fuzz target for a fixed number of inputs of a fixed seed: the same run every time, long ones are the fuzzer's.
using Tapline.Fuzz;
using Xunit;

namespace Tapline.Tests.Fuzz;

public class FuzzSmokeTests
{
    private const int Seed = 20261123;

    [Fact]
    public void TheDecoderWithstandsMutatedFrames()
    {
        using var target = new FrameTarget();
        Assert.Null(FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 200_000, out var inputs));
        Assert.Equal(200_000, inputs);
    }

    [Fact]
    public void TheReadersWithstandMutatedFiles()
    {
        using var target = new CaptureFileTarget();
        Assert.Null(FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 5_000, out var inputs));
        Assert.Equal(5_000, inputs);
    }

    [Fact]
    public void WhoeverSaysWhoAMachineIsIsReadWithCare()
    {
        using var target = new IdentityTarget();
        Assert.Null(FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 10_000, out var inputs));
        Assert.Equal(10_000, inputs);
    }
}

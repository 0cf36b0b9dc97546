// Each fuzz target for a fixed number of inputs of a fixed seed: the same run every time, long ones are the fuzzer's.
using Tapline.Fuzz;
using Tapline.Tests.Mirror.Shape;
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
    public void TheIndexReaderWithstandsMutatedSections()
    {
        using var target = new IndexTarget();
        Assert.Null(FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 100_000, out var inputs));
        Assert.Equal(100_000, inputs);
    }

    [Fact]
    public void TheContainerReaderWithstandsMutatedFiles()
    {
        using var target = new ContainerTarget();
        var finding = FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 5_000, out var inputs);
        Assert.True(finding is null, finding);
        Assert.Equal(5_000, inputs);
    }

    [Fact]
    public void TheBlocksOfASegmentWithstandMutatedBytes()
    {
        using var target = new BlockTarget();
        var finding = FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 100_000, out var inputs);
        Assert.True(finding is null, finding);
        Assert.Equal(100_000, inputs);
    }

    [Fact]
    public void ShapesWithstandMutatedFrames()
    {
        using var target = new ShapeTarget();
        var finding = FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 50_000, out var inputs);
        Assert.True(finding is null, finding);
        Assert.Equal(50_000, inputs);
    }

    [Fact]
    public void ShapesWithstandMutatedCorpusFrames()
    {
        var frames = ShapeCorpus.Frames.Where((_, i) => i % 100 == 0).Select(frame => frame.Bytes);
        using var target = new ShapeTarget(frames);
        var finding = FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 50_000, out var inputs);
        Assert.True(finding is null, finding);
        Assert.Equal(50_000, inputs);
    }

    [Fact]
    public void TheParserWithstandsMutatedExpressions()
    {
        using var target = new ExpressionTarget();
        Assert.Null(FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 20_000, out var inputs));
        Assert.Equal(20_000, inputs);
    }

    [Fact]
    public void WhoeverSaysWhoAMachineIsIsReadWithCare()
    {
        using var target = new IdentityTarget();
        Assert.Null(FuzzRun.Go(target, Seed, TimeSpan.MaxValue, 10_000, out var inputs));
        Assert.Equal(10_000, inputs);
    }
}

// The sizes that file formats and cache lines depend on.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;
using Xunit;

namespace Tapline.Tests.Base;

public class StructSizeTests
{
    [Fact]
    public void FrameMetaIsFortyEightBytesWithoutReferences()
    {
        Assert.Equal(48, Unsafe.SizeOf<FrameMeta>());
        Assert.False(RuntimeHelpers.IsReferenceOrContainsReferences<FrameMeta>());
    }

    [Fact]
    public void FrameLayoutIsOneCacheLine() => Assert.Equal(64, Unsafe.SizeOf<FrameLayout>());

    [Fact]
    public void FlowRecordIsBlittable()
    {
        Assert.Equal(128, Unsafe.SizeOf<DirectionCounts>());
        Assert.False(RuntimeHelpers.IsReferenceOrContainsReferences<FlowRecord>());
    }
}

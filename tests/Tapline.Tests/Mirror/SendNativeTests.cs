// The kernel's structures have the kernel's sizes: a stride of 56 instead of 64 sends one frame a call and loses one a
// round.
using System.Runtime.CompilerServices;
using Tapline.Base.Kernel;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Xunit;

namespace Tapline.Tests.Mirror;

public class SendNativeTests
{
    [Fact]
    public void KernelStructuresHaveTheKernelsSizes()
    {
        Assert.Equal(16, Unsafe.SizeOf<iovec>());
        Assert.Equal(64, Unsafe.SizeOf<mmsghdr>());
        Assert.Equal(16, Unsafe.SizeOf<cmsghdr>());
        Assert.Equal(16, Unsafe.SizeOf<sock_fprog>());
        Assert.Equal(16, Unsafe.SizeOf<sock_extended_err>());
        Assert.Equal(40, Unsafe.SizeOf<ifreq>());
    }

    [Fact]
    public void CountersHaveCacheLinesOfTheirOwn() => Assert.Equal(256, Unsafe.SizeOf<MirrorCounters>());
}

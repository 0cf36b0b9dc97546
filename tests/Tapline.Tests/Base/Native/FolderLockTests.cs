// A folder's lock: one holder, and free the moment it is given back, whoever else has the descriptor.
using System.Runtime.InteropServices;
using Tapline.Base.Native;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Base.Native;

public sealed partial class FolderLockTests
{
    [Fact]
    public void ASecondOneIsRefusedUntilTheFirstIsGivenBack()
    {
        using var folder = new TemporaryFolder();
        using (var first = FolderLock.TryTake(folder.Path, "recording", out _))
        {
            Assert.NotNull(first);
            Assert.Null(FolderLock.TryTake(folder.Path, "recording", out var error));
            Assert.Contains("Another Tapline process writes its recording", error, StringComparison.Ordinal);
        }

        using var next = FolderLock.TryTake(folder.Path, "recording", out _);
        Assert.NotNull(next);
    }

    [Fact]
    public void ADescriptorThatAChildHasInheritedKeepsNoLock()
    {
        using var folder = new TemporaryFolder();
        int inherited;
        using (FolderLock.TryTake(folder.Path, "recording", out _))
        {
            // As fork(2) does it: the same open file under another descriptor.
            var held = FolderLock.PathOf(folder.Path);
            var link = Directory.GetFiles("/proc/self/fd").Single(f => new FileInfo(f).LinkTarget == held);
            inherited = dup(int.Parse(Path.GetFileName(link), System.Globalization.CultureInfo.InvariantCulture));
            Assert.True(inherited >= 0);
        }

        using var next = FolderLock.TryTake(folder.Path, "recording", out var error);
        Assert.True(next is not null, error);
        _ = NativeFile.Close(inherited);
    }

    [LibraryImport("libc")]
    private static partial int dup(int fd);
}

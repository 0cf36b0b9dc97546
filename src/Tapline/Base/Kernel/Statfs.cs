// <asm-generic/statfs.h>: what statfs(2) says of a file system, as 64-bit kernels lay it out. Only what is read here has a
// name; sizes are in blocks of f_bsize bytes.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>The kernel's <c>struct statfs</c> of 64-bit architectures.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Statfs
{
    public long f_type;
    public long f_bsize;
    public ulong f_blocks;
    public ulong f_bfree;

    /// <summary>Free for everybody: without what the file system sets aside for root.</summary>
    public ulong f_bavail;
    public ulong f_files;
    public ulong f_ffree;
    public int f_fsid_0;
    public int f_fsid_1;
    public long f_namelen;
    public long f_frsize;
    public long f_flags;
    public long f_spare_0;
    public long f_spare_1;
    public long f_spare_2;
    public long f_spare_3;
}

// <linux/stat.h>: what statx(2) says of a file. Only what tells one file from another has a name; the rest of the kernel's 256 bytes
// is room. All architectures alike.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>The kernel's <c>struct statx</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct Statx
{
    /// <summary>stx_ino is asked for.</summary>
    public const uint STATX_INO = 0x100;

    [FieldOffset(32)]
    public ulong stx_ino;

    [FieldOffset(136)]
    public uint stx_dev_major;

    [FieldOffset(140)]
    public uint stx_dev_minor;
}

// Mirror of <linux/if_tun.h>: what it takes to make a tap device that goes with its descriptor. x86-64 and arm64 share these.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>Numbers of the tun driver.</summary>
internal static class IfTun
{
    /// <summary>_IOW('T', 202, int).</summary>
    public const ulong TUNSETIFF = 0x400454CA;

    public const short IFF_TAP = 0x0002;
    public const short IFF_NO_PI = 0x1000;
}

/// <summary>struct ifreq as TUNSETIFF takes it: a name, which the kernel completes, and flags.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct ifreq_tun
{
    public const int IFNAMSIZ = 16;

    [FieldOffset(0)] public fixed byte ifr_name[IFNAMSIZ];
    [FieldOffset(16)] public short ifr_flags;
}

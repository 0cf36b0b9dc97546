// <sys/socket.h>, <linux/socket.h>, <linux/in.h>, <linux/in6.h>: receiving many datagrams by one call, and what the kernel
// says beside each. 64-bit layouts of x86-64 and arm64; sizes are asserted by tests.
using System.Runtime.InteropServices;
using Tapline.Base.Kernel;

namespace Tapline.Capture.Tunnels;

#pragma warning disable CS8981 // the kernel's names
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct iovec
{
    public void* iov_base;
    public nuint iov_len;
}

/// <summary>`struct mmsghdr`, 64 bytes: a `msghdr` of 56 with its padding, and the bytes received.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal unsafe struct mmsghdr
{
    [FieldOffset(0)] public void* msg_name;
    [FieldOffset(8)] public uint msg_namelen;
    [FieldOffset(16)] public iovec* msg_iov;
    [FieldOffset(24)] public nuint msg_iovlen;
    [FieldOffset(32)] public void* msg_control;
    [FieldOffset(40)] public nuint msg_controllen;
    [FieldOffset(48)] public int msg_flags;
    [FieldOffset(56)] public uint msg_len;
}

/// <summary>`struct cmsghdr`, 16 bytes; its data follow, the next one begins at a multiple of 8.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct cmsghdr
{
    public nuint cmsg_len;
    public int cmsg_level;
    public int cmsg_type;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sock_fprog
{
    public ushort len;
    public sock_filter* filter;
}
#pragma warning restore CS8981

/// <summary>The calls and numbers of a receiving socket.</summary>
internal static unsafe partial class ReceiveNative
{
    public const int SO_ATTACH_FILTER = 26;
    public const int SO_TIMESTAMPNS = 35;
    public const int SO_MEMINFO = 55;
    public const int SK_MEMINFO_DROPS = 8;
    public const int SK_MEMINFO_VARS = 9;
    public const int IPPROTO_UDP = 17;
    public const int IPPROTO_GRE = 47;
    public const int SOL_IPV6 = 41;
    public const int IPV6_V6ONLY = 26;
    public const int IPV6_RECVPKTINFO = 49;
    public const int IPV6_PKTINFO = 50;
    public const int IPV6_RECVHOPLIMIT = 51;
    public const int IPV6_HOPLIMIT = 52;
    public const int EADDRINUSE = 98;
    public const int EADDRNOTAVAIL = 99;
    public const int EAFNOSUPPORT = 97;

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMany(int fd, mmsghdr* messages, uint count, int flags, void* timeout);
}

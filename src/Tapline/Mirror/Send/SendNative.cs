// The system calls of the sender, with the kernel's structures in the kernel's spelling: <linux/if_packet.h>,
// <linux/if.h>, <linux/sockios.h>, <bits/socket.h>; what capture needs as well is in Base. x86-64 and arm64 Linux share
// these layouts.
using System.Runtime.InteropServices;

// The kernel's names are all lower case; C# would like to keep such names for itself.
#pragma warning disable CS8981

namespace Tapline.Mirror.Send;

/// <summary>`struct iovec`.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct iovec
{
    public byte* iov_base;
    public nuint iov_len;
}

/// <summary>`struct mmsghdr`, 64 bytes: a `msghdr` of 56 with its padding, and the bytes sent.</summary>
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

/// <summary>`struct cmsghdr`, 16 bytes; its data follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct cmsghdr
{
    public nuint cmsg_len;
    public int cmsg_level;
    public int cmsg_type;
}

/// <summary>`struct sock_fprog` of linux/filter.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sock_fprog
{
    public ushort len;
    public Base.Kernel.sock_filter* filter;
}

/// <summary>`struct ifreq`, 40 bytes: a name and a union of which the first number is used here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal unsafe struct ifreq
{
    public const int IFNAMSIZ = 16;

    [FieldOffset(0)] public fixed byte ifr_name[IFNAMSIZ];
    [FieldOffset(16)] public int ifr_value;
    [FieldOffset(16)] public short ifr_flags;
    [FieldOffset(16)] public ushort ifr_hwaddr_family;
    [FieldOffset(16)] public void* ifr_data;
}

/// <summary>`struct ethtool_value` of <linux/ethtool.h>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ethtool_value
{
    public const uint ETHTOOL_GTXCSUM = 0x16;
    public const uint ETHTOOL_GTSO = 0x1e;

    public uint cmd;
    public uint data;
}

/// <summary>System calls and their constants.</summary>
internal static unsafe partial class SendNative
{
    public const int SO_SNDBUFFORCE = 32;
    public const int PACKET_QDISC_BYPASS = 20;

    public const nuint SIOCETHTOOL = 0x8946;
    public const nuint SIOCGIFFLAGS = 0x8913;
    public const nuint SIOCGIFMTU = 0x8921;
    public const nuint SIOCGIFHWADDR = 0x8927;
    public const nuint SIOCGIFINDEX = 0x8933;
    public const int IFF_UP = 0x1;
    public const int IFF_RUNNING = 0x40;

    public const int ENXIO = 6;
    public const int EBADF = 9;
    public const int EPROTO = 71;
    public const int EMSGSIZE = 90;
    public const int EADDRNOTAVAIL = 99;
    public const int ENETUNREACH = 101;
    public const int ECONNREFUSED = 111;
    public const int EHOSTUNREACH = 113;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, ifreq* argument);

    /// <summary>Takes one message; <paramref name="message"/>'s length stays untouched, the answer is the call's.</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial nint recvmsg(int fd, mmsghdr* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int sendmmsg(int fd, mmsghdr* messages, uint count, int flags);
}

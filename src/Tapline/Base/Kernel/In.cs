// Mirror of <linux/in.h>, <linux/in6.h> and <linux/errqueue.h>: what IP sockets that send raw packets need of them.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>Protocols and options of IP sockets.</summary>
internal static class In
{
    public const int IPPROTO_UDP = 17;
    public const int IPPROTO_GRE = 47;

    public const int SOL_IP = 0;
    public const int IP_MTU_DISCOVER = 10;
    public const int IP_RECVERR = 11;
    public const int IP_MTU = 14;
    public const int IP_PMTUDISC_DONT = 0;
    public const int IP_PMTUDISC_DO = 2;

    public const int SOL_IPV6 = 41;
    public const int IPV6_CHECKSUM = 7;
    public const int IPV6_MTU_DISCOVER = 23;
    public const int IPV6_MTU = 24;
    public const int IPV6_RECVERR = 25;

    /// <summary>sizeof(struct sockaddr_in): family u16, port u16, address u32, 8 bytes of nothing.</summary>
    public const int SockaddrInBytes = 16;

    /// <summary>sizeof(struct sockaddr_in6): family u16, port u16, flow u32, address 16, scope u32.</summary>
    public const int SockaddrIn6Bytes = 28;
}

#pragma warning disable CS8981 // the kernel's name
/// <summary>`struct sock_extended_err`: one entry of a socket's error queue.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct sock_extended_err
{
    public uint ee_errno;
    public byte ee_origin;
    public byte ee_type;
    public byte ee_code;
    public byte ee_pad;
    public uint ee_info;
    public uint ee_data;
}

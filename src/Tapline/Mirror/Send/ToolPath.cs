// The way to a tool: a raw IP socket connected to its address. In: an address and what the packets shall be like. Out: the
// path's MTU, and what the network says of packets that went there (ICMP), read from the socket's error queue. The kernel
// writes the IP header, so routes, source address, identification and MTU are its own business and up to date.
//
// Raw, not UDP: the source port is then a field that we write, so that every flow has its own for the price of one socket, and
// UDP and GRE are one code. Whatever the tool sends back is dropped by a filter. docs/adr/0011-tunnel-sender.md.
using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Encapsulate;
using Tapline.Mirror.Targets;
using static Tapline.Base.Kernel.In;
using static Tapline.Base.Kernel.Socket;
using static Tapline.Base.Native.SystemCalls;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>A connected raw socket. One thread; the owner disposes it.</summary>
internal sealed unsafe class ToolPath : IDisposable
{
    /// <summary>
    /// While the kernel looks for the next hop's MAC address it keeps so many bytes of packets and silently drops the oldest
    /// beyond (net.ipv4.neigh.default.unres_qlen_bytes, 212,992). All workers of a session together may have three quarters of
    /// that under way: then it is the socket that refuses, and the packets wait here.
    /// </summary>
    private const int NeighbourQueueBytes = 212_992 / 4 * 3;

    /// <summary>Raw sockets take twice their limit, and the limit is twice what is asked for (sock_setsockopt, ip_append_data).</summary>
    private const int BufferFactor = 4;

    private const int Ipv4HeaderBytes = 20;
    private const int Ipv6HeaderBytes = 40;
    private const int ErrorsPerCheckMax = 64;
    private const int QuoteBytes = 64;
    private const int ControlBytes = 128;

    private readonly TunnelTarget _target;
    private readonly int _bufferBytes;
    private readonly NativeArray<byte> _address = new(SockaddrIn6Bytes);
    private readonly NativeArray<byte> _quote = new(QuoteBytes);
    private readonly NativeArray<byte> _control = new(ControlBytes);

    private ToolPath(TunnelTarget target, IPAddress address, int workers)
    {
        _target = target;
        _bufferBytes = NeighbourQueueBytes / BufferFactor / workers;
        IsIpv6 = address.GetAddressBytes().Length == 16;
        var span = _address.Span;
        Unsafe.WriteUnaligned(ref span[0], (ushort)(IsIpv6 ? AF_INET6 : AF_INET));
        address.TryWriteBytes(span[(IsIpv6 ? 8 : 4)..], out _);
        if (IsIpv6)
        {
            Unsafe.WriteUnaligned(ref span[24], (uint)address.ScopeId);
        }
    }

    /// <summary>The socket; -1 when the kernel gives none now.</summary>
    public int Descriptor { get; private set; } = -1;

    /// <summary>True when the outer packets are IPv6.</summary>
    public bool IsIpv6 { get; }

    /// <summary>Bytes of the outer IP header.</summary>
    public int IpHeaderBytes => IsIpv6 ? Ipv6HeaderBytes : Ipv4HeaderBytes;

    /// <summary>Longest IP packet that the path takes as far as is known.</summary>
    public int MtuBytes { get; private set; }

    /// <summary>Opens a path; null and one sentence when this process may not. A tool without a route is a path that is down.</summary>
    public static ToolPath? Open(TunnelTarget target, IPAddress address, int workers, out string? error)
    {
        var path = new ToolPath(target, address, workers);
        error = path.OpenSocket() switch
        {
            0 => null,
            EPERM or EACCES =>
                $"Sending copies to {target} needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN.",
            var errno => $"The kernel refused a raw socket for {target}: {SystemError.Describe(errno)}.",
        };
        if (error is null)
        {
            return path;
        }

        path.Dispose();
        return null;
    }

    /// <summary>
    /// Asks the kernel anew for route, source address and MTU. False when there is no way to the tool at the moment.
    /// </summary>
    public bool Refresh()
    {
        if (Connect())
        {
            return true;
        }

        // A source address that this host no longer has stays with the socket: take a new one.
        _ = Close(Descriptor);
        Descriptor = -1;
        return OpenSocket() == 0 && Connect();
    }

    /// <summary>
    /// Reads what the network answered meanwhile. True when it says of our packets that they do not arrive: nobody serves the
    /// tunnel there, or something on the way knows no further.
    /// </summary>
    public bool ReadBadNews()
    {
        var isBad = false;
        for (var i = 0; i < ErrorsPerCheckMax; i++)
        {
            var vector = new iovec { iov_base = (byte*)Unsafe.AsPointer(ref _quote[0]), iov_len = QuoteBytes };
            var message = new mmsghdr
            {
                msg_iov = &vector,
                msg_iovlen = 1,
                msg_control = Unsafe.AsPointer(ref _control[0]),
                msg_controllen = ControlBytes,
            };
            var bytes = recvmsg(Descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
            if (bytes < 0)
            {
                break;
            }

            isBad |= IsBadNews(message, (int)bytes);
        }

        return isBad;
    }

    public void Dispose()
    {
        if (Descriptor >= 0)
        {
            _ = Close(Descriptor);
            Descriptor = -1;
        }

        _address.Dispose();
        _quote.Dispose();
        _control.Dispose();
    }

    // A raw socket hears of all its protocol's packets to that address, other programs' included: the quoted port tells.
    // Too long ones are not told here: the kernel has noted the path's MTU, and the next send or look finds it.
    private bool IsBadNews(in mmsghdr message, int quotedBytes)
    {
        ref var header = ref Unsafe.As<byte, cmsghdr>(ref _control[0]);
        if (message.msg_controllen < (nuint)(sizeof(cmsghdr) + sizeof(sock_extended_err))
            || (header.cmsg_level, header.cmsg_type) != (IsIpv6 ? (SOL_IPV6, IPV6_RECVERR) : (SOL_IP, IP_RECVERR))
            || (_target.IsUdp && (quotedBytes < 4 || BinaryPrimitives.ReadUInt16BigEndian(_quote.Span[2..]) != _target.Port)))
        {
            return false;
        }

        // icmp_err_convert (net/ipv4/icmp.c), icmpv6_err_convert (net/ipv6/icmp.c): EPROTO is IPv6's "unknown next header".
        return (int)Unsafe.ReadUnaligned<sock_extended_err>(ref _control[sizeof(cmsghdr)]).ee_errno switch
        {
            ECONNREFUSED or ENOPROTOOPT or EPROTO => !_target.IgnoresRefusal,
            EHOSTUNREACH or ENETUNREACH => true,
            _ => false,
        };
    }

    private bool Connect()
    {
        if (Descriptor < 0 || SystemCalls.Connect(
            Descriptor, Unsafe.AsPointer(ref _address[0]), (uint)(IsIpv6 ? SockaddrIn6Bytes : SockaddrInBytes)) != 0)
        {
            return false;
        }

        var mtu = 0;
        var length = (uint)sizeof(int);
        var isKnown = GetSocketOption(
            Descriptor, IsIpv6 ? SOL_IPV6 : SOL_IP, IsIpv6 ? IPV6_MTU : IP_MTU, &mtu, &length) == 0;
        MtuBytes = isKnown ? mtu : MtuBytes;
        return isKnown;
    }

    // 0 or errno.
    private int OpenSocket()
    {
        Descriptor = SocketOpen(
            IsIpv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, _target.IsUdp ? IPPROTO_UDP : IPPROTO_GRE);
        if (Descriptor < 0)
        {
            return LastError;
        }

        // Without the mark a copy could be copied again: no export without it. Without the error queue a full queueing
        // discipline would drop and say nothing (raw_sendmsg, net/ipv4/raw.c).
        var nothing = new sock_filter { code = LinuxFilter.BPF_RET | LinuxFilter.BPF_K };
        var program = new sock_fprog { len = 1, filter = &nothing };
        var isSet = SetSocketOption(Descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, (uint)sizeof(sock_fprog)) == 0
            && Set(SOL_SOCKET, SO_MARK, CopyMark.Value)
            && Set(SOL_SOCKET, SO_SNDBUF, _bufferBytes)
            && (IsIpv6 ? SetIpv6() : SetIpv4());
        if (isSet)
        {
            return 0;
        }

        var errno = LastError;
        _ = Close(Descriptor);
        Descriptor = -1;
        return errno;
    }

    private int Discovery => _target.Oversize == OversizePolicy.Fragment ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;

    private bool SetIpv4() => Set(SOL_IP, IP_RECVERR, 1) && Set(SOL_IP, IP_MTU_DISCOVER, Discovery);

    // RFC 8200 section 8.1: a UDP checksum is not optional over IPv6; the kernel sums it up on the way out.
    private bool SetIpv6() => Set(SOL_IPV6, IPV6_RECVERR, 1) && Set(SOL_IPV6, IPV6_MTU_DISCOVER, Discovery)
        && (!_target.IsUdp || Set(SOL_IPV6, IPV6_CHECKSUM, UdpHeader.ChecksumOffset));

    private bool Set(int level, int option, int value) =>
        SetSocketOption(Descriptor, level, option, &value, sizeof(int)) == 0;
}

// Sets a network interface of our own up (netdevice(7)): the output port of a mirror that Tapline made. In: its name. In the
// network namespace of the calling thread.
using System.Text;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Ovs;

/// <summary>Interface flags.</summary>
internal static unsafe class InterfaceUp
{
    private const ulong SIOCGIFFLAGS = 0x8913;
    private const ulong SIOCSIFFLAGS = 0x8914;
    private const int IfNameBytes = 16;
    private const int IfRequestBytes = 40;

    /// <summary>Sets IFF_UP; false when the kernel refuses, or the interface has gone.</summary>
    public static bool Set(string name)
    {
        using var socket = new FileDescriptor(
            SystemCalls.SocketOpen(Socket.AF_INET, Socket.SOCK_DGRAM | Socket.SOCK_CLOEXEC, 0));
        // struct ifreq: the name, then short ifr_flags.
        var request = stackalloc byte[IfRequestBytes];
        new Span<byte>(request, IfRequestBytes).Clear();
        if (!Encoding.UTF8.TryGetBytes(name, new Span<byte>(request, IfNameBytes - 1), out _)
            || SystemCalls.DeviceControl(socket.Number, SIOCGIFFLAGS, request) != 0)
        {
            return false;
        }

        *(short*)(request + IfNameBytes) |= (short)Netlink.IFF_UP;
        return SystemCalls.DeviceControl(socket.Number, SIOCSIFFLAGS, request) == 0;
    }
}

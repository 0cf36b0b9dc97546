// Sends literal frames out of an interface through a packet socket. Opened on a thread inside the namespace, used anywhere.
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Lab.Capture;

/// <summary>A packet socket for sending.</summary>
internal sealed unsafe class RawSender : IDisposable
{
    private readonly FileDescriptor _socket;

    /// <summary>
    /// Opens on the calling thread's namespace. With <paramref name="withOffload"/> each frame begins with the 10 bytes of
    /// struct virtio_net_hdr; <paramref name="throughQueue"/> sends as other programs do, so that sniffers see it leave;
    /// each frame carries <paramref name="mark"/> inside this namespace.
    /// </summary>
    public RawSender(int interfaceIndex, bool withOffload = false, bool throughQueue = false, int mark = 0)
    {
        // Protocol 0: the socket never receives.
        _socket = new FileDescriptor(SystemCalls.SocketOpen(Socket.AF_PACKET, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, 0));
        var address = new sockaddr_ll { sll_family = Socket.AF_PACKET, sll_ifindex = interfaceIndex };
        if (SystemCalls.Bind(_socket.Number, &address, (uint)sizeof(sockaddr_ll)) != 0)
        {
            throw new InvalidOperationException($"bind: {SystemError.Describe(SystemCalls.LastError)}");
        }

        // Past the queueing discipline, so that nothing is dropped before it left.
        var one = 1;
        var bypass = throughQueue ? 0 : 1;
        _ = SystemCalls.SetSocketOption(
            _socket.Number, Socket.SOL_PACKET, IfPacket.PACKET_QDISC_BYPASS, &bypass, sizeof(int));
        if (SystemCalls.SetSocketOption(_socket.Number, Socket.SOL_SOCKET, Socket.SO_MARK, &mark, sizeof(int)) != 0)
        {
            throw new InvalidOperationException($"mark: {SystemError.Describe(SystemCalls.LastError)}");
        }

        if (withOffload && SystemCalls.SetSocketOption(
                _socket.Number, Socket.SOL_PACKET, IfPacket.PACKET_VNET_HDR, &one, sizeof(int)) != 0)
        {
            throw new InvalidOperationException($"vnet_hdr: {SystemError.Describe(SystemCalls.LastError)}");
        }
    }

    /// <summary>Sends one frame; false when the kernel did not take it.</summary>
    public bool Send(ReadOnlySpan<byte> frame)
    {
        fixed (byte* pointer = frame)
        {
            return SystemCalls.Send(_socket.Number, pointer, (nuint)frame.Length, 0) == frame.Length;
        }
    }

    public void Dispose() => _socket.Dispose();
}

// Waits for canaries at an interface of this host, where a session's copies come out. In: an interface index. Out: whether
// and when a canary arrived. One control thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Canary;
using static Tapline.Base.Kernel.Socket;
using static Tapline.Base.Native.SystemCalls;

namespace Tapline.Mirror.Send;

/// <summary>A packet socket for canaries' EtherType only. Owns it.</summary>
internal sealed unsafe class CanaryListener : IDisposable
{
    private const int FrameBytesMax = 256;
    private readonly FileDescriptor _socket;
    private readonly NativeArray<byte> _frame = new(FrameBytesMax);

    /// <summary>Listens from now on. Where the kernel refuses, <see cref="IsOpen"/> is false.</summary>
    public CanaryListener(int interfaceIndex)
    {
        _socket = new FileDescriptor(SocketOpen(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

        // All protocols, for a port of a bridge shows others to nobody else; the filter lets canaries through only.
        var address = new sockaddr_ll
        {
            sll_family = AF_PACKET, sll_ifindex = interfaceIndex,
            sll_protocol = BinaryPrimitives.ReverseEndianness(ETH_P_ALL),
        };
        using var filter = BpfSystem.Load(Base.Kernel.Bpf.BPF_PROG_TYPE_SOCKET_FILTER, CanaryProgram.EmitFilter(), "tap_canary", out _);
        var descriptor = filter?.Number ?? -1;
        IsOpen = !_socket.IsInvalid && filter is not null
            && SetSocketOption(_socket.Number, SOL_SOCKET, SO_ATTACH_BPF, &descriptor, sizeof(int)) == 0
            && Bind(_socket.Number, &address, (uint)sizeof(sockaddr_ll)) == 0;
    }

    /// <summary>True when it listens.</summary>
    public bool IsOpen { get; }

    /// <summary>True when the canary has come before the time is over; and when it was seen here.</summary>
    public bool TryWait(ulong secret, ushort session, long number, int timeoutMs, out long timeNs)
    {
        timeNs = 0;
        var until = Clock.MonotonicNs() + (timeoutMs * 1_000_000L);
        while (IsOpen)
        {
            var room = System.Runtime.CompilerServices.Unsafe.AsPointer(ref _frame[0]);
            var read = Receive(_socket.Number, room, FrameBytesMax, MSG_DONTWAIT);
            if (read > 0)
            {
                timeNs = Clock.NowNs();
                if (CanaryFrame.TryRead(_frame.Span[..(int)read], secret, out var from, out var which)
                    && from == session && which == number)
                {
                    return true;
                }

                continue;
            }

            var left = (until - Clock.MonotonicNs()) / 1_000_000;
            var descriptor = new pollfd { fd = _socket.Number, events = POLLIN };
            if (left <= 0 || Poll(&descriptor, 1, (int)left) <= 0)
            {
                return false;
            }
        }

        return false;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _frame.Dispose();
    }
}

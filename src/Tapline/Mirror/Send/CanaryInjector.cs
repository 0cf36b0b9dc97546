// Lets a frame enter by a port as if the machine behind it had sent it. A packet socket sends the frame out by the port; a
// program of ours on the port's TCX egress hook catches it by its mark before the driver has it and turns it round into
// the port's receiving side (bpf_redirect with BPF_F_INGRESS). The program hangs there only for that moment, and dies
// with the engine in any case. In: port, mark, bytes. One control thread.
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Canary;
using static Tapline.Base.Kernel.Socket;
using static Tapline.Base.Native.SystemCalls;

namespace Tapline.Mirror.Send;

/// <summary>Injects canaries. Owns a socket and a program.</summary>
internal sealed unsafe class CanaryInjector : IDisposable
{
    private readonly FileDescriptor _socket;
    private readonly FileDescriptor _program;

    private CanaryInjector(FileDescriptor socket, FileDescriptor program)
    {
        _socket = socket;
        _program = program;
    }

    /// <summary>Null and one sentence when this kernel or process cannot.</summary>
    public static CanaryInjector? Open(out string? error)
    {
        var program = BpfSystem.Load(Base.Kernel.Bpf.BPF_PROG_TYPE_SCHED_CLS, CanaryProgram.Emit(), "tap_canary", out var refusal);
        error = program is null ? refusal : null;
        if (program is null)
        {
            return null;
        }

        if (!TcxLink.IsKnown(program))
        {
            program.Dispose();
            error = "canaries need TCX, which Linux has since 6.6";
            return null;
        }

        var socket = new FileDescriptor(SocketOpen(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (socket.IsInvalid)
        {
            error = $"the kernel opens no packet socket ({SystemError.Describe(LastError)})";
            socket.Dispose();
            program.Dispose();
            return null;
        }

        return new CanaryInjector(socket, program);
    }

    /// <summary>Injects one frame under a mark; false and a reason when the port takes none.</summary>
    public bool TryInject(int interfaceIndex, uint mark, ReadOnlySpan<byte> frame, out string? error)
    {
        error = null;
        using var hook = TcxLink.Attach(_program, interfaceIndex, isEgress: true, out var errno);
        if (hook is null)
        {
            error = $"the port takes no program ({SystemError.Describe(errno)})";
            return false;
        }

        // Protocol 0: the socket receives nothing, and the kernel reads the EtherType from the frame (packet_parse_headers).
        var address = new sockaddr_ll { sll_family = AF_PACKET, sll_ifindex = interfaceIndex };
        if (SetSocketOption(_socket.Number, SOL_SOCKET, SO_MARK, &mark, sizeof(uint)) != 0
            || Bind(_socket.Number, &address, (uint)sizeof(sockaddr_ll)) != 0)
        {
            error = $"the port cannot be sent to ({SystemError.Describe(LastError)})";
            return false;
        }

        fixed (byte* bytes = frame)
        {
            if (SystemCalls.Send(_socket.Number, bytes, (nuint)frame.Length, MSG_DONTWAIT) == frame.Length)
            {
                return true;
            }
        }

        error = $"the port takes no frame ({SystemError.Describe(LastError)})";
        return false;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _program.Dispose();
    }
}

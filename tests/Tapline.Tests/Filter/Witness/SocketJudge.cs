// Lets the running kernel judge bytes by classic BPF: a pair of Unix datagram sockets, one of which carries the program
// (SO_ATTACH_FILTER). What the filter does not want never arrives.
using System.Runtime.InteropServices;
using Tapline.Base.Kernel;

namespace Tapline.Tests.Filter.Witness;

/// <summary>One attached program.</summary>
internal sealed unsafe partial class SocketJudge : IDisposable
{
    private const int AF_UNIX = 1;
    private const int SOCK_DGRAM = 2;
    private const int SOL_SOCKET = 1;
    private const int SO_SNDBUF = 7;
    private const int SO_ATTACH_FILTER = 26;
    private const int MSG_DONTWAIT = 0x40;
    private const int BufferBytes = 1 << 20;
    private readonly int[] _sockets = new int[2];

    public SocketJudge(sock_filter[] program)
    {
        fixed (int* pair = _sockets)
        fixed (sock_filter* code = program)
        {
            Check(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
            var room = BufferBytes;
            Check(setsockopt(_sockets[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(int)));
            var filter = new sock_fprog { len = (ushort)program.Length, filter = code };
            Check(setsockopt(_sockets[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, (uint)sizeof(sock_fprog)));
        }
    }

    /// <summary>The verdict. Sending succeeds either way: the filter drops silently, or the socket says EPERM.</summary>
    public bool Judge(ReadOnlySpan<byte> frame)
    {
        var back = stackalloc byte[1];
        fixed (byte* bytes = frame)
        {
            _ = send(_sockets[0], bytes, (nuint)frame.Length, MSG_DONTWAIT);
        }

        return recv(_sockets[1], back, 1, MSG_DONTWAIT) >= 0;
    }

    public void Dispose()
    {
        _ = close(_sockets[0]);
        _ = close(_sockets[1]);
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new InvalidOperationException($"error {Marshal.GetLastPInvokeError()}");
        }
    }

    // <linux/filter.h>
    [StructLayout(LayoutKind.Sequential)]
    private struct sock_fprog
    {
        public ushort len;
        public sock_filter* filter;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int socket, int level, int option, void* value, uint bytes);

    [LibraryImport("libc")]
    private static partial nint send(int socket, void* bytes, nuint length, int flags);

    [LibraryImport("libc")]
    private static partial nint recv(int socket, void* bytes, nuint length, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}

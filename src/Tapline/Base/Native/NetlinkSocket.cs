// A NETLINK_ROUTE socket: requests with answers, and link events. In: messages built here. Out: datagrams as spans that
// live until the next call. One thread at a time. Bound to the network namespace of the thread that opened it.
using System.Buffers.Binary;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>A route netlink socket.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    // A dump datagram has at most 32 KiB (netlink_dump); a link with many virtual functions may need all of it.
    private const int BufferBytes = 64 * 1024;
    private const int EventBufferBytes = 4 << 20;
    private const int RequestBytesMax = 640;
    private readonly FileDescriptor _socket;
    private readonly byte[] _buffer = GC.AllocateArray<byte>(BufferBytes, pinned: true);
    private uint _sequence;

    private NetlinkSocket(FileDescriptor socket) => _socket = socket;

    /// <summary>A handler for one message of an answer.</summary>
    public delegate void MessageHandler(ushort type, ReadOnlySpan<byte> payload);

    /// <summary>Opens a socket; with <paramref name="group"/> above 0 it receives that group's events.</summary>
    public static NetlinkSocket? Open(int group, out string error)
    {
        var socket = new FileDescriptor(SystemCalls.SocketOpen(
            Socket.AF_NETLINK, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, Netlink.NETLINK_ROUTE));
        if (socket.IsInvalid)
        {
            error = $"The kernel opens no netlink socket: {SystemError.Describe(SystemCalls.LastError)}.";
            return null;
        }

        var seconds = stackalloc long[2] { 2, 0 };
        _ = SystemCalls.SetSocketOption(socket.Number, Socket.SOL_SOCKET, Socket.SO_RCVTIMEO, seconds, 16);
        if (group > 0)
        {
            var bytes = EventBufferBytes;
            _ = SystemCalls.SetSocketOption(socket.Number, Socket.SOL_SOCKET, Socket.SO_RCVBUFFORCE, &bytes, sizeof(int));
            // struct sockaddr_nl, all zero but the family: the kernel gives the socket a port id. Without one it would have
            // the kernel's own id 0, and a broadcast leaves out its sender (do_one_broadcast in af_netlink.c).
            var address = stackalloc ushort[6] { Socket.AF_NETLINK, 0, 0, 0, 0, 0 };
            _ = SystemCalls.Bind(socket.Number, address, 12);
            if (SystemCalls.SetSocketOption(
                    socket.Number, Socket.SOL_NETLINK, Netlink.NETLINK_ADD_MEMBERSHIP, &group, sizeof(int)) != 0)
            {
                error = $"The kernel sends no link events: {SystemError.Describe(SystemCalls.LastError)}.";
                socket.Dispose();
                return null;
            }
        }

        error = "";
        return new NetlinkSocket(socket);
    }

    public int Descriptor => _socket.Number;

    /// <summary>
    /// Sends one request and hands each message of the answer to <paramref name="handler"/>.
    /// Returns 0, or the errno of the kernel's refusal; EAGAIN when the answer broke off or did not come.
    /// </summary>
    public int Request(ushort type, ushort flags, ReadOnlySpan<byte> body, MessageHandler handler)
    {
        Span<byte> message = stackalloc byte[RequestBytesMax];
        Invariant.Check(body.Length + Netlink.HeaderBytes <= message.Length);
        var length = Netlink.HeaderBytes + body.Length;
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)length);
        BinaryPrimitives.WriteUInt16LittleEndian(message[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(message[6..], (ushort)(flags | Netlink.NLM_F_REQUEST));
        BinaryPrimitives.WriteUInt32LittleEndian(message[8..], ++_sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(message[12..], 0);
        body.CopyTo(message[Netlink.HeaderBytes..]);
        fixed (byte* pointer = message)
        {
            if (SystemCalls.Send(_socket.Number, pointer, (nuint)length, 0) != length)
            {
                return SystemCalls.LastError;
            }
        }

        return ReadAnswer(_sequence, handler, isDump: (flags & Netlink.NLM_F_DUMP) == Netlink.NLM_F_DUMP);
    }

    /// <summary>Waits for events; false when none came in time.</summary>
    public bool WaitForEvents(int timeoutMs)
    {
        var wait = new pollfd { fd = Descriptor, events = Socket.POLLIN };
        return SystemCalls.Poll(&wait, 1, timeoutMs) > 0;
    }

    /// <summary>Reads and forgets all waiting events. False when events were lost (ENOBUFS): ask for everything again.</summary>
    public bool DrainEvents()
    {
        fixed (byte* pointer = _buffer)
        {
            while (true)
            {
                if (SystemCalls.Receive(_socket.Number, pointer, BufferBytes, Socket.MSG_DONTWAIT) < 0)
                {
                    return SystemCalls.LastError != SystemCalls.ENOBUFS;
                }
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private int ReadAnswer(uint sequence, MessageHandler handler, bool isDump)
    {
        var broken = 0;
        while (true)
        {
            nint received;
            fixed (byte* pointer = _buffer)
            {
                received = SystemCalls.Receive(_socket.Number, pointer, BufferBytes, 0);
            }

            if (received <= 0)
            {
                if (SystemCalls.LastError == SystemCalls.EINTR)
                {
                    continue;
                }

                return received == 0 ? SystemCalls.EAGAIN : SystemCalls.LastError;
            }

            var messages = new NetlinkMessages(_buffer.AsSpan(0, (int)received));
            while (messages.MoveNext())
            {
                if (messages.Sequence != sequence)
                {
                    continue;
                }

                switch (messages.Type)
                {
                    case Netlink.NLMSG_DONE:
                        return broken;
                    case Netlink.NLMSG_ERROR:
                        return messages.Payload.Length >= 4
                            ? -BinaryPrimitives.ReadInt32LittleEndian(messages.Payload)
                            : SystemCalls.EINVAL;
                    case Netlink.NLMSG_NOOP or Netlink.NLMSG_OVERRUN:
                        break;
                    default:
                        // A dump that raced with a change is complete but may be inconsistent: the caller asks again.
                        broken = (messages.Flags & Netlink.NLM_F_DUMP_INTR) != 0 ? SystemCalls.EAGAIN : broken;
                        handler(messages.Type, messages.Payload);
                        if (!isDump)
                        {
                            return 0;
                        }

                        break;
                }
            }
        }
    }
}

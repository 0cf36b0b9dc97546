// The tool behind a tool port: a packet socket that keeps every frame which arrives at an interface. Open it inside the
// tool's namespace. Owner: the test. A reader thread of its own; the frames are to be looked at after Stop.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tapline.Lab.Net;
using Tapline.Mirror.Send;

namespace Tapline.Lab.Mirror;

/// <summary>Keeps what arrives at an interface, byte for byte.</summary>
internal sealed partial class ToolReader : IDisposable
{
    private const int AF_PACKET = 17;
    private const int SOCK_RAW = 3;
    private const int SOCK_NONBLOCK = 0x800;
    private const int SOL_SOCKET = 1;
    private const int SO_RCVBUFFORCE = 33;
    private const int ReceiveBufferBytes = 256 << 20;
    private const ushort ETH_P_ALL = 0x0300;

    private readonly int _fd;
    private readonly Thread _thread;
    private const int SOL_PACKET = 263;
    private const int PACKET_AUXDATA = 8;
    private const uint TP_STATUS_VLAN_VALID = 0x10;
    private const int MacBytes = 12;
    private const int TagBytes = 4;
    private readonly byte[] _buffer = GC.AllocateArray<byte>(70_000, pinned: true);
    private readonly byte[] _control = GC.AllocateArray<byte>(64, pinned: true);
    private volatile bool _isStopping;
    private long _count;

    private ToolReader(int fd)
    {
        _fd = fd;
        _thread = new Thread(Read) { Name = "tool reader", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The frames, in order of arrival.</summary>
    public List<byte[]> Frames { get; } = [];

    /// <summary>Frames so far.</summary>
    public long Count => Interlocked.Read(ref _count);

    public static ToolReader Open(NetNamespace space, string device) => space.Enter(() =>
    {
        var fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
        if (fd < 0)
        {
            throw new InvalidOperationException($"packet socket: errno {Marshal.GetLastPInvokeError()}");
        }

        var size = ReceiveBufferBytes;
        _ = setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, ref size, sizeof(int));
        var on = 1;
        _ = setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, ref on, sizeof(int));
        var address = new byte[20];
        BitConverter.TryWriteBytes(address, (ushort)AF_PACKET);
        BitConverter.TryWriteBytes(address.AsSpan(2), ETH_P_ALL);
        var index = int.Parse(Index(space, device), null);
        BitConverter.TryWriteBytes(address.AsSpan(4), index);
        return bind(fd, address, address.Length) == 0
            ? new ToolReader(fd)
            : throw new InvalidOperationException($"bind to {device}: errno {Marshal.GetLastPInvokeError()}");
    });

    /// <summary>Waits for that many frames, then a little for one too many, then stops.</summary>
    public void StopAfter(long frames)
    {
        LabWait.Until(() => Count >= frames, () => $"{frames} frames at the tool; {Count} came");
        Thread.Sleep(50);
        Stop();
    }

    public void Stop()
    {
        _isStopping = true;
        _thread.Join();
    }

    public void Dispose()
    {
        Stop();
        _ = close(_fd);
    }

    private static string Index(NetNamespace space, string device)
    {
        using var json = System.Text.Json.JsonDocument.Parse(space.Ip("-j", "link", "show", "dev", device));
        return json.RootElement[0].GetProperty("ifindex").GetRawText();
    }

    private void Read()
    {
        while (true)
        {
            if (Receive() is { } frame)
            {
                Frames.Add(frame);
                Interlocked.Increment(ref _count);
            }
            else if (_isStopping)
            {
                return;
            }
            else
            {
                Thread.Sleep(1);
            }
        }
    }

    // The kernel takes the outer tag out of every frame that it receives and tells it beside the bytes
    // (struct tpacket_auxdata behind a struct cmsghdr); the tool wants the frame as it came.
    private unsafe byte[]? Receive()
    {
        fixed (byte* buffer = _buffer)
        fixed (byte* control = _control)
        {
            var vector = new iovec { iov_base = buffer + TagBytes, iov_len = (nuint)(_buffer.Length - TagBytes) };
            var message = new mmsghdr
            {
                msg_iov = &vector,
                msg_iovlen = 1,
                msg_control = control,
                msg_controllen = (nuint)_control.Length,
            };
            var bytes = (int)recvmsg(_fd, &message, 0);
            if (bytes <= 0)
            {
                return null;
            }

            var auxiliary = control + 16;
            if (message.msg_controllen < 36 || (*(uint*)auxiliary & TP_STATUS_VLAN_VALID) == 0)
            {
                return _buffer.AsSpan(TagBytes, bytes).ToArray();
            }

            _buffer.AsSpan(TagBytes, MacBytes).CopyTo(_buffer);
            BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(MacBytes), *(ushort*)(auxiliary + 18));
            BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(MacBytes + 2), *(ushort*)(auxiliary + 16));
            return _buffer.AsSpan(0, bytes + TagBytes).ToArray();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int option, ref int value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int fd, byte[] address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint recvmsg(int fd, mmsghdr* message, int flags);

    [LibraryImport("libc")]
    private static partial int close(int fd);
}

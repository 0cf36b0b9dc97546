// A Unix stream server in raw system calls: the engine answers its console each second and must not allocate while it
// does, which the runtime's sockets cannot promise per connection. Non-blocking throughout; one thread owns it.
// Headers: <sys/socket.h>, <sys/un.h>, <poll.h>, asm-generic numbers (x86-64 and arm64 share them).
using System.Runtime.InteropServices;
using System.Text;

namespace Tapline.Base.Native;

/// <summary>Listens on a path and serves a fixed number of clients. Not thread-safe; Dispose removes the path.</summary>
public sealed unsafe partial class UnixServer : IDisposable
{
    private const int AF_UNIX = 1;
    private const int SOCK_STREAM = 1;
    private const int SOCK_CLOEXEC = 0x80000;
    private const int SOCK_NONBLOCK = 0x800;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int EAGAIN = 11;
    private const int EINTR = 4;
    private const short POLLIN = 1;
    private const short POLLOUT = 4;
    private const int PathBytesMax = 107;
    private const int Backlog = 16;

    private readonly string _path;
    private readonly PollEntry[] _entries;
    private bool _isDisposed;

    private UnixServer(string path, int listener, int clientsMax)
    {
        _path = path;
        _entries = GC.AllocateArray<PollEntry>(clientsMax + 1, pinned: true);
        _entries[0] = new PollEntry { Fd = listener, Events = POLLIN };
        for (var i = 1; i < _entries.Length; i++)
        {
            _entries[i].Fd = -1;
        }
    }

    /// <summary>Clients served at once.</summary>
    public int ClientsMax => _entries.Length - 1;

    /// <summary>Binds and listens; a socket left by a dead engine is replaced, a living one is not.</summary>
    /// <returns>The server, or null with a sentence in <paramref name="fault"/>.</returns>
    public static UnixServer? Open(string path, int clientsMax, int mode, out string? fault)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length > PathBytesMax)
        {
            fault = $"The socket's path is longer than the kernel's {PathBytesMax} bytes: {path}; choose a shorter data folder.";
            return null;
        }

        var listener = Socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        var address = Address(bytes);
        fixed (byte* a = address)
        {
            // EAGAIN: somebody listens whose queue is full just now.
            if (Connect(listener, a, (uint)address.Length) == 0 || Marshal.GetLastPInvokeError() == EAGAIN)
            {
                _ = Close(listener);
                fault = $"Another engine serves {path}; stop it or choose another data folder.";
                return null;
            }

            File.Delete(path);
            if (Bind(listener, a, (uint)address.Length) != 0 || Chmod(path, (uint)mode) != 0
                || Listen(listener, Backlog) != 0)
            {
                fault = $"The socket {path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}.";
                _ = Close(listener);
                return null;
            }
        }

        fault = null;
        return new UnixServer(path, listener, clientsMax);
    }

    /// <summary>Waits for a client, a request or room to send; takes new clients. Full slots: the newcomer is closed.</summary>
    public void Wait(int timeoutMs)
    {
        int ready;
        fixed (PollEntry* entries = _entries)
        {
            ready = Poll(entries, (nuint)_entries.Length, timeoutMs);
        }

        if (ready <= 0)
        {
            for (var i = 0; i < _entries.Length; i++)
            {
                _entries[i].Ready = 0;
            }

            return;
        }

        if (_entries[0].Ready != 0)
        {
            Accept();
        }
    }

    /// <summary>True when the slot has a client.</summary>
    public bool IsConnected(int slot) => _entries[slot + 1].Fd >= 0;

    /// <summary>True when the last <see cref="Wait"/> found something to do for the slot.</summary>
    public bool IsReady(int slot) => _entries[slot + 1].Fd >= 0 && _entries[slot + 1].Ready != 0;

    /// <summary>Asks <see cref="Wait"/> to report room for sending instead of requests.</summary>
    public void WantSend(int slot, bool isWanted) => _entries[slot + 1].Events = isWanted ? POLLOUT : POLLIN;

    /// <summary>Reads what is there. 0 = nothing now; -1 = the client has gone.</summary>
    public int Receive(int slot, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            return Result(Recv(_entries[slot + 1].Fd, to, (nuint)buffer.Length, 0), zeroIsEnd: buffer.Length > 0);
        }
    }

    /// <summary>Sends what fits. 0 = no room now; -1 = the client has gone.</summary>
    public int Send(int slot, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            return Result(SendBytes(_entries[slot + 1].Fd, from, (nuint)bytes.Length, MSG_NOSIGNAL), zeroIsEnd: false);
        }
    }

    /// <summary>Closes the slot's client.</summary>
    public void Drop(int slot)
    {
        ref var entry = ref _entries[slot + 1];
        if (entry.Fd >= 0)
        {
            _ = Close(entry.Fd);
            entry = new PollEntry { Fd = -1 };
        }
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        for (var slot = 0; slot < ClientsMax; slot++)
        {
            Drop(slot);
        }

        _ = Close(_entries[0].Fd);
        File.Delete(_path);
    }

    private void Accept()
    {
        _entries[0].Ready = 0;
        var client = Accept4(_entries[0].Fd, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0)
        {
            return;
        }

        for (var i = 1; i < _entries.Length; i++)
        {
            if (_entries[i].Fd < 0)
            {
                _entries[i] = new PollEntry { Fd = client, Events = POLLIN };
                return;
            }
        }

        _ = Close(client);
    }

    private static int Result(nint result, bool zeroIsEnd)
    {
        if (result > 0)
        {
            return (int)result;
        }

        if (result == 0)
        {
            return zeroIsEnd ? -1 : 0;
        }

        return Marshal.GetLastPInvokeError() is EAGAIN or EINTR ? 0 : -1;
    }

    private static byte[] Address(byte[] path)
    {
        // struct sockaddr_un: sa_family_t, then the path with its terminating zero.
        var address = new byte[2 + path.Length + 1];
        address[0] = AF_UNIX;
        path.CopyTo(address, 2);
        return address;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Fd;
        public short Events;
        public short Ready;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(int fd, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(int fd, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    private static partial int Listen(int fd, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static partial int Accept4(int fd, void* address, void* length, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollEntry* entries, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Recv(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint SendBytes(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Chmod(string path, uint mode);
}

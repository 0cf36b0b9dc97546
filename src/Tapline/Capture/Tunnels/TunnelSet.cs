// All tunnel listeners of a capture: opened together, each on one worker, ended together. In: orders. Out: sockets for the
// workers' sources, points for the registry, what arrived. Owner: LiveCapture. Control threads, under its lock.
//
// A raw socket is given a copy of every packet of its protocol that this host receives; it takes nothing from whoever else
// is served, so a kernel tunnel device on the same port works on. Where nobody serves a UDP port the kernel would answer the
// sender "port unreachable": a socket that drops everything stands there.
using System.Net;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Points;

namespace Tapline.Capture.Tunnels;

/// <summary>The listeners of a live capture.</summary>
internal sealed unsafe class TunnelSet : IDisposable
{
    private readonly List<Listener> _listeners = [];
    private readonly List<string> _notices = [];

    private TunnelSet()
    {
    }

    /// <summary>One order with the sockets that serve it: IPv4, IPv6 or both, and a place holder.</summary>
    private sealed record Listener(TunnelUrl Url, SelectedPoint Point, List<(TunnelSocket Socket, sock_filter[] Program)> Sockets)
    {
        public FileDescriptor? PlaceHolder { get; set; }

        public ushort PointId { get; set; }
    }

    /// <summary>The listeners as points.</summary>
    public IEnumerable<SelectedPoint> Points => _listeners.Select(l => l.Point);

    public IReadOnlyList<string> Notices => _notices;

    /// <summary>Opens all listeners; none receives yet. Null and one sentence when one cannot be opened.</summary>
    public static TunnelSet? Open(IReadOnlyList<TunnelUrl> urls, int snapLength, out string error)
    {
        error = "";
        var set = new TunnelSet();
        if (urls.Count > Limits.TunnelListenersMax)
        {
            error = $"{urls.Count} tunnel listeners are more than the {Limits.TunnelListenersMax} that one engine serves.";
        }

        foreach (var url in urls)
        {
            if (error.Length > 0 || !set.Add(url, snapLength, out error))
            {
                set.Dispose();
                return null;
            }
        }

        return set;
    }

    /// <summary>The sockets of one worker: a listener's frames are all that one worker's, so that conversations stay whole.</summary>
    public TunnelSocket[] SocketsOf(int worker, int workers) =>
        [.. _listeners.Where((_, i) => i % workers == worker).SelectMany(l => l.Sockets).Select(s => s.Socket)];

    /// <summary>The listener's point has its identifier: it receives from now on, if it did not before.</summary>
    public void Begin(SelectedPoint point, ushort id)
    {
        var listener = _listeners.Find(l => ReferenceEquals(l.Point, point));
        if (listener is null || listener.PointId != 0)
        {
            return;
        }

        listener.PointId = id;
        foreach (var (socket, program) in listener.Sockets)
        {
            socket.PointId = id;
            if (!socket.Attach(program))
            {
                _notices.Add($"`{listener.Url.Text}` does not listen: the kernel refuses its filter.");
            }
        }
    }

    /// <summary>No packet is queued from now on; what waits can still be leased.</summary>
    public void StopArrivals()
    {
        foreach (var (socket, _) in _listeners.SelectMany(l => l.Sockets))
        {
            socket.Attach(TunnelFilter.Nothing);
        }
    }

    /// <summary>What arrived at a listener: frames handed out and frames dropped. False for other points. Allocation-free.</summary>
    public bool TryReadArrived(ushort pointId, out PointArrived arrived)
    {
        arrived = new PointArrived { PointId = pointId };
        for (var i = 0; i < _listeners.Count; i++)
        {
            var listener = _listeners[i];
            if (listener.PointId != pointId)
            {
                continue;
            }

            for (var s = 0; s < listener.Sockets.Count; s++)
            {
                var socket = listener.Sockets[s].Socket;
                // Drops last: what is lost meanwhile is then outstanding, never negative.
                var (frames, bytes) = socket.ReadTaken();
                arrived.Frames += frames + socket.ReadDrops();
                arrived.Bytes += bytes;
            }

            return true;
        }

        return false;
    }

    public void Dispose()
    {
        foreach (var listener in _listeners)
        {
            listener.Sockets.ForEach(s => s.Socket.Dispose());
            listener.PlaceHolder?.Dispose();
        }
    }

    private bool Add(TunnelUrl url, int snapLength, out string error)
    {
        var link = new LinkInfo { Index = 0, Name = url.Text, Flags = Netlink.IFF_UP };
        var listener = new Listener(
            url, new SelectedPoint(link, PointKind.Tunnel, null, null, NeedsPromiscuousMode: false), []);
        _listeners.Add(listener);
        error = "";
        foreach (var isV6 in (bool[])[false, true])
        {
            var family = isV6 ? System.Net.Sockets.AddressFamily.InterNetworkV6 : System.Net.Sockets.AddressFamily.InterNetwork;
            if ((url.Address is { } address && address.AddressFamily != family) || TunnelFilter.Build(url, isV6) is not { } program)
            {
                continue;
            }

            if (OpenSocket(url, isV6, snapLength, out var why) is { } socket)
            {
                listener.Sockets.Add((socket, program));
            }
            else
            {
                error = why;
            }
        }

        // A kernel without IPv6 listens on IPv4; a listener without any socket is a mistake.
        if (listener.Sockets.Count == 0)
        {
            return false;
        }

        error = "";
        if (url.IsUdp)
        {
            listener.PlaceHolder = OpenPlaceHolder(url);
        }

        return true;
    }

    private static TunnelSocket? OpenSocket(TunnelUrl url, bool isV6, int snapLength, out string error)
    {
        var protocol = url.IsUdp ? ReceiveNative.IPPROTO_UDP : ReceiveNative.IPPROTO_GRE;
        var socket = new FileDescriptor(SystemCalls.SocketOpen(
            isV6 ? Socket.AF_INET6 : Socket.AF_INET, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC | Socket.SOCK_NONBLOCK, protocol));
        if (socket.IsInvalid)
        {
            error = SystemCalls.LastError is SystemCalls.EPERM or SystemCalls.EACCES
                ? $"`{url.Text}` needs root or the capability CAP_NET_RAW; start Tapline as root or give it the capability."
                : $"`{url.Text}`: the kernel opens no raw socket: {SystemError.Describe(SystemCalls.LastError)}.";
            return null;
        }

        var receiver = new TunnelSocket(socket, isV6, protocol, snapLength);
        if (!receiver.Attach(TunnelFilter.Nothing) || !Configure(socket, isV6) || !Bind(socket, isV6, url.Address, port: 0))
        {
            error = SystemCalls.LastError == ReceiveNative.EADDRNOTAVAIL
                ? $"`{url.Text}`: {url.Address} is no address of this host; name one of `ip address`, or none to listen on all."
                : $"`{url.Text}` cannot listen: {SystemError.Describe(SystemCalls.LastError)}.";
            receiver.Dispose();
            return null;
        }

        receiver.Forget();
        error = "";
        return receiver;
    }

    private static bool Configure(FileDescriptor socket, bool isV6)
    {
        // Beyond rmem_max where we may; else what the host allows.
        if (!Set(socket, Socket.SOL_SOCKET, Socket.SO_RCVBUFFORCE, Limits.TunnelBufferBytes))
        {
            _ = Set(socket, Socket.SOL_SOCKET, Socket.SO_RCVBUF, Limits.TunnelBufferBytes);
        }

        return Set(socket, Socket.SOL_SOCKET, ReceiveNative.SO_TIMESTAMPNS, 1)
            && (!isV6 || (Set(socket, ReceiveNative.SOL_IPV6, ReceiveNative.IPV6_RECVPKTINFO, 1)
                && Set(socket, ReceiveNative.SOL_IPV6, ReceiveNative.IPV6_RECVHOPLIMIT, 1)));
    }

    private FileDescriptor? OpenPlaceHolder(TunnelUrl url)
    {
        var isV6 = url.Address is null or { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 };
        var holder = OpenUdp(isV6) ?? OpenUdp(isV6 = false);
        if (holder is not null && TunnelSocket.Attach(holder, TunnelFilter.Nothing)
            && (!isV6 || Set(holder, ReceiveNative.SOL_IPV6, ReceiveNative.IPV6_V6ONLY, url.Address is null ? 0 : 1))
            && Bind(holder, isV6, url.Address, url.Port))
        {
            return holder;
        }

        if (holder is not null && SystemCalls.LastError == ReceiveNative.EADDRINUSE)
        {
            _notices.Add(
                $"`{url.Text}`: UDP port {url.Port} is also served by another program or a tunnel device (`ss -lnup`, "
                + "`ip -d link`); both get its packets.");
        }

        holder?.Dispose();
        return null;
    }

    private static FileDescriptor? OpenUdp(bool isV6)
    {
        var socket = new FileDescriptor(SystemCalls.SocketOpen(
            isV6 ? Socket.AF_INET6 : Socket.AF_INET, Socket.SOCK_DGRAM | Socket.SOCK_CLOEXEC, 0));
        return socket.IsInvalid ? null : socket;
    }

    private static bool Set(FileDescriptor socket, int level, int option, int value) =>
        SystemCalls.SetSocketOption(socket.Number, level, option, &value, sizeof(int)) == 0;

    // struct sockaddr_in: family, port, address; struct sockaddr_in6: family, port, flow, address, scope.
    private static bool Bind(FileDescriptor socket, bool isV6, IPAddress? address, int port)
    {
        const int SockaddrInBytes = 16;
        const int SockaddrIn6Bytes = 28;
        if (address is null && port == 0)
        {
            return true;
        }

        var bytes = stackalloc byte[SockaddrIn6Bytes];
        var span = new Span<byte>(bytes, SockaddrIn6Bytes);
        span.Clear();
        System.Runtime.InteropServices.MemoryMarshal.Write(span, (ushort)(isV6 ? Socket.AF_INET6 : Socket.AF_INET));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(span[2..], (ushort)port);
        if (address is not null)
        {
            address.TryWriteBytes(span[(isV6 ? 8 : 4)..], out _);
            if (isV6)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(span[24..], (uint)address.ScopeId);
            }
        }

        return SystemCalls.Bind(socket.Number, bytes, isV6 ? (uint)SockaddrIn6Bytes : SockaddrInBytes) == 0;
    }
}

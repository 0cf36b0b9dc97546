// A stream for whoever connects (`wireshark -k -i TCP@HOST:PORT`): each client gets a pcapng section of its own that begins
// when it comes, from a buffer of its own. A slow client loses packets, counted, and slows nobody. Without a client no
// packet is made at all. The stream's thread; the listener is opened on a control thread, in whose namespace it stays.
using System.Net;
using System.Net.Sockets;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Streams;
using Tapline.Mirror.Targets;
using static Tapline.Base.Kernel.Socket;
using Socket = System.Net.Sockets.Socket;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Owns the listener and its clients' connections.</summary>
internal sealed unsafe class ListenerSink : StreamSink
{
    /// <summary>When the session ends, a client may read nothing for so long, and take so long in all.</summary>
    private const long EndIdleNs = Clock.SecondNs / 2;
    private const long EndNs = 3 * Clock.SecondNs;
    private const int EndPollMs = 50;
    private const int Backlog = 16;

    /// <summary>Before the next client is taken when descriptors had run out.</summary>
    private const long AcceptPauseNs = Clock.SecondNs;
    private readonly Socket _listener;
    private readonly StreamParts _parts;
    private readonly List<StreamSubscriber> _clients = [];
    private IReadOnlyList<StreamClient> _infos = [];
    private long _acceptAfterNs;

    private ListenerSink(Socket listener, StreamParts parts)
    {
        _listener = listener;
        _parts = parts;
        IsRead = false;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<StreamClient> Clients => Volatile.Read(ref _infos);

    /// <summary>Listens; null and one sentence when the address or port cannot be had.</summary>
    public static ListenerSink? Open(PcapOverIpTarget target, StreamParts parts, out string? error)
    {
        var endPoint = new IPEndPoint(target.Address, target.Port);
        Socket? listener = null;
        try
        {
            listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };

            // The last session's connections in TIME_WAIT do not keep its port.
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(endPoint);
            listener.Listen(Backlog);
            error = null;
            return new ListenerSink(listener, parts);
        }
        catch (SocketException e)
        {
            listener?.Dispose();
            error = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"Somebody listens on {endPoint} already; give another port.",
                SocketError.AddressNotAvailable => $"{target.Address} is no address of this host; `ip address` lists them.",
                SocketError.AccessDenied => $"Listening on port {target.Port} needs root, or a port above 1023.",
                _ => $"{endPoint} cannot be listened on: {e.Message}.",
            };
            return null;
        }
    }

    /// <inheritdoc/>
    public override DropReason Take(StreamChunk chunk)
    {
        var isTaken = false;
        for (var c = _clients.Count - 1; c >= 0; c--)
        {
            isTaken |= _clients[c].TryTake(chunk);
            if (!_clients[c].TrySend())
            {
                Drop(c);
            }
        }

        return isTaken ? DropReason.None : _clients.Count > 0 ? DropReason.Busy : DropReason.Unwanted;
    }

    /// <inheritdoc/>
    public override int PacketsWanted()
    {
        // Under load the thread never waits, so newcomers are looked for here as well.
        Serve(0);
        return int.MaxValue;
    }

    /// <inheritdoc/>
    public override void Wait(int timeoutMs)
    {
        Serve(timeoutMs);
        _parts.Wake.Wait(0);
    }

    /// <inheritdoc/>
    public override void End()
    {
        _clients.ForEach(c => c.PutEnding());
        var start = Clock.MonotonicNs();
        var moved = start;
        long waiting;
        for (long before = 0; (waiting = _clients.Sum(c => c.Waiting)) > 0; before = waiting)
        {
            var now = Clock.MonotonicNs();
            moved = waiting == before ? moved : now;
            if (now - moved > EndIdleNs || now - start > EndNs)
            {
                break;
            }

            Serve(EndPollMs);
        }

        while (_clients.Count > 0)
        {
            Drop(_clients.Count - 1);
        }
    }

    public override void Dispose()
    {
        OwnConnections.Replace(this, []);
        _clients.ForEach(c => c.Dispose());
        _listener.Dispose();
    }

    private void Serve(int timeoutMs)
    {
        var count = _clients.Count;
        var descriptors = stackalloc pollfd[Limits.StreamClientsMax + 2];
        descriptors[0] = new pollfd { fd = _parts.Wake.Descriptor, events = POLLIN };
        var listener = Clock.MonotonicNs() >= _acceptAfterNs ? (int)_listener.Handle : -1;
        descriptors[1] = new pollfd { fd = listener, events = POLLIN };
        for (var c = 0; c < count; c++)
        {
            var events = _clients[c].Waiting > 0 ? POLLIN | POLLOUT : POLLIN;
            descriptors[c + 2] = new pollfd { fd = _clients[c].Descriptor, events = (short)events };
        }

        if (SystemCalls.Poll(descriptors, (nuint)count + 2, timeoutMs) <= 0)
        {
            return;
        }

        for (var c = count - 1; c >= 0; c--)
        {
            var ready = descriptors[c + 2].revents;
            if (ready != 0 && (((ready & ~POLLOUT) != 0 && !_clients[c].TryListen()) || !_clients[c].TrySend()))
            {
                Drop(c);
            }
        }

        if (descriptors[1].revents != 0)
        {
            Accept();
        }
    }

    private void Accept()
    {
        Socket? socket = null;
        try
        {
            socket = _listener.Accept();
            if (_clients.Count < Limits.StreamClientsMax)
            {
                socket.Blocking = false;
                socket.NoDelay = true;
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                var (local, peer) = (socket.LocalEndPoint, socket.RemoteEndPoint);
                if (local is IPEndPoint ours && peer is IPEndPoint theirs)
                {
                    Welcome(new StreamSubscriber(socket, ours, theirs, _parts));
                    return;
                }
            }
        }
        catch (SocketException e)
        {
            // He has gone again, which any of these calls may notice; or there are no descriptors left, which passes too.
            _acceptAfterNs = e.SocketErrorCode == SocketError.TooManyOpenSockets ? Clock.MonotonicNs() + AcceptPauseNs : 0;
        }

        socket?.Dispose();
    }

    private void Welcome(StreamSubscriber client)
    {
        // Known as our own before its first packet.
        _clients.Add(client);
        Publish();
        if (!client.TrySend())
        {
            Drop(_clients.Count - 1);
        }
    }

    private void Drop(int client)
    {
        _clients[client].Dispose();
        _clients.RemoveAt(client);
        Publish();
    }

    private void Publish()
    {
        OwnConnections.Replace(this, [.. _clients.Select(c => c.Ports)]);
        IsRead = _clients.Count > 0;
        Volatile.Write(ref _infos, [.. _clients.Select(c => c.Info)]);
    }
}

// One client of a listening stream: its connection, what waits for it, what it lost. Its buffer takes whole chunks or
// nothing, so whatever it loses, what it reads is whole. The stream's thread.
using System.Net;
using System.Net.Sockets;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Mirror.Streams;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Owns a connection and its buffer.</summary>
internal sealed class StreamSubscriber : IDisposable
{
    private readonly Socket _socket;
    private readonly StreamInterfaces _interfaces;
    private readonly StreamTally _tally;
    private readonly NativeArray<byte> _buffer = new(Limits.StreamClientBytes);

    // Positions only ever grow; the place in the buffer is the remainder.
    private long _head;
    private long _tail;
    private int _described;

    /// <param name="socket">Its connection, owned from now on; does not block.</param>
    /// <param name="local">Our end.</param>
    /// <param name="peer">Its end.</param>
    /// <param name="parts">Of the stream.</param>
    public StreamSubscriber(Socket socket, IPEndPoint local, IPEndPoint peer, StreamParts parts)
    {
        _socket = socket;
        _interfaces = parts.Interfaces;
        _tally = new StreamTally(parts.Losses);
        _tally.Begin(Clock.NowNs());
        Info = new StreamClient(peer.ToString());
        Ports = ((ushort)local.Port, (ushort)peer.Port);
        Put(parts.Header);
    }

    /// <summary>What others see of it.</summary>
    public StreamClient Info { get; }

    /// <summary>The connection's ports, ours and its own.</summary>
    public (ushort Listener, ushort Client) Ports { get; }

    /// <summary>For poll.</summary>
    public int Descriptor => (int)_socket.Handle;

    /// <summary>Bytes that wait.</summary>
    public long Waiting => _tail - _head;

    /// <summary>Puts the chunk into the buffer, with the interfaces that the client does not know; false when there is no room.</summary>
    public bool TryTake(StreamChunk chunk)
    {
        var bytes = _interfaces.BytesFrom(_described) + chunk.Bytes.Length;
        if (bytes > Room)
        {
            _ = TrySend();
        }

        var isTaken = bytes <= Room;
        if (isTaken)
        {
            Describe();
            Put(chunk.Bytes);
            Info.CountSent(chunk.Packets);
        }
        else
        {
            Info.CountDropped(chunk.Packets);
        }

        _tally.Count(chunk, isTaken);
        return isTaken;
    }

    /// <summary>Sends what the connection takes; false when it has ended.</summary>
    public bool TrySend()
    {
        while (Waiting > 0)
        {
            var offset = (int)(_head % _buffer.Length);
            var piece = _buffer.Span.Slice(offset, (int)Math.Min(Waiting, _buffer.Length - offset));
            var sent = _socket.Send(piece, SocketFlags.None, out var error);
            if (error != SocketError.Success)
            {
                return error is SocketError.WouldBlock or SocketError.Interrupted;
            }

            _head += sent;
        }

        return true;
    }

    /// <summary>Reads and forgets what the client says, of which nothing is expected; false when it has gone.</summary>
    public bool TryListen()
    {
        Span<byte> nothing = stackalloc byte[512];
        var count = _socket.Receive(nothing, SocketFlags.None, out var error);
        return error is SocketError.WouldBlock or SocketError.Interrupted || (error == SocketError.Success && count > 0);
    }

    /// <summary>Puts the last blocks into the buffer, as far as there is room.</summary>
    public void PutEnding()
    {
        _tally.End(_interfaces);
        var ending = new byte[_tally.Bytes(_interfaces)];
        _tally.Write(ending, _interfaces, Clock.NowNs());
        if (_interfaces.BytesFrom(_described) + ending.Length <= Room)
        {
            Describe();
            Put(ending);
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _buffer.Dispose();
    }

    private long Room => _buffer.Length - Waiting;

    private void Describe()
    {
        while (_described < _interfaces.Count)
        {
            Put(_interfaces.Block(_described++));
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        Invariant.Check(bytes.Length <= Room);
        var offset = (int)(_tail % _buffer.Length);
        var first = Math.Min(bytes.Length, _buffer.Length - offset);
        bytes[..first].CopyTo(_buffer.Span[offset..]);
        bytes[first..].CopyTo(_buffer.Span);
        _tail += bytes.Length;
    }
}

// A connection to ovsdb-server (RFC 7047) over its Unix socket. In: JSON-RPC messages as bytes. Out: whole messages, parsed.
// A message is at most Limits.OvsdbMessageBytesMax long; anything else that the other side does wrong ends the connection
// with a sentence. One thread at a time; the owner disposes it.
using System.Net.Sockets;
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Capture.Ovs;

/// <summary>One connection to a database server.</summary>
internal sealed class OvsdbClient : IDisposable
{
    private const int FirstBufferBytes = 64 * 1024;
    private const int SendTimeoutMs = 2000;
    private static readonly JsonDocumentOptions s_bounded = new() { MaxDepth = 32 };
    private readonly System.Net.Sockets.Socket _socket;
    private byte[] _buffer = new byte[FirstBufferBytes];
    private JsonFraming _framing;
    private int _length;
    private int _scanned;
    private int _lastId;

    private OvsdbClient(System.Net.Sockets.Socket socket) => _socket = socket;

    /// <summary>Why the connection is of no use any more; null while it is.</summary>
    public string? Fault { get; private set; }

    /// <summary>Connects, or returns null and a sentence that names the mend.</summary>
    public static OvsdbClient? Connect(string path, out string error)
    {
        var socket = new System.Net.Sockets.Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            SendTimeout = SendTimeoutMs,
        };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            error = "";
            return new OvsdbClient(socket);
        }
        catch (SocketException problem)
        {
            socket.Dispose();
            error = problem.SocketErrorCode switch
            {
                SocketError.AccessDenied =>
                    $"Open vSwitch's database at {path} is not open to this user; run as root or join the socket's group.",
                _ when !File.Exists(path) =>
                    $"There is no Open vSwitch database at {path}; start ovsdb-server, or name its socket (--ovs-database).",
                _ => $"Open vSwitch's database at {path} does not answer; start ovsdb-server, or name its socket (--ovs-database).",
            };
        }
        catch (ArgumentException)
        {
            socket.Dispose();
            error = $"{path} is too long for the path of a socket; name a shorter one.";
        }

        return null;
    }

    /// <summary>Sends a request; returns its number, or 0 with <see cref="Fault"/> set.</summary>
    public int Request(string method, Action<Utf8JsonWriter> writeParams)
    {
        var id = ++_lastId;
        return Send(json =>
        {
            json.WriteNumber("id", id);
            json.WriteString("method", method);
            json.WriteStartArray("params");
            writeParams(json);
            json.WriteEndArray();
        }) ? id : 0;
    }

    /// <summary>
    /// The next message, or null when none came in time or the connection ended (<see cref="Fault"/>). Echo requests, by
    /// which the server looks whether we live, are answered here. The caller disposes the document.
    /// </summary>
    public JsonDocument? Receive(int timeoutMs)
    {
        while (Fault is null)
        {
            if (TakeMessage() is { } message)
            {
                if (!IsEcho(message))
                {
                    return message;
                }

                message.Dispose();
                continue;
            }

            if (Fault is not null || !Fill(timeoutMs))
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Sends a request and waits for its answer; null with <see cref="Fault"/> or in time without one.</summary>
    public JsonDocument? Call(string method, Action<Utf8JsonWriter> writeParams, int timeoutMs)
    {
        var id = Request(method, writeParams);
        var started = Environment.TickCount64;
        while (id != 0 && Environment.TickCount64 - started <= timeoutMs)
        {
            var left = timeoutMs - (int)(Environment.TickCount64 - started);
            if (Receive(Math.Max(left, 0)) is not { } message)
            {
                return null;
            }

            if (message.RootElement.TryGetProperty("id", out var number) && number.ValueKind == JsonValueKind.Number
                && number.TryGetInt32(out var value) && value == id)
            {
                return message;
            }

            message.Dispose();
        }

        return null;
    }

    public void Dispose() => _socket.Dispose();

    private bool Send(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        try
        {
            var left = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
            while (left.Length > 0)
            {
                left = left[_socket.Send(left)..];
            }

            return true;
        }
        catch (SocketException problem)
        {
            Fault = $"Open vSwitch's database went away: {problem.SocketErrorCode}.";
            return false;
        }
    }

    private bool Fill(int timeoutMs)
    {
        if (_length == _buffer.Length)
        {
            if (_buffer.Length >= Limits.OvsdbMessageBytesMax)
            {
                Fault = $"Open vSwitch's database sent a message of more than {Limits.OvsdbMessageBytesMax >> 20} MiB.";
                return false;
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        try
        {
            if (!_socket.Poll(TimeSpan.FromMilliseconds(timeoutMs), SelectMode.SelectRead))
            {
                return false;
            }

            var received = _socket.Receive(_buffer.AsSpan(_length));
            _length += received;
            Fault = received == 0 ? "Open vSwitch's database closed the connection." : null;
        }
        catch (SocketException problem)
        {
            Fault = $"Open vSwitch's database went away: {problem.SocketErrorCode}.";
        }

        return Fault is null;
    }

    private JsonDocument? TakeMessage()
    {
        var end = _framing.FindEnd(_buffer.AsSpan(_scanned, _length - _scanned));
        if (end == -1)
        {
            _scanned = _length;
            return null;
        }

        try
        {
            if (end > 0)
            {
                // The document reads from its memory for as long as it lives: it gets a copy.
                var length = _scanned + end;
                var message = JsonDocument.Parse(_buffer.AsSpan(0, length).ToArray(), s_bounded);
                _buffer.AsSpan(length, _length - length).CopyTo(_buffer);
                _length -= length;
                _scanned = 0;
                if (message.RootElement.ValueKind == JsonValueKind.Object)
                {
                    return message;
                }

                message.Dispose();
            }
        }
        catch (JsonException)
        {
            // Told below, like every message that is none.
        }

        Fault = "What listens on Open vSwitch's socket does not speak its protocol (RFC 7047).";
        return null;
    }

    private bool IsEcho(JsonDocument message)
    {
        if (!OvsdbValue.IsText(message.RootElement, "method", "echo"))
        {
            return false;
        }

        Send(json =>
        {
            Copy("id", "id");
            Copy("result", "params");
            json.WriteNull("error");

            void Copy(string name, string from)
            {
                json.WritePropertyName(name);
                if (message.RootElement.TryGetProperty(from, out var value))
                {
                    value.WriteTo(json);
                }
                else
                {
                    json.WriteNullValue();
                }
            }
        });
        return true;
    }
}

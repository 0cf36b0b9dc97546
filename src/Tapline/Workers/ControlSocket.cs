// The engine's only ear: `DATA/engine.sock`, one request a line, one answer a line (docs/formats/engine-socket.md).
// One thread of its own serves a fixed number of clients. A line that is too long, a client that does not read its
// answer in time or one too many: closed. Nothing a client sends can make the engine allocate without bound or wait.
using System.Text.Json;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Workers;

/// <summary>Serves the engine's socket on its own thread until disposed.</summary>
internal sealed class ControlSocket : IDisposable
{
    private const int ClientsMax = 16;
    private const int Mode = 0b110_110_000;
    private const int WaitMs = 100;
    private const long SlowClientNs = 5 * Clock.SecondNs;

    private readonly UnixServer _server;
    private readonly IControlAnswers _answers;
    private readonly Client[] _clients = new Client[ClientsMax];

    // One answer at a time is made here and mostly sent at once; a slow client's rest waits in memory of its own.
    private readonly JsonLine _line = new();
    private readonly Utf8JsonWriter _json;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    private ControlSocket(UnixServer server, IControlAnswers answers)
    {
        _server = server;
        _answers = answers;
        _json = new Utf8JsonWriter(_line, new JsonWriterOptions { SkipValidation = true });
        for (var slot = 0; slot < ClientsMax; slot++)
        {
            _clients[slot] = new Client();
        }

        _thread = new Thread(Serve) { Name = "tapline-control", IsBackground = true };
    }

    /// <summary>Opens the socket and starts serving; null with a sentence when it cannot.</summary>
    public static ControlSocket? Open(string path, IControlAnswers answers, out string? fault)
    {
        var server = UnixServer.Open(path, ClientsMax, Mode, out fault);
        if (server is null)
        {
            return null;
        }

        var socket = new ControlSocket(server, answers);
        socket._thread.Start();
        return socket;
    }

    /// <summary>Stops serving, closes all clients and removes the path.</summary>
    public void Dispose()
    {
        _isStopping = true;
        if (Environment.CurrentManagedThreadId != _thread.ManagedThreadId)
        {
            _thread.Join();
        }

        _server.Dispose();
    }

    private void Serve()
    {
        // See Supervisor: code that runs once a second is compiled for good now, not half a minute later.
        for (var i = 0; i < Supervisor.WarmUpTurns; i++)
        {
            Answer(ControlRequest.Parse("{\"verb\":\"snapshot\",\"top\":1}"u8));
            Answer(ControlRequest.Parse("{\"verb\":\"?\"}"u8));
            _answers.WarmUp(_json);
        }

        _line.Clear();
        while (!_isStopping)
        {
            _server.Wait(WaitMs);
            for (var slot = 0; slot < ClientsMax; slot++)
            {
                if (_server.IsConnected(slot))
                {
                    Serve(slot);
                }
            }
        }
    }

    private void Serve(int slot)
    {
        var client = _clients[slot];
        if (client.HasUnsent)
        {
            if (_server.IsReady(slot))
            {
                SendRest(slot, client);
            }
            else if (Clock.MonotonicNs() - client.AnsweredNs > SlowClientNs)
            {
                Drop(slot, client);
            }
        }
        else if (_server.IsReady(slot))
        {
            Receive(slot, client);
        }
    }

    private void Receive(int slot, Client client)
    {
        var count = _server.Receive(slot, client.Request.AsSpan(client.RequestLength));
        if (count < 0)
        {
            Drop(slot, client);
            return;
        }

        client.RequestLength += count;
        AnswerNextLine(slot, client);
    }

    /// <summary>Answers one line; further ones wait until its answer is sent, so a client cannot pile up work.</summary>
    private void AnswerNextLine(int slot, Client client)
    {
        while (!client.HasUnsent)
        {
            var end = client.Request.AsSpan(0, client.RequestLength).IndexOf((byte)'\n');
            if (end < 0)
            {
                if (client.RequestLength == client.Request.Length)
                {
                    Drop(slot, client);
                }

                return;
            }

            Answer(ControlRequest.Parse(client.Request.AsSpan(0, end)));
            client.RequestLength -= end + 1;
            client.Request.AsSpan(end + 1, client.RequestLength).CopyTo(client.Request);
            SendAnswer(slot, client);
        }
    }

    private void Answer(in ControlRequest request)
    {
        _line.Clear();
        _json.Reset();
        _json.WriteStartObject();
        switch (request.Verb)
        {
            case ControlVerb.Snapshot:
                _answers.WriteSnapshot(_json);
                break;
            case ControlVerb.Flows:
                _answers.WriteFlows(_json, request.Top);
                break;
            case ControlVerb.Mirrors:
                _answers.WriteMirrors(_json);
                break;
            case ControlVerb.MirrorAdd:
                AnswerOrder(_answers.AddMirror(request.Mirror!));
                break;
            case ControlVerb.MirrorRemove:
                AnswerOrder(_answers.RemoveMirror(request.Session!));
                break;
            case ControlVerb.Stop:
                _json.WriteBoolean("stopping"u8, true);
                _answers.RequestStop();
                break;
            default:
                _json.WriteString("error"u8, request.Mistake);
                break;
        }

        _json.WriteEndObject();
        _json.Flush();
        _line.Append((byte)'\n');
    }

    /// <summary>What is in force after an order, or why it was refused.</summary>
    private void AnswerOrder(string? mistake)
    {
        if (mistake is null)
        {
            _answers.WriteMirrors(_json);
        }
        else
        {
            _json.WriteString("error"u8, mistake);
        }
    }

    private void SendAnswer(int slot, Client client)
    {
        var rest = _line.Written;
        while (rest.Length > 0)
        {
            var sent = _server.Send(slot, rest);
            if (sent < 0)
            {
                Drop(slot, client);
                return;
            }

            if (sent == 0)
            {
                client.Keep(rest);
                _server.WantSend(slot, true);
                return;
            }

            rest = rest[sent..];
        }
    }

    private void SendRest(int slot, Client client)
    {
        var sent = _server.Send(slot, client.Unsent);
        if (sent < 0)
        {
            Drop(slot, client);
            return;
        }

        client.Sent += sent;
        if (!client.HasUnsent)
        {
            _server.WantSend(slot, false);
            AnswerNextLine(slot, client);
        }
    }

    private void Drop(int slot, Client client)
    {
        _server.Drop(slot);
        client.Reset();
    }

    /// <summary>One slot's request, and what could not be sent yet; kept for the slot's next client.</summary>
    private sealed class Client
    {
        public readonly byte[] Request = new byte[ControlRequest.LineBytesMax];
        private JsonLine? _rest;
        public int RequestLength;
        public int Sent;
        public long AnsweredNs;

        public bool HasUnsent => _rest is not null && Sent < _rest.Length;

        public ReadOnlySpan<byte> Unsent => _rest!.Written[Sent..];

        public void Keep(ReadOnlySpan<byte> rest)
        {
            _rest ??= new JsonLine();
            _rest.Clear();
            rest.CopyTo(_rest.GetSpan(rest.Length));
            _rest.Advance(rest.Length);
            Sent = 0;
            AnsweredNs = Clock.MonotonicNs();
        }

        public void Reset()
        {
            _rest?.Clear();
            Sent = 0;
            RequestLength = 0;
        }
    }
}

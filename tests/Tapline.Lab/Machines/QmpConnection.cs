// QEMU's machine protocol as the lab's operator speaks it: one JSON object a line on a Unix socket, first the greeting,
// then one answer for each command; events that come in between are kept for who waits for them.
// Owner: the machine; Dispose closes. One thread at a time. Every wait has a limit.
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tapline.Lab.Net;

namespace Tapline.Lab.Machines;

/// <summary>A connection to one QEMU.</summary>
internal sealed class QmpConnection : IDisposable
{
    private const int AnswerTimeoutMs = 20_000;
    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly List<JsonElement> _events = [];

    private QmpConnection(Socket socket)
    {
        _socket = socket;
        _reader = new StreamReader(new NetworkStream(socket));
    }

    /// <summary>Connects when the socket is there and leaves the negotiation mode.</summary>
    public static QmpConnection Open(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = AnswerTimeoutMs,
        };
        LabWait.Until(
            () =>
            {
                try
                {
                    socket.Connect(new UnixDomainSocketEndPoint(path));
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "QEMU's machine protocol socket");
        var connection = new QmpConnection(socket);
        connection.Read();
        connection.Execute("qmp_capabilities");
        return connection;
    }

    /// <summary>Runs a command; throws with QEMU's words when it is refused. Returns its answer.</summary>
    public JsonElement Execute(string command, object? arguments = null)
    {
        var request = JsonSerializer.Serialize(new { execute = command, arguments = arguments ?? new { } });
        _socket.Send(Encoding.UTF8.GetBytes(request + "\n"));
        while (true)
        {
            var answer = Read();
            if (answer.TryGetProperty("return", out var value))
            {
                return value;
            }

            if (answer.TryGetProperty("error", out var error))
            {
                throw new InvalidOperationException($"{command}: {error.GetProperty("desc").GetString()}");
            }

            _events.Add(answer);
        }
    }

    /// <summary>Waits for an event that names the device, whether it came before or comes now.</summary>
    public void WaitForEvent(string name, string device)
    {
        while (!_events.Any(e => e.GetProperty("event").GetString() == name
            && e.GetProperty("data").TryGetProperty("device", out var id) && id.GetString() == device))
        {
            _events.Add(Read());
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }

    private JsonElement Read() => JsonDocument.Parse(
        _reader.ReadLine() ?? throw new InvalidOperationException("QEMU closed its machine protocol socket")).RootElement;
}

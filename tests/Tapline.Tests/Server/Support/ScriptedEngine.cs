// Stands where the engine's socket stands and answers from a script: recorded answers, and the faults that an engine
// process can have (silence, nonsense, a closed connection). For tests of what talks to the engine, nothing else.
using System.Net.Sockets;
using System.Text;

namespace Tapline.Tests.Server.Support;

/// <summary>A Unix socket with an answer for each request line. Null from the script closes the connection.</summary>
internal sealed class ScriptedEngine : IDisposable
{
    /// <summary>Ends an answer whose line is never finished.</summary>
    public const char NoLineEnd = (char)3;

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly Func<string, string?> _answer;
    private readonly string _path;
    private int _connections;

    public ScriptedEngine(string path, Func<string, string?> answer)
    {
        _path = path;
        _answer = answer;
        File.Delete(path);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _ = AcceptAsync();
    }

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>A snapshot with one VM port whose counters grow by a known step with each reading.</summary>
    public static Func<string, string?> Growing(string vm, string point = "vnet0", int framesPerReading = 1000)
    {
        var readings = 0L;
        return request =>
        {
            if (request.Contains("flows", StringComparison.Ordinal))
            {
                return Flows(vm);
            }

            var n = Interlocked.Increment(ref readings);
            return Snapshot(vm, point, n * framesPerReading, n * 1_000_000_000);
        };
    }

    public static string Snapshot(string vm, string point, long frames, long uptimeNs, long dropped = 0, int pid = 42) => $$"""
        {"time":"2026-01-01T00:00:00.000000000Z","node":"testnode","version":"0.1.0","uptime_ns":{{uptimeNs}},"pid":{{pid}},
        "points":[{"id":1,"point":{{Quoted(point)}},"kind":"vm_port","switch":"br0","vm":{{Quoted(vm)}},"state":"up",
        "arrived":{{frames + dropped}},"dropped_ring":{{dropped}},"captured":{{frames}},"captured_bytes":{{frames * 100}},
        "segments":{{frames}},"analysed":{{frames}},"undecodable":0,"recorded":0,"dropped_recorder":0}],
        "mirrors":[{"session":"m1","to":"nic:eth2","filter":"tcp","state":"up","offered":{{frames}},"sent":{{frames - 3}},
        "sent_wire_frames":{{frames - 3}},"sent_bytes":0,"filtered":2,"sampled_out":0,"dropped":{"busy":1} }],
        "flows":{"active":7,"created":9,"evicted":0,"capacity":1024,"records_written":2,"records_dropped":0},
        "verdicts":{"transport":{{frames}} },"workers":[{"worker":0,"cpu":0,"frames":{{frames}},"batches":1,"ring_bytes":1}],
        "allocated_bytes":0,"gc_collections":0}
        """.ReplaceLineEndings("");

    public static string Flows(string vm) => $$"""
        {"flows":[{"flow_id":"18446744073709551615","protocol":"tcp","initiator_ip":"10.0.0.1","initiator_port":40000,
        "initiator_vm":{{Quoted(vm)}},"responder_ip":"10.0.0.2","responder_port":80,"app":"http","bits_per_second":1500000,
        "initiator_frames":10,"responder_frames":20,"initiator_bytes":1000,"responder_bytes":2000,
        "initiator_retransmissions":3,"responder_retransmissions":0}]}
        """.ReplaceLineEndings("");

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        File.Delete(_path);
    }

    private static string Quoted(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptAsync(_end.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(connection);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var ending = _end.Token.Register(connection.Dispose);
        try
        {
            using var stream = new NetworkStream(connection, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            while (await reader.ReadLineAsync() is { } request)
            {
                if (_answer(request) is not { } answer)
                {
                    return;
                }

                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer.EndsWith(NoLineEnd) ? answer[..^1] : answer + "\n"));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The client went first.
        }
    }
}

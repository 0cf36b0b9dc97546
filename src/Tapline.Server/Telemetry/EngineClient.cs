// Asks the engine over DATA/engine.sock: one request a line, one answer a line (docs/formats/engine-socket.md). One
// connection, used by one request at a time; whatever goes wrong closes it and the next request connects anew, so an
// engine that restarts is found again without any state here. Every request has a deadline; an answer has a size limit.
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Tapline.Server.Telemetry;

/// <summary>A patient client of one engine. Any thread; requests are taken one after another.</summary>
internal sealed class EngineClient(string socketPath, TimeSpan? timeout = null) : IAsyncDisposable
{
    /// <summary>An answer for the most points an engine may have, with room to spare.</summary>
    private const int AnswerBytesMax = 16 * 1024 * 1024;

    private readonly TimeSpan _timeout = timeout ?? TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private byte[] _buffer = new byte[16 * 1024];
    private Socket? _connection;

    public Task<EngineSnapshot> SnapshotAsync(CancellationToken stop = default) =>
        AskAsync("{\"verb\":\"snapshot\"}\n", TelemetryJson.Default.EngineSnapshot, stop);

    public async Task<IReadOnlyList<FlowRow>> FlowsAsync(int top, CancellationToken stop = default) =>
        (await AskAsync($"{{\"verb\":\"flows\",\"top\":{top}}}\n", TelemetryJson.Default.FlowList, stop)).Flows;

    /// <summary>Sends a request line about mirror sessions; the answer is those in force afterwards.</summary>
    public Task<MirrorList> MirrorsAsync(string request, CancellationToken stop = default) =>
        AskAsync(request, TelemetryJson.Default.MirrorList, stop);

    public Task<EngineReply> StopAsync(CancellationToken stop = default) =>
        AskAsync("{\"verb\":\"stop\"}\n", TelemetryJson.Default.EngineReply, stop);

    public ValueTask DisposeAsync()
    {
        Disconnect();
        _oneAtATime.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<T> AskAsync<T>(string request, JsonTypeInfo<T> type, CancellationToken stop)
        where T : class
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await _oneAtATime.WaitAsync(stop);
        try
        {
            deadline.CancelAfter(_timeout);
            var answer = await ExchangeAsync(Encoding.UTF8.GetBytes(request), deadline.Token);
            return Read(answer.Span, type);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            Disconnect();
            throw new EngineUnavailableException(
                $"The engine does not answer within {_timeout.TotalSeconds:0.#} s; it may be stopped or overloaded.");
        }
        catch (Exception e) when (e is SocketException or JsonException or IOException and not EngineUnavailableException)
        {
            Disconnect();
            throw new EngineUnavailableException(Explain(e), e);
        }
        catch
        {
            Disconnect();
            throw;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Sends one line and reads one. A connection that the engine closed meanwhile is replaced once.</summary>
    private async Task<ReadOnlyMemory<byte>> ExchangeAsync(byte[] request, CancellationToken stop)
    {
        var kept = _connection is not null;
        try
        {
            return await ExchangeOnceAsync(request, stop);
        }
        catch (Exception e) when (kept && e is SocketException or EndOfStreamException)
        {
            Disconnect();
            return await ExchangeOnceAsync(request, stop);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ExchangeOnceAsync(byte[] request, CancellationToken stop)
    {
        var connection = _connection ??= await ConnectAsync(stop);
        for (var sent = 0; sent < request.Length;)
        {
            sent += await connection.SendAsync(request.AsMemory(sent), stop);
        }

        var length = 0;
        while (true)
        {
            if (length == _buffer.Length)
            {
                if (length >= AnswerBytesMax)
                {
                    throw new EngineUnavailableException("The engine's answer is larger than any engine's should be.");
                }

                Array.Resize(ref _buffer, Math.Min(length * 2, AnswerBytesMax));
            }

            var read = await connection.ReceiveAsync(_buffer.AsMemory(length), stop);
            if (read == 0)
            {
                throw new EndOfStreamException();
            }

            var end = _buffer.AsSpan(length, read).IndexOf((byte)'\n');
            length += read;
            if (end >= 0)
            {
                // One answer a request: bytes after the line would be an answer that nobody asked for.
                return _buffer.AsMemory(0, length - read + end);
            }
        }
    }

    private async Task<Socket> ConnectAsync(CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), stop);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static T Read<T>(ReadOnlySpan<byte> answer, JsonTypeInfo<T> type)
        where T : class
    {
        if (answer.StartsWith("{\"error\""u8))
        {
            var reply = JsonSerializer.Deserialize(answer, TelemetryJson.Default.EngineReply);
            throw new EngineUnavailableException("The engine refuses: " + (reply?.Error ?? "no reason given"));
        }

        return JsonSerializer.Deserialize(answer, type) ?? throw new JsonException("null");
    }

    private string Explain(Exception cause) => cause switch
    {
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            $"This user may not open {socketPath}; run as the engine's user or group.",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            $"The engine behind {socketPath} has ended; start it again with `tapline engine` or `tapline up`.",
        SocketException when !File.Exists(socketPath) =>
            $"No engine runs here ({socketPath} does not exist); start one with `tapline engine` or `tapline up`.",
        EndOfStreamException => "The engine closed the connection; it may be ending or starting anew.",
        JsonException => "The engine's answer is not understood; the two halves may be of different versions.",
        _ => $"The engine cannot be asked: {cause.Message}.",
    };

    private void Disconnect()
    {
        _connection?.Dispose();
        _connection = null;
    }
}

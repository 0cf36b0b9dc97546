// `tapline engine` under test: started in a namespace with options as an operator would give them, asked over its socket,
// stopped with SIGTERM, its ledger and flow records read afterwards. Owner: the test; Dispose removes its data folder.
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Store;

namespace Tapline.Lab.Nodes;

/// <summary>A running engine.</summary>
internal sealed class LabEngine : IDisposable
{
    private readonly LabProcess _process;

    private LabEngine(LabProcess process, string data)
    {
        _process = process;
        Data = data;
    }

    /// <summary>The data folder.</summary>
    public string Data { get; }

    public int ProcessId => _process.Id;

    /// <summary>Starts an engine in <paramref name="space"/> and waits until so many points are up.</summary>
    public static LabEngine Start(NetNamespace space, int points, params string[] options)
    {
        var data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
        var process = space.Start([
            TaplineProgram.Path(), "engine", "--json", "--data", data, .. options,
            .. options.Contains("--canary") ? Array.Empty<string>() : ["--canary", "off"],
        ]);
        var engine = new LabEngine(process, data);
        try
        {
            LabWait.Until(
                () => process.HasExited || engine.PointsUp() >= points,
                () => $"{points} points to be up; so far {engine.PointsUp()}: {process.Error}");
            return process.HasExited ? throw new InvalidOperationException($"the engine ended: {process.Error}") : engine;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>What it has told its operator so far.</summary>
    public string Error => _process.Error;

    /// <summary>The engine's figures now; null when it does not answer.</summary>
    public JsonElement? Snapshot() => Ask(System.IO.Path.Combine(Data, "engine.sock"), "{\"verb\":\"snapshot\"}");

    /// <summary>The sum of a field over all points, now.</summary>
    public long Sum(string field) =>
        Snapshot()?.GetProperty("points").EnumerateArray().Sum(point => point.GetProperty(field).GetInt64()) ?? -1;

    /// <summary>Waits until the engine has worked off as many frames as the switch let in.</summary>
    public void WaitForAnalysed(long frames) => LabWait.Until(
        () => Sum("analysed") + Sum("dropped_ring") >= frames,
        () => $"{frames} frames to be analysed, so far {Sum("analysed")}, lost {Sum("dropped_ring")}");

    /// <summary>SIGTERM; returns the ledger that it prints.</summary>
    public JsonElement Stop() => Stop(signal: 15);

    /// <summary>Ends it with a signal; returns its ledger.</summary>
    public JsonElement Stop(int signal)
    {
        _process.Signal(signal);
        var exitCode = _process.WaitForExit();
        return exitCode == 0
            ? JsonDocument.Parse(_process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement
            : throw new InvalidOperationException($"the engine ended with {exitCode}: {_process.Error}");
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        _process.Signal(9);
        _process.WaitForExit();
    }

    /// <summary>All flow records that it has written so far.</summary>
    public List<FlowRecord> Flows()
    {
        var reader = new SpoolReader(System.IO.Path.Combine(Data, "spool"));
        var flows = new List<FlowRecord>();
        foreach (var name in reader.List())
        {
            if (reader.Read(name, out var batch, out var fault) != SpoolReadResult.Batch)
            {
                throw new InvalidOperationException(fault);
            }

            flows.AddRange(batch!.Flows);
        }

        return flows;
    }

    /// <summary>One request to an engine's socket; null when nobody answers.</summary>
    public static JsonElement? Ask(string path, string request)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Send(Encoding.UTF8.GetBytes(request + "\n"));
            using var reader = new StreamReader(new NetworkStream(socket), Encoding.UTF8);
            return reader.ReadLine() is { } line ? JsonDocument.Parse(line).RootElement : null;
        }
        catch (Exception problem) when (problem is SocketException or IOException or JsonException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _process.Dispose();
        Directory.Delete(Data, recursive: true);
    }

    private int PointsUp() => Snapshot()?.GetProperty("points").EnumerateArray()
        .Count(point => point.GetProperty("state").GetString() == "up") ?? 0;
}

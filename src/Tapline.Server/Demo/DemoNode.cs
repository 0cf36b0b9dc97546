// The node that watches the demo's switch: `tapline up` as an operator would start it, in a process of its own, with all
// VM ports and the host's own traffic as points, a mirror to the tool port and a recording. Asked for figures over its
// socket (docs/formats/engine-socket.md). Stopped with SIGTERM.
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tapline.Server.Demo;

/// <summary>`tapline up` under the demo.</summary>
internal sealed partial class DemoNode
{
    private const string RecordBudget = "256MB";
    private const int ConsolePort = 7777; // where `up` puts the console when nothing else is said
    private static readonly TimeSpan s_startTimeMax = TimeSpan.FromSeconds(60);
    private readonly DemoProcess _process;
    private readonly string _socket;

    private DemoNode(DemoProcess process, string socket)
    {
        _process = process;
        _socket = socket;
    }

    /// <summary>The console's address with its token, as the node printed it; empty when it printed none.</summary>
    public string Console { get; private set; } = "";

    public bool HasExited => _process.HasExited;

    public string LastWords => string.Join(" / ", _process.Lines.TakeLast(5));

    /// <summary>Starts the node and waits until all points are attached and the console says where it is.</summary>
    public static async Task<DemoNode> StartAsync(
        DemoJournal journal, DemoNetwork network, string data, string? listen, CancellationToken stop)
    {
        List<string> command =
        [
            Environment.ProcessPath!, "up", "--data", data, "--point", $"bridge:{network.Bridge}",
            "--to", $"nic:{network.ToolPort}", "--record", "--budget", RecordBudget,
        ];
        if ((listen ?? OtherPort()) is { } address)
        {
            command.AddRange(["--listen", address]);
        }

        var node = new DemoNode(
            DemoProcess.Start(journal, "the node", space: null, [.. command]), Path.Combine(data, "engine.sock"));
        var pointsWanted = DemoNetwork.Vms.Length + 1; // each VM's port, and the host's own traffic into the bridge
        await node._process.WaitAsync(
            process =>
            {
                node.Console = process.Lines.Select(line => Address().Match(line).Value).FirstOrDefault(a => a.Length > 0) ?? "";
                return node.Console.Length > 0 && node.PointsUp() >= pointsWanted;
            },
            s_startTimeMax,
            stop);
        return node;
    }

    /// <summary>The engine's figures now; null when it does not answer.</summary>
    public JsonElement? Snapshot()
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };
            socket.Connect(new UnixDomainSocketEndPoint(_socket));
            socket.Send("{\"verb\":\"snapshot\"}\n"u8);
            var answer = new MemoryStream();
            var buffer = new byte[16 * 1024];
            int count;
            while ((count = socket.Receive(buffer)) > 0)
            {
                answer.Write(buffer, 0, count);
                if (buffer[count - 1] == '\n')
                {
                    break;
                }
            }

            return JsonDocument.Parse(Encoding.UTF8.GetString(answer.ToArray())).RootElement;
        }
        catch (Exception problem) when (problem is SocketException or JsonException)
        {
            return null;
        }
    }

    /// <summary>SIGTERM and wait for its end; returns the exit code.</summary>
    public Task<int> StopAsync() => _process.StopAsync();

    /// <summary>A free loopback address when the console's usual port is taken, by another node say; null when it is free.</summary>
    private static string? OtherPort()
    {
        foreach (var port in (int[])[ConsolePort, 0])
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port == 0 ? listener.LocalEndpoint.ToString() : null;
            }
            catch (SocketException)
            {
                // Taken: the kernel chooses another.
            }
        }

        return null;
    }

    private int PointsUp() => Snapshot() is { } snapshot && snapshot.TryGetProperty("points", out var points)
        ? points.EnumerateArray().Count(point => point.GetProperty("state").GetString() == "up")
        : 0;

    [GeneratedRegex(@"https?://[0-9a-zA-Z\[]\S+")]
    private static partial Regex Address();
}

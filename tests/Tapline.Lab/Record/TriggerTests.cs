// Triggers on a real conversation with a real server: a loss that a switch port makes sets one off while the connection runs, another
// gets the whole conversation although it fires in its middle, and neither a stop nor a kill loses a file.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class TriggerTests : IDisposable
{
    private const int Port = 6379;
    private const string Server = "10.9.0.2";

    // A client that sends each line of its input and prints the first line of the answer.
    private const string Client = """
        exec 3<>/dev/tcp/10.9.0.2/6379
        while read -r line; do printf '%s\r\n' "$line" >&3; read -r answer <&3; echo "$answer"; done
        """;

    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
    private NetNamespace? _host;
    private NetNamespace? _client;
    private NetNamespace? _server;
    private Bridge? _bridge;
    private string _serverPort = "";

    private string Recording => Path.Combine(_data, "recording");

    [Fact]
    public void A_loss_fires_while_the_connection_runs_and_a_whole_conversation_is_whole()
    {
        Prepare();
        using var engine = Record(
            "--trigger", $"lossy;when=tcp port {Port} and retransmissions > 0 and event retransmission;before=1s;after=100ms",
            "--trigger", $"talk;when=tcp dst port {Port} and len > 300;scope=flow;before=0s;after=0s");
        Say(_client!.Start("bash", "-c", Client), "PING", "another");
        using var talk = _client.Start("bash", "-c", Client);
        Say(talk, "SET before 1");
        Say(talk, "SET large " + new string('x', 400));
        LabWait.Until(() => Holds().Contains("trigger talk", StringComparison.Ordinal), "the talk's hold");

        // The port forwards nothing for as long as a retransmission takes.
        _host!.Run("bridge", "link", "set", "dev", _serverPort, "state", "0");
        var answers = talk.Output.Length;
        talk.Input.WriteLine("SET lost 2");
        talk.Input.Flush();
        LabWait.Until(() => Holds().Contains("trigger lossy", StringComparison.Ordinal), () => $"the loss to be seen: {engine.Error}");
        Assert.Equal(answers, talk.Output.Length);
        _host.Run("bridge", "link", "set", "dev", _serverPort, "state", "3");
        LabWait.Until(() => talk.Output.Length > answers, "the lost command's answer");
        Say(talk, "SET after 3");
        talk.Input.Close();
        Assert.Equal(0, talk.WaitForExit());
        var ledger = Stop(engine);

        // The engine has ended before the files were due.
        var flows = Flows("query", $"tcp port {Port}", "--data", _data, "--what", "flows", "--json");
        Assert.Equal(2, flows.Count);
        var whole = flows.MaxBy(Frames);
        var made = Assert.Single(Flows("read", Assert.Single(Files("talk")), "--what", "flows", "--json"));
        Assert.Equal("closed", made.GetProperty("state").GetString());
        Assert.Equal(Frames(whole), Frames(made));
        Assert.Equal(
            (whole.GetProperty("start").GetString(), whole.GetProperty("end").GetString()),
            (made.GetProperty("start").GetString(), made.GetProperty("end").GetString()));
        Assert.Contains($"\"until\": \"{whole.GetProperty("end").GetString()}\"", Holds());
        Assert.Contains("Trigger talk (", File.ReadAllText(Files("talk")[0]));
        foreach (var trigger in ledger.GetProperty("recorder").GetProperty("triggers").EnumerateArray())
        {
            Assert.Equal((1, 1), (trigger.GetProperty("fired").GetInt32(), trigger.GetProperty("files").GetInt32()));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_data, "triggers"), ".*"));
        Assert.False(File.Exists(Path.Combine(_data, "triggers", "due.json")));
    }

    [Fact]
    public void A_file_that_was_due_at_a_kill_is_made_by_the_next_start()
    {
        Prepare();
        string[] trigger = ["--trigger", $"ping;when=tcp dst port {Port} and tcp[tcpflags] & tcp-push != 0;after=5m"];
        using (var engine = Record(trigger))
        {
            Say(_client!.Start("bash", "-c", Client), "PING");
            LabWait.Until(() => File.Exists(Path.Combine(_data, "triggers", "due.json")), "the file to be due");
            LabWait.Until(() => Directory.GetFiles(Recording, ".*.pcapng").Any(Has("PING")), "the frame to be on disk");
            engine.Signal(9);
            engine.WaitForExit();
        }

        Assert.Empty(Files("ping"));
        using var again = Record(trigger);
        Stop(again);
        Assert.Contains("due when the engine ended last", again.Error);
        var file = File.ReadAllText(Assert.Single(Files("ping")));
        Assert.Contains("PING", file);
        Assert.Contains("The engine ended at", file);
    }

    public void Dispose()
    {
        _bridge?.Dispose();
        _client?.Dispose();
        _server?.Dispose();
        _host?.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private void Prepare()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("redis-server", "bridge", "bash");
        (_host, _client, _server) = (NetNamespace.Create("h"), NetNamespace.Create("c"), NetNamespace.Create("s"));
        _bridge = Bridge.Create(_host);
        _bridge.AddPort(_client, "10.9.0.1/24");
        _serverPort = _bridge.AddPort(_server, Server + "/24").Near;
        var redis = _server.Start(
            "redis-server", "--port", $"{Port}", "--bind", Server, "--protected-mode", "no", "--save", "", "--dir", _data);
        redis.WaitForLine(line => line.Contains("Ready to accept", StringComparison.OrdinalIgnoreCase));
    }

    private LabProcess Record(params string[] options)
    {
        var process = _host!.Start(
            [TaplineProgram.Path(), "record", "--from", $"bridge:{_bridge!.Name}", "--data", _data, "--json", .. options]);
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal),
            () => $"the recorder to be ready: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        return process;
    }

    // Each command's answer is awaited.
    private static void Say(LabProcess client, params string[] commands)
    {
        foreach (var command in commands)
        {
            var before = client.Output.Length;
            client.Input.WriteLine(command);
            client.Input.Flush();
            LabWait.Until(() => client.Output.Length > before || client.HasExited, $"the answer to {command}");
        }
    }

    private static JsonElement Stop(LabProcess process)
    {
        process.Signal(15);
        Assert.True(process.WaitForExit() == 0, process.Error);
        return JsonDocument.Parse(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
    }

    private string Holds()
    {
        var file = Path.Combine(Recording, "holds.json");
        return File.Exists(file) ? File.ReadAllText(file) : "";
    }

    private static Func<string, bool> Has(string text) => file => File.ReadAllText(file).Contains(text, StringComparison.Ordinal);

    private string[] Files(string trigger) => Directory.Exists(Path.Combine(_data, "triggers"))
        ? Directory.GetFiles(Path.Combine(_data, "triggers"), trigger + "-*.pcapng") : [];

    private static List<JsonElement> Flows(params string[] words) =>
    [
        .. LabCommand.Run([TaplineProgram.Path(), .. words]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement),
    ];

    private static long Frames(JsonElement flow) =>
        flow.GetProperty("initiator_frames").GetInt64() + flow.GetProperty("responder_frames").GetInt64();
}

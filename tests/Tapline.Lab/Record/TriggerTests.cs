// A trigger on a real switch: a connection that is reset is held, and its packets, whole, are in a file of their own that says the same
// as the whole recording.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class TriggerTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    [Fact]
    public void AConnectionThatIsRefusedIsGivenOutAsAFile()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump");
        using var host = NetNamespace.Create("h");
        using var client = NetNamespace.Create("c");
        using var server = NetNamespace.Create("s");
        using var bridge = Bridge.Create(host);
        using var a = bridge.AddPort(client, "10.7.0.1/24");
        using var b = bridge.AddPort(server, "10.7.0.2/24");
        var recorder = host.Start(
            TaplineProgram.Path(), "record", "--from", $"bridge:{bridge.Name}", "--data", _data, "--workers", "1", "--trigger",
            "refused;when=tcp[tcpflags] & tcp-rst != 0;scope=flow;before=1s;after=500ms;hold=1h");
        LabWait.Until(() => recorder.Error.Contains("Recording", StringComparison.Ordinal), () => recorder.Error);
        client.Run("ping", "-c", "3", "-i", "0.2", "10.7.0.2");
        client.TryRun(["bash", "-c", "exec 3<>/dev/tcp/10.7.0.2/5432"]);
        JsonElement? incident = null;
        LabWait.Until(
            () => (incident = Incident(host)) is { } found && found.GetProperty("state").GetString() != "open",
            () => $"the extract: {recorder.Error}");
        Assert.Equal("extracted", incident!.Value.GetProperty("state").GetString());
        var file = incident.Value.GetProperty("file").GetString()!;
        recorder.Signal(15);
        Assert.Equal(0, recorder.WaitForExit());

        // SYN and RST, seen where each entered the switch; nothing of the pings.
        var lines = LabCommand.Run("tcpdump", "-nr", file, "--number").Trim().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Contains("Flags [S]", lines[0], StringComparison.Ordinal);
        Assert.Contains("Flags [R", lines[1], StringComparison.Ordinal);
        var whole = LabCommand.Run(
            "tcpdump", "-nr", Assert.Single(Directory.GetFiles(Path.Combine(_data, "recording"), "2*.pcapng")), "--number", "tcp");
        Assert.Equal(lines, whole.Trim().Split('\n'));
        var holds = host.Run(TaplineProgram.Path(), "hold", "list", "--data", _data);
        Assert.Contains("trigger refused", holds, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private JsonElement? Incident(NetNamespace host)
    {
        var output = host.Run(TaplineProgram.Path(), "triggers", "--data", _data, "--json").Trim();
        return output.Length == 0 ? null : JsonDocument.Parse(output.Split('\n')[0]).RootElement;
    }
}

// `tapline record --compress --encrypt` on a real switch, killed in the middle and started again: what a query gives afterwards is what
// entered, and nothing of it can be read from the disk.
using System.Globalization;
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class AtRestTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    private string Key => Path.Combine(_data, "key");

    private string Recording => Path.Combine(_data, "recording");

    [Fact]
    public void A_killed_encrypted_recording_is_repaired_and_only_its_key_opens_it()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("capinfos");
        using var host = NetNamespace.Create("h");
        using var client = NetNamespace.Create("c");
        using var server = NetNamespace.Create("s");
        using var bridge = Bridge.Create(host);
        _ = bridge.AddPort(client, "10.9.0.1/24");
        _ = bridge.AddPort(server, "10.9.0.2/24");
        var program = TaplineProgram.Path();
        var id = LabCommand.Run(program, "key", "new", Key).Trim();
        Assert.Equal(2, LabCommand.TryRun(program, "record", "--from", "x", "--data", _data, "--compress", "zip").ExitCode);

        using (var killed = Start(program, host, bridge))
        {
            TcpTransfer.Run(client, server, "10.9.0.2", 5001, 2_000_000);
            LabWait.Until(() => Count(program).GetProperty("frames").GetInt64() > 20, "frames to be on disk");
            killed.Signal(9);
            killed.WaitForExit();
        }

        var answer = Count(program);
        Assert.True(answer.GetProperty("frames").GetInt64() > 0, answer.ToString());
        using (var again = Start(program, host, bridge))
        {
            TcpTransfer.Run(client, server, "10.9.0.2", 5002, 200_000);
            again.Signal(15);
            Assert.Equal(0, again.WaitForExit());
            var account = JsonDocument.Parse(again.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
            Assert.True(account.GetProperty("recorder").GetProperty("recovered_segments").GetInt32() >= 1, account.ToString());
        }

        Assert.Empty(Directory.GetFiles(Recording, "*.pcapng"));
        Assert.NotEmpty(Directory.GetFiles(Recording, "2*.recovered.tlz"));
        var recovered = Count(program).GetProperty("frames").GetInt64();
        Assert.True(recovered > answer.GetProperty("frames").GetInt64());
        var extract = Path.Combine(_data, "all.pcapng");
        LabCommand.Run(program, "query", "", "--data", _data, "--write", extract);
        var counted = LabCommand.Run("capinfos", "-Tcr", extract).Split('\t')[^1].Trim();
        Assert.Equal(recovered, long.Parse(counted, CultureInfo.InvariantCulture));

        File.Move(Key, Key + "2");
        var (exitCode, _, error) = LabCommand.TryRun(program, "query", "", "--data", _data, "--what", "count");
        Assert.Equal(1, exitCode);
        Assert.Contains(id, error, StringComparison.Ordinal);
        Assert.Equal(recovered, Count(program, "--key", Key + "2").GetProperty("frames").GetInt64());
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private LabProcess Start(string program, NetNamespace host, Bridge bridge)
    {
        var process = host.Start(
            [program, "record", "--from", $"bridge:{bridge.Name}", "--data", _data, "--compress", "lz4", "--encrypt", Key, "--json"]);
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal),
            () => $"the recorder to be ready: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        return process;
    }

    private JsonElement Count(string program, params string[] options) => JsonDocument.Parse(
        LabCommand.Run([program, "query", "", "--data", _data, "--what", "count", "--json", .. options])).RootElement;
}

// `tapline verify` on what a real engine recorded: intact after kill -9, while retention removes, and for extracts; not intact after a
// flipped byte of a segment, of an index, of an extract. As an operator would: by exit codes and JSON.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class EvidenceTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
    private readonly NetNamespace _client;
    private readonly NetNamespace _server;
    private readonly NetNamespace _host;
    private readonly Bridge _bridge;
    private int _transfers;

    public EvidenceTests()
    {
        LabNeeds.Namespaces();
        _client = NetNamespace.Create("c");
        _server = NetNamespace.Create("s");
        _host = NetNamespace.Create("h");
        _bridge = Bridge.Create(_host);
        _bridge.AddPort(_client, "10.9.0.1/24");
        _bridge.AddPort(_server, "10.9.0.2/24");
    }

    private string Recording => Path.Combine(_data, "recording");

    [Fact]
    public void What_an_engine_recorded_is_proven_through_kill_retention_and_extract()
    {
        using (var engine = Record())
        {
            Transfer(60_000_000);
            LabWait.Until(() => Verify(0).GetProperty("segments").GetInt64() > 0, "a segment with its seal");
            LabWait.Until(() => Removed(Verify(0)) > 0, "retention to remove a segment");
            engine.Signal(9);
            engine.WaitForExit();
        }

        Verify(0);
        using (var engine = Record())
        {
            Transfer(3_000_000);
            engine.Signal(15);
            Assert.Equal(0, engine.WaitForExit());
        }

        var result = Verify(0);
        Assert.Equal(Directory.GetFiles(Recording, "*.pcapng").Length, result.GetProperty("segments").GetInt32());
        Assert.Equal(0, result.GetProperty("not_sealed_yet").GetInt32());
        Assert.InRange(
            result.GetProperty("recovered").GetInt32(), Directory.GetFiles(Recording, "*.recovered.pcapng").Length, int.MaxValue);

        var extract = Path.Combine(_data, "case.pcapng");
        var query = LabCommand.TryRun(TaplineProgram.Path(), "query", "tcp", "--data", _data, "--write", extract);
        Assert.True(query.ExitCode == 0, query.Error);
        Verify(0, extract, "--key", Path.Combine(_data, "node.pub"));
        Verify(0, extract, "--data", _data);
        var manifest = JsonDocument.Parse(File.ReadAllBytes(extract + ".manifest.json")).RootElement;
        Assert.All(manifest.GetProperty("segments").EnumerateArray(), s => Assert.Equal(64, s.GetProperty("seal").GetString()!.Length));
        Assert.Equal("tcp", manifest.GetProperty("query").GetProperty("expression").GetString());
        Assert.StartsWith(
            manifest.GetProperty("sha256").GetString()!, LabCommand.Run("sha256sum", extract), StringComparison.Ordinal);
        Flip(extract);
        Assert.Equal("altered", Kind(Verify(1, extract, "--data", _data)));

        var segment = Directory.GetFiles(Recording, "*.pcapng").Order(StringComparer.Ordinal)
            .First(s => new FileInfo(s).Length > 2 << 20 && File.Exists(Path.ChangeExtension(s, ".tlx")));
        Flip(Path.ChangeExtension(segment, ".tlx"));
        Assert.Equal("index", Kind(Verify(1)));
        Flip(Path.ChangeExtension(segment, ".tlx"));
        Flip(segment);
        var finding = Assert.Single(Verify(1).GetProperty("findings").EnumerateArray());
        Assert.Equal("altered", finding.GetProperty("kind").GetString());
        Assert.Equal(Path.GetFileName(segment), finding.GetProperty("file").GetString());
        Assert.InRange(
            new FileInfo(segment).Length / 2, finding.GetProperty("offset_first").GetInt64(),
            finding.GetProperty("offset_last").GetInt64());
    }

    public void Dispose()
    {
        _bridge.Dispose();
        _client.Dispose();
        _server.Dispose();
        _host.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private LabProcess Record()
    {
        var process = _host.Start(
            [TaplineProgram.Path(), "record", "--from", $"bridge:{_bridge.Name}", "--data", _data, "--budget", "32M"]);
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal),
            () => $"the recorder to be ready: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        return process;
    }

    private void Transfer(long bytes) => Assert.Equal(bytes, TcpTransfer.Run(_client, _server, "10.9.0.2", 5001 + _transfers++, bytes));

    private JsonElement Verify(int exitCode, params string[] arguments)
    {
        var words = arguments.Length == 0 ? ["--data", _data] : arguments;
        var run = LabCommand.TryRun([TaplineProgram.Path(), "verify", "--json", .. words]);
        Assert.True(run.ExitCode == exitCode, run.Output + run.Error);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static long Removed(JsonElement result) =>
        result.GetProperty("removed_by_rules").GetInt64() + result.GetProperty("removed_unsealed").GetInt64();

    private static string? Kind(JsonElement result) =>
        Assert.Single(result.GetProperty("findings").EnumerateArray()).GetProperty("kind").GetString();

    private static void Flip(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = file.Length / 2;
        var value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 0x10));
    }
}

// The engine's socket as a client meets it: right answers, and every way in which an engine can fail to give one.
using Tapline.Server.Telemetry;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server;

public class EngineClientTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadsSnapshotAndFlowsOverOneConnection()
    {
        using var folder = new TemporaryFolder();
        using var engine = new ScriptedEngine(folder["engine.sock"], ScriptedEngine.Growing("web01"));
        await using var client = new EngineClient(folder["engine.sock"]);

        var snapshot = await client.SnapshotAsync(Stop);
        var flows = await client.FlowsAsync(5, Stop);

        var point = Assert.Single(snapshot.Points);
        Assert.Equal(("vnet0", "web01", "vm_port", 1000L), (point.Name, point.Vm, point.Kind, point.Captured));
        Assert.Equal(1, snapshot.Mirrors[0].Dropped["busy"]);
        var flow = Assert.Single(flows);
        Assert.Equal(ulong.MaxValue, flow.FlowId);
        Assert.Equal(3, flow.InitiatorRetransmissions);
        Assert.Equal(1, engine.Connections);
    }

    [Fact]
    public async Task WhatAnAnswerLeavesOutIsEmpty()
    {
        using var folder = new TemporaryFolder();
        const string Answer = "{\"mirrors\":[{\"session\":\"m1\",\"to\":\"nic:x\"}]}";
        using var engine = new ScriptedEngine(folder["engine.sock"], _ => Answer);
        await using var client = new EngineClient(folder["engine.sock"]);
        var snapshot = await client.SnapshotAsync(Stop);
        var mirror = Assert.Single(snapshot.Mirrors);
        Assert.Empty(mirror.From);
        Assert.Empty(mirror.Dropped);
        Assert.Empty(snapshot.Points);
        Assert.Empty(snapshot.Workers);
        Assert.Empty(snapshot.Verdicts);
        Assert.Empty((await client.MirrorsAsync("{}\n", Stop)).Mirrors[0].From);
    }

    [Fact]
    public async Task AnAbsentEngineIsOneSentenceThatSaysWhatToStart()
    {
        using var folder = new TemporaryFolder();
        await using var client = new EngineClient(folder["engine.sock"]);
        var refusal = await Assert.ThrowsAsync<EngineUnavailableException>(() => client.SnapshotAsync(Stop));
        Assert.Contains("tapline engine", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnEngineThatRestartsIsFoundAgain()
    {
        using var folder = new TemporaryFolder();
        await using var client = new EngineClient(folder["engine.sock"]);
        using (new ScriptedEngine(folder["engine.sock"], ScriptedEngine.Growing("first")))
        {
            Assert.Equal("first", (await client.SnapshotAsync(Stop)).Points[0].Vm);
        }

        await Assert.ThrowsAsync<EngineUnavailableException>(() => client.SnapshotAsync(Stop));
        using var again = new ScriptedEngine(folder["engine.sock"], ScriptedEngine.Growing("second"));
        Assert.Equal("second", (await client.SnapshotAsync(Stop)).Points[0].Vm);
    }

    [Fact]
    public async Task AConnectionThatTheEngineClosedIsReplacedWithoutAnError()
    {
        using var folder = new TemporaryFolder();
        var script = ScriptedEngine.Growing("web01");
        var requests = 0;
        using var engine = new ScriptedEngine(
            folder["engine.sock"], r => Interlocked.Increment(ref requests) == 2 ? null : script(r));
        await using var client = new EngineClient(folder["engine.sock"]);
        _ = await client.SnapshotAsync(Stop);
        _ = await client.SnapshotAsync(Stop);
        Assert.Equal(2, engine.Connections);
    }

    [Theory]
    [InlineData("not json at all", "not understood")]
    [InlineData("null", "not understood")]
    [InlineData("{\"points\":17}", "not understood")]
    [InlineData("{\"error\":\"unknown verb\"}", "unknown verb")]
    public async Task NonsenseIsASentence(string answer, string word)
    {
        using var folder = new TemporaryFolder();
        using var engine = new ScriptedEngine(folder["engine.sock"], _ => answer);
        await using var client = new EngineClient(folder["engine.sock"]);
        var refusal = await Assert.ThrowsAsync<EngineUnavailableException>(() => client.SnapshotAsync(Stop));
        Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SilenceEndsAtTheDeadlineAndTheNextAnswerIsNotTheOldOne()
    {
        using var folder = new TemporaryFolder();
        var script = ScriptedEngine.Growing("web01");
        var requests = 0;
        using var engine = new ScriptedEngine(
            folder["engine.sock"],
            r => Interlocked.Increment(ref requests) == 1 ? "{\"node\":" + ScriptedEngine.NoLineEnd : script(r));
        await using var client = new EngineClient(folder["engine.sock"], TimeSpan.FromMilliseconds(200));
        var refusal = await Assert.ThrowsAsync<EngineUnavailableException>(() => client.SnapshotAsync(Stop));
        Assert.Contains("does not answer", refusal.Message, StringComparison.Ordinal);
        await using var patient = new EngineClient(folder["engine.sock"]);
        Assert.Equal("testnode", (await patient.SnapshotAsync(Stop)).Node);
    }

    [Fact]
    public async Task AnAnswerWithoutEndIsCutOff()
    {
        using var folder = new TemporaryFolder();
        var endless = new string(' ', 20 * 1024 * 1024) + ScriptedEngine.NoLineEnd;
        using var engine = new ScriptedEngine(folder["engine.sock"], _ => endless);
        await using var client = new EngineClient(folder["engine.sock"], TimeSpan.FromSeconds(60));
        var refusal = await Assert.ThrowsAsync<EngineUnavailableException>(() => client.SnapshotAsync(Stop));
        Assert.Contains("larger", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAnswerOfManyPointsArrivesWhole()
    {
        using var folder = new TemporaryFolder();
        var points = string.Join(
            ',', Enumerable.Range(0, 4096).Select(i => $"{{\"id\":{i},\"point\":\"vnet{i}\",\"captured\":{i}}}"));
        using var engine = new ScriptedEngine(folder["engine.sock"], _ => $"{{\"points\":[{points}]}}");
        await using var client = new EngineClient(folder["engine.sock"]);
        var snapshot = await client.SnapshotAsync(Stop);
        Assert.Equal(4096, snapshot.Points.Count);
        Assert.Equal(4095, snapshot.Points[^1].Captured);
    }
}

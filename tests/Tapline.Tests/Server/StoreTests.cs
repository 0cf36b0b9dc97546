// The store takes each batch once, whole, and gives back what the record said, to the nanosecond and to the field.
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tapline.Server.Api;
using Tapline.Server.Database;
using Tapline.Store;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server;

public class StoreTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFlowComesBackAsTheSameJsonAsTheOfflineReaderPrints()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        var batch = With(
            SampleBatch.Make(flows: 1), [SampleBatch.Tcp(1, SampleBatch.StartNs), SampleBatch.Icmp(), SampleBatch.Arp()]);
        Assert.True(writer.Write(batch));

        var (flows, _) = await new FlowQueries(store).FindAsync(new FlowQuery { Sort = "start" }, Stop);
        var answer = JsonSerializer.Serialize(new FlowsAnswer(flows, null), ApiJson.Default.FlowsAnswer);
        var served = JsonNode.Parse(answer)!["flows"]!.AsArray();
        Assert.Equal(3, served.Count);
        foreach (var record in batch.Flows)
        {
            var expected = Printed(record, batch);
            var actual = served.Single(f => (string)f!["flow_id"]! == (string)expected["flow_id"]!)!;
            Assert.True(JsonNode.DeepEquals(Sorted(expected), Sorted(actual.AsObject())), $"{expected}\n{actual}");
        }
    }

    [Fact]
    public async Task BothEndsOfAFlowAreNamedAndFoundByName()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        writer.Write(SampleBatch.Make(flows: 1));
        var (flows, _) = await new FlowQueries(store).FindAsync(new FlowQuery { Vm = "db0*" }, Stop);
        var flow = Assert.Single(flows);
        Assert.Equal(("web01", "db01"), (flow.InitiatorVm, flow.ResponderVm));
    }

    [Fact]
    public void TheSameBatchTwiceIsStoredOnce()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        Assert.True(writer.Write(SampleBatch.Make()));
        Assert.False(writer.Write(SampleBatch.Make()));
        Assert.True(writer.Write(SampleBatch.Make("instance-0-2")));
        Assert.Equal(6, new FlowQueries(store).Count());
    }

    [Fact]
    public void ABatchThatFailsHalfWayLeavesNothing()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        using (var breaker = store.Connect())
        {
            StoreDatabase.Execute(breaker, "ALTER TABLE mirror_ledger RENAME TO elsewhere");
        }

        Assert.ThrowsAny<System.Data.Common.DbException>(() => writer.Write(SampleBatch.Make()));
        Assert.Equal(0, new FlowQueries(store).Count());
        using (var mender = store.Connect())
        {
            StoreDatabase.Execute(mender, "ALTER TABLE elsewhere RENAME TO mirror_ledger");
        }

        Assert.True(writer.Write(SampleBatch.Make()));
        Assert.Equal(3, new FlowQueries(store).Count());
    }

    [Fact]
    public async Task RecordsSurviveTheStoresEnd()
    {
        using var folder = new TemporaryFolder();
        using (var store = StoreDatabase.Open(folder["store.duckdb"]))
        using (var writer = new BatchWriter(store))
        {
            writer.Write(SampleBatch.Make());
        }

        using var again = StoreDatabase.Open(folder["store.duckdb"]);
        using var writerAgain = new BatchWriter(again);
        Assert.False(writerAgain.Write(SampleBatch.Make()));
        var (flows, hasMore) = await new FlowQueries(again).FindAsync(new FlowQuery { Limit = 2 }, Stop);
        Assert.Equal(2, flows.Count);
        Assert.True(hasMore);
        Assert.Equal("2026-01-01T00:00:00.123456791Z", flows[0].Start);
    }

    [Fact]
    public async Task TheLedgerBalancesOutOfTheStore()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        writer.Write(SampleBatch.Make());
        writer.Write(SampleBatch.Make("instance-1-1"));
        var answer = await new LedgerQueries(store).FindAsync(null, null, null, 10, Stop);
        var row = Assert.Single(answer.Ledger);
        Assert.Equal(("vnet0", 24L, 4L, 20L), (row.Point, row.Arrived, row.DroppedRing, row.Captured));
        Assert.Equal(row.Arrived, row.Captured + row.DroppedRing);
        Assert.Equal(row.Captured, row.Analysed + row.Undecodable);
        var mirror = Assert.Single(answer.MirrorLedger);
        Assert.Equal(mirror.Offered, mirror.Sent + mirror.Filtered + mirror.SampledOut + mirror.DroppedBusy);
        Assert.Empty((await new LedgerQueries(store).FindAsync("other", null, null, 10, Stop)).Ledger);
    }

    [Theory]
    [InlineData("address", "10.0.0.1", 3)]
    [InlineData("address", "10.0.*", 3)]
    [InlineData("address", "10.0.0.", 0)]
    [InlineData("address", "2001:db8::5", 3)]
    [InlineData("port", "443", 3)]
    [InlineData("port", "444", 0)]
    [InlineData("vm", "WEB01", 3)]
    [InlineData("vm", "w_b01", 0)]
    [InlineData("vm", "'; DROP TABLE flow; --", 0)]
    [InlineData("protocol", "tcp", 3)]
    [InlineData("app", "tls", 3)]
    [InlineData("point", "eth0", 3)]
    [InlineData("since", "2026-01-01T00:00:00Z", 3)]
    [InlineData("since", "2026-01-01T00:00:02Z", 0)]
    [InlineData("until", "2026-01-01T00:00:00Z", 0)]
    public async Task FiltersMeanWhatTheySay(string key, string value, int found)
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        writer.Write(SampleBatch.Make());
        Assert.True(FlowQuery.TryParse(k => k == key ? value : null, out var query, out _));
        Assert.Equal(found, (await new FlowQueries(store).FindAsync(query, Stop)).Flows.Count);
        Assert.Equal(3, new FlowQueries(store).Count());
    }

    [Fact]
    public async Task EverySortWorksBothWays()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        writer.Write(SampleBatch.Make());
        foreach (var sort in FlowQuery.Sorts.Keys)
        {
            var query = new FlowQuery { Sort = sort, Ascending = true };
            Assert.Equal(3, (await new FlowQueries(store).FindAsync(query, Stop)).Flows.Count);
        }
    }

    [Fact]
    public void OldRecordsLeave()
    {
        using var folder = new TemporaryFolder();
        using var store = StoreDatabase.Open(folder["store.duckdb"]);
        using var writer = new BatchWriter(store);
        writer.Write(SampleBatch.Make());
        writer.Write(SampleBatch.Make("young", startNs: SampleBatch.StartNs + 3_600_000_000_000));
        Assert.Equal(3, writer.RemoveOlder(SampleBatch.StartNs + 1_800_000_000_000));
        Assert.Equal(3, new FlowQueries(store).Count());
    }

    [Fact]
    public void AStoreOfAnotherProcessOrOfANewerProgramIsASentence()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["broken.duckdb"], "this is no database, and never was one; it is long enough to look at");
        var broken = Assert.Throws<InvalidDataException>(() => StoreDatabase.Open(folder["broken.duckdb"]));
        Assert.Contains("broken.duckdb", broken.Message, StringComparison.Ordinal);
        using (var store = StoreDatabase.Open(folder["store.duckdb"]))
        using (var connection = store.Connect())
        {
            StoreDatabase.Execute(connection, "INSERT INTO schema_version (version) VALUES (99)");
        }

        var newer = Assert.Throws<InvalidDataException>(() => StoreDatabase.Open(folder["store.duckdb"]));
        Assert.Contains("99", newer.Message, StringComparison.Ordinal);
    }

    private static SpoolBatch With(SpoolBatch batch, FlowRecord[] flows) => new()
    {
        BatchId = batch.BatchId, Node = batch.Node, Worker = batch.Worker, Sequence = batch.Sequence, FirstNs = batch.FirstNs,
        LastNs = batch.LastNs, RecordsDropped = 0, Points = batch.Points, Endpoints = batch.Endpoints,
        Sessions = batch.Sessions, Flows = flows, Ledger = batch.Ledger, MirrorLedger = batch.MirrorLedger,
    };

    private static JsonObject Printed(FlowRecord record, SpoolBatch batch)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            new FlowJsonWriter(new BatchNames(batch)).Write(json, record);
        }

        return JsonNode.Parse(Encoding.UTF8.GetString(bytes.ToArray()))!.AsObject();
    }

    private static JsonObject Sorted(JsonObject json) =>
        new(json.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));

    private sealed class BatchNames(SpoolBatch batch) : IFlowNames
    {
        public string? PointName(ushort pointId) => batch.Points.FirstOrDefault(p => p.Id == pointId)?.Name;

        public string? VmName(ushort pointId, ulong mac, IpAddress16 ip) =>
            batch.Points.FirstOrDefault(p => p.Id == pointId)?.Vm
            ?? batch.Endpoints.FirstOrDefault(e => e.Mac != 0 && e.Mac == mac)?.Name
            ?? batch.Endpoints.FirstOrDefault(e => !e.Ip.IsNone && e.Ip == ip)?.Name;
    }
}

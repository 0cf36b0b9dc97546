// From spool file to store: once each, whatever happens in between.
using Microsoft.Extensions.Logging.Abstractions;
using Tapline.Server.Config;
using Tapline.Server.Database;
using Tapline.Server.Ingest;
using Tapline.Server.WebConsole;
using Tapline.Store;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server;

public class IngestTests
{
    [Fact]
    public void EveryBatchOfTheRealSpoolWriterIsStoredOnceAndItsFileRemoved()
    {
        using var node = new Node();
        node.WriteSpool(flows: 5);
        node.Ingestor.IngestAll(CancellationToken.None);
        Assert.Equal(5, node.Flows.Count());
        Assert.Empty(node.Spool.List());
        var state = node.Ingestor.State;
        Assert.Equal((1L, 0L, 5L), (state.BatchesIngested, state.BatchesBad, state.FlowsIngested));
        Assert.NotNull(state.LagNs);
    }

    [Fact]
    public void ACrashBetweenCommitAndDeleteLosesAndRepeatsNothing()
    {
        using var node = new Node();
        node.WriteSpool(flows: 5);
        var name = node.Spool.List()[0];
        var file = Path.Combine(node.Spool.Path, name);
        var kept = File.ReadAllBytes(file);
        node.Ingestor.IngestAll(CancellationToken.None);
        // The delete never happened: the file is there again when the next console starts.
        File.WriteAllBytes(file, kept);
        node.Restart();
        node.Ingestor.IngestAll(CancellationToken.None);
        Assert.Equal(5, node.Flows.Count());
        Assert.Equal(1, node.Ingestor.State.BatchesRepeated);
        Assert.Empty(node.Spool.List());
    }

    [Fact]
    public void ADamagedBatchIsPutAsideAndStopsNoOther()
    {
        using var node = new Node();
        node.WriteSpool(flows: 2);
        node.WriteSpool(flows: 3);
        var damaged = Path.Combine(node.Spool.Path, node.Spool.List()[0]);
        var bytes = File.ReadAllBytes(damaged);
        bytes[^1] ^= 0x40;
        File.WriteAllBytes(damaged, bytes);
        node.Ingestor.IngestAll(CancellationToken.None);
        Assert.Equal(3, node.Flows.Count());
        Assert.Equal(1, node.Ingestor.State.BatchesBad);
        Assert.Empty(node.Spool.List());
        Assert.True(File.Exists(Path.Combine(node.Data.SpoolBad, Path.GetFileName(damaged))));
    }

    [Fact]
    public void AStoreThatRefusesKeepsTheBatchForTheNextRound()
    {
        using var node = new Node();
        node.WriteSpool(flows: 2);
        using (var breaker = node.Store.Connect())
        {
            StoreDatabase.Execute(breaker, "ALTER TABLE flow RENAME TO elsewhere");
        }

        node.Ingestor.IngestAll(CancellationToken.None);
        Assert.NotNull(node.Ingestor.State.Trouble);
        Assert.Single(node.Spool.List());
        using (var mender = node.Store.Connect())
        {
            StoreDatabase.Execute(mender, "ALTER TABLE elsewhere RENAME TO flow");
        }

        node.Ingestor.IngestAll(CancellationToken.None);
        Assert.Null(node.Ingestor.State.Trouble);
        Assert.Equal(2, node.Flows.Count());
    }

    /// <summary>A data folder with its store and ingest, as the console holds them.</summary>
    private sealed class Node : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private BatchWriter _writer;

        public Node()
        {
            Data = new DataFolder(_folder.Path);
            Spool = new SpoolReader(Data.Spool);
            (Store, _writer, Ingestor) = Open();
        }

        public DataFolder Data { get; }

        public SpoolReader Spool { get; }

        public StoreDatabase Store { get; private set; }

        public SpoolIngestor Ingestor { get; private set; }

        public FlowQueries Flows => new(Store);

        public void WriteSpool(int flows)
        {
            using var folder = SpoolFolder.TryOpen(Data.Spool, 1 << 26, out var error);
            Assert.True(folder is not null, error);
            using var writer = new SpoolWriter(folder, 0, "node1");
            var batch = SampleBatch.Make(flows: flows);
            foreach (var point in batch.Points)
            {
                writer.AddPoint(point);
            }

            foreach (var flow in batch.Flows)
            {
                writer.Write(flow);
            }

            writer.Close();
        }

        public void Restart()
        {
            Close();
            (Store, _writer, Ingestor) = Open();
        }

        public void Dispose()
        {
            Close();
            _folder.Dispose();
        }

        private void Close()
        {
            Ingestor.Dispose();
            _writer.Dispose();
            Store.Dispose();
        }

        private (StoreDatabase Store, BatchWriter Writer, SpoolIngestor Ingestor) Open()
        {
            var store = StoreDatabase.Open(Data.Store);
            var writer = new BatchWriter(store);
            return (store, writer, new SpoolIngestor(
                Spool, writer, new ConsoleOptions { Data = Data }, TimeProvider.System, NullLogger<SpoolIngestor>.Instance));
        }
    }
}

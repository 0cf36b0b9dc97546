// Moves finished batches from the spool folder into the store, each exactly once: read and check, one transaction, then
// delete the file. A crash between commit and delete leaves a batch that the store knows; it is deleted the next time.
// A damaged batch is put aside and named in the log; it never stops the others.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tapline.Server.Database;
using Tapline.Store;

namespace Tapline.Server.Ingest;

/// <summary>The console's ingest. Ends by emptying the spool once more, so that what the engine wrote last is kept.</summary>
internal sealed partial class SpoolIngestor(
    SpoolReader spool, BatchWriter writer, WebConsole.ConsoleOptions options, TimeProvider clock,
    ILogger<SpoolIngestor> log) : BackgroundService
{
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_retentionInterval = TimeSpan.FromHours(1);

    private readonly Dictionary<string, long> _droppedByWriter = [];
    private IngestState _state = new();
    private DateTimeOffset _nextRetention = DateTimeOffset.MinValue;

    public IngestState State => Volatile.Read(ref _state);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        IngestAll(CancellationToken.None);
    }

    /// <summary>Ingests every batch that waits now. One caller at a time.</summary>
    internal void IngestAll(CancellationToken stop)
    {
        var waiting = spool.List();
        Publish(State with { BatchesWaiting = waiting.Count, Trouble = null });
        for (var i = 0; i < waiting.Count && !stop.IsCancellationRequested; i++)
        {
            if (!IngestOne(waiting[i]))
            {
                return;
            }

            Publish(State with { BatchesWaiting = waiting.Count - i - 1 });
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Leaves the starting thread: the first pass may have a whole night's batches before it.
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            IngestAll(stoppingToken);
            Retain();
            try
            {
                await Task.Delay(s_pollInterval, clock, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <returns>False when the store or the folder refuses: the rest waits for the next round.</returns>
    private bool IngestOne(string name)
    {
        switch (spool.Read(name, out var batch, out var fault))
        {
            case SpoolReadResult.Batch:
                return Store(name, batch!);
            case SpoolReadResult.Gone:
                return true;
            case SpoolReadResult.Corrupt:
                LogCorrupt(name, fault ?? "damaged");
                Publish(State with { BatchesBad = State.BatchesBad + 1 });
                return SetAside(name);
            default:
                return Wait(fault ?? $"{name} cannot be read.");
        }
    }

    private bool Store(string name, SpoolBatch batch)
    {
        bool isNew;
        try
        {
            isNew = writer.Write(batch);
        }
        catch (System.Data.Common.DbException e)
        {
            return Wait($"The store refuses a batch: {e.Message.Split('\n')[0]}");
        }

        var state = State;
        Publish(isNew
            ? state with
            {
                BatchesIngested = state.BatchesIngested + 1,
                FlowsIngested = state.FlowsIngested + batch.Flows.Length,
                RecordsDropped = CountDropped(batch),
                LagNs = Math.Max(0, NowNs() - batch.LastNs),
            }
            : state with { BatchesRepeated = state.BatchesRepeated + 1 });
        return spool.Remove(name) || Wait($"{name} is in the store and cannot be deleted from the spool; is it writable?");
    }

    private bool SetAside(string name) =>
        spool.SetAside(name) || Wait($"{name} is damaged and cannot be moved aside; is the spool folder writable?");

    private bool Wait(string sentence)
    {
        if (State.Trouble != sentence)
        {
            LogTrouble(sentence);
        }

        Publish(State with { Trouble = sentence });
        return false;
    }

    /// <summary>Each writer tells its losses cumulatively; the batch's name starts with the writer's own.</summary>
    private long CountDropped(SpoolBatch batch)
    {
        var writerName = $"{batch.Node}/{batch.BatchId.Split('-')[0]}/{batch.Worker}";
        _droppedByWriter[writerName] = Math.Max(_droppedByWriter.GetValueOrDefault(writerName), batch.RecordsDropped);
        return _droppedByWriter.Values.Sum();
    }

    private void Retain()
    {
        if (options.RetentionDays <= 0 || clock.GetUtcNow() < _nextRetention)
        {
            return;
        }

        _nextRetention = clock.GetUtcNow() + s_retentionInterval;
        try
        {
            var removed = writer.RemoveOlder(NowNs() - (long)TimeSpan.FromDays(options.RetentionDays).TotalNanoseconds);
            if (removed > 0)
            {
                LogRetention(removed, options.RetentionDays);
            }
        }
        catch (System.Data.Common.DbException e)
        {
            LogTrouble($"Old records cannot be removed: {e.Message.Split('\n')[0]}");
        }
    }

    private long NowNs() => (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    private void Publish(IngestState state) => Volatile.Write(ref _state, state);

    [LoggerMessage(1, LogLevel.Warning, "spool: {Batch} is damaged and was put into spool/bad: {Fault}")]
    private partial void LogCorrupt(string batch, string fault);

    [LoggerMessage(2, LogLevel.Warning, "ingest: {Sentence}")]
    private partial void LogTrouble(string sentence);

    [LoggerMessage(3, LogLevel.Information, "store: {Flows} flows older than {Days} days removed")]
    private partial void LogRetention(long flows, int days);
}

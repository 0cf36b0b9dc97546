// Puts one spool batch into the store, all of it or nothing: its rows and its name stand in one transaction. A batch
// whose name is there already was ingested before its file could be deleted, and is skipped. One writer per store.
using System.Globalization;
using DuckDB.NET.Data;
using Tapline.Store;

namespace Tapline.Server.Database;

/// <summary>The store's only writer of records. One thread at a time.</summary>
internal sealed class BatchWriter : IDisposable
{
    private readonly DuckDBConnection _connection;
    private readonly StagedTable _flow;
    private readonly StagedTable _ledger;
    private readonly StagedTable _mirrorLedger;

    public BatchWriter(StoreDatabase store)
    {
        _connection = store.Connect();
        _flow = new StagedTable("flow", [.. FlowColumns.All.Select(c => (c.Name, c.StagedType, c.IsTime))]);
        _ledger = LedgerTable("ledger", "point",
        [
            "arrived", "dropped_ring", "captured", "captured_bytes", "segments", "analysed", "undecodable", "recorded",
            "dropped_recorder", "filtered_recorder",
        ]);
        _mirrorLedger = LedgerTable("mirror_ledger", "session",
        [
            "offered", "sent", "sent_wire_frames", "sent_bytes", "filtered", "sampled_out", "dropped_busy",
            "dropped_too_long", "dropped_target_down", "dropped_error", "dropped_rate_capped", "dropped_shed", "deduplicated",
            "flow_ended", "masked", "forgotten",
        ]);
        foreach (var table in (StagedTable[])[_flow, _ledger, _mirrorLedger])
        {
            StoreDatabase.Execute(_connection, table.Create);
        }
    }

    /// <returns>False when the batch had been ingested before.</returns>
    public bool Write(SpoolBatch batch)
    {
        using var transaction = _connection.BeginTransaction();
        if (IsKnown(batch.BatchId))
        {
            return false;
        }

        WriteFlows(batch);
        WriteLedger(batch);
        WriteMirrorLedger(batch);
        WritePoints(batch);
        Run("""
            INSERT INTO ingested_batch (batch_id, node, worker, sequence, first, last, flows, ledger_rows, records_dropped)
            VALUES ($1, $2, $3, $4, make_timestamp_ns($5), make_timestamp_ns($6), $7, $8, $9)
            """,
            batch.BatchId, batch.Node, batch.Worker, batch.Sequence, batch.FirstNs, batch.LastNs,
            batch.Flows.LongLength, batch.Ledger.LongLength + batch.MirrorLedger.LongLength, batch.RecordsDropped);
        transaction.Commit();
        return true;
    }

    /// <summary>Removes what is older than <paramref name="beforeNs"/>.</summary>
    /// <returns>Flows removed.</returns>
    public long RemoveOlder(long beforeNs)
    {
        using var transaction = _connection.BeginTransaction();
        var flows = Run("DELETE FROM flow WHERE \"end\" < make_timestamp_ns($1)", beforeNs);
        Run("DELETE FROM ledger WHERE time < make_timestamp_ns($1)", beforeNs);
        Run("DELETE FROM mirror_ledger WHERE time < make_timestamp_ns($1)", beforeNs);
        Run("DELETE FROM point WHERE last_seen < make_timestamp_ns($1)", beforeNs);
        // A batch's file is deleted seconds after its ingest, so an old name protects nothing any more.
        Run("DELETE FROM ingested_batch WHERE ingested < make_timestamp_ns($1)::TIMESTAMP", beforeNs);
        transaction.Commit();
        return flows;
    }

    public void Dispose() => _connection.Dispose();

    private bool IsKnown(string batchId)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM ingested_batch WHERE batch_id = $1";
        command.Parameters.Add(new DuckDBParameter(batchId));
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture) > 0;
    }

    private void WriteLedger(SpoolBatch batch)
    {
        var names = batch.Points.GroupBy(p => p.Id).ToDictionary(g => g.Key, g => g.Last().Name);
        Stage(_ledger, batch.Ledger, (row, r) => row
            .AppendValue(batch.Node).AppendValue(r.TimeNs).AppendValue(names.GetValueOrDefault(r.Point) ?? Nameless(r.Point))
            .AppendValue((int)r.Worker).AppendValue(r.Arrived).AppendValue(r.DroppedRing).AppendValue(r.Captured)
            .AppendValue(r.CapturedBytes).AppendValue(r.Segments).AppendValue(r.Analysed).AppendValue(r.Undecodable)
            .AppendValue(r.Recorded).AppendValue(r.DroppedRecorder).AppendValue(r.FilteredRecorder));
    }

    private void WriteMirrorLedger(SpoolBatch batch)
    {
        var names = batch.Sessions.GroupBy(s => s.Id).ToDictionary(g => g.Key, g => g.Last().Name);
        Stage(_mirrorLedger, batch.MirrorLedger, (row, r) => row
            .AppendValue(batch.Node).AppendValue(r.TimeNs).AppendValue(names.GetValueOrDefault(r.Session) ?? Nameless(r.Session))
            .AppendValue((int)r.Worker).AppendValue(r.Offered).AppendValue(r.Sent).AppendValue(r.SentWireFrames)
            .AppendValue(r.SentBytes).AppendValue(r.Filtered).AppendValue(r.SampledOut).AppendValue(r.DroppedBusy)
            .AppendValue(r.DroppedTooLong).AppendValue(r.DroppedTargetDown).AppendValue(r.DroppedError)
            .AppendValue(r.DroppedRateCapped).AppendValue(r.DroppedShed).AppendValue(r.Deduplicated).AppendValue(r.FlowEnded)
            .AppendValue(r.Masked).AppendValue(r.Forgotten));
    }

    private void WriteFlows(SpoolBatch batch)
    {
        var cells = new FlowCells(batch);
        Stage(_flow, batch.Flows, (row, record) =>
        {
            cells.Record = record;
            foreach (var column in FlowColumns.All)
            {
                column.Append(row, cells);
            }
        });
    }

    private void Stage<T>(StagedTable table, T[] records, Action<IDuckDBAppenderRow, T> append)
    {
        if (records.Length == 0)
        {
            return;
        }

        using (var appender = _connection.CreateAppender("temp", "main", table.Stage))
        {
            foreach (var record in records)
            {
                var row = appender.CreateRow();
                append(row, record);
                row.EndRow();
            }
        }

        Run(table.Move);
    }

    /// <summary>A point is known by node, name and VM: a VM that moves to another port is another row.</summary>
    private void WritePoints(SpoolBatch batch)
    {
        foreach (var p in batch.Points)
        {
            var seen = Run("""
                UPDATE point SET last_seen = greatest(last_seen, make_timestamp_ns($4)), kind = $5, switch = $6, vm_id = $7
                WHERE node = $1 AND point = $2 AND vm IS NOT DISTINCT FROM $3
                """,
                batch.Node, p.Name, p.Vm, batch.LastNs, p.Kind, p.Switch, p.VmId);
            if (seen == 0)
            {
                Run("""
                    INSERT INTO point VALUES ($1, $2, $3, $4, $5, $6, make_timestamp_ns($7), make_timestamp_ns($8))
                    """,
                    batch.Node, p.Name, p.Kind, p.Switch, p.Vm, p.VmId, batch.FirstNs, batch.LastNs);
            }
        }
    }

    private static StagedTable LedgerTable(string name, string of, string[] counts) => new(name,
    [
        ("node", "VARCHAR", false), ("time", "BIGINT", true), (of, "VARCHAR", false), ("worker", "INTEGER", false),
        .. counts.Select(c => (c, "BIGINT", false)),
    ]);

    private static string Nameless(ushort id) => string.Create(CultureInfo.InvariantCulture, $"#{id}");

    private int Run(string sql, params ReadOnlySpan<object?> values)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var value in values)
        {
            command.Parameters.Add(new DuckDBParameter(value ?? DBNull.Value));
        }

        return command.ExecuteNonQuery();
    }
}

// The ledger's history out of the store: one row for each whole second and point, newest first. Rows of several
// workers, and of intervals that begin in the same second, are summed, so nothing is lost from the sums.
using System.Data.Common;
using System.Globalization;
using DuckDB.NET.Data;
using Tapline.Server.Api;

namespace Tapline.Server.Database;

/// <summary>Reads the ledger. Any thread.</summary>
internal sealed class LedgerQueries(StoreDatabase store)
{
    public async Task<LedgerAnswer> FindAsync(
        string? point, DateTimeOffset? since, DateTimeOffset? until, int limit, CancellationToken stop)
    {
        using var connection = store.Connect();
        var ledger = new List<LedgerRow>();
        using (var command = Command(connection, "ledger", "point", """
            sum(arrived), sum(dropped_ring), sum(captured), sum(captured_bytes), sum(segments), sum(analysed),
            sum(undecodable), sum(recorded), sum(dropped_recorder), sum(filtered_recorder)
            """, point, since, until, limit))
        using (var reader = await command.ExecuteReaderAsync(stop))
        {
            while (await reader.ReadAsync(stop))
            {
                ledger.Add(new LedgerRow
                {
                    Time = Rfc3339.Text(reader.GetInt64(0)),
                    Point = reader.GetString(1),
                    Arrived = Sum(reader, 2),
                    DroppedRing = Sum(reader, 3),
                    Captured = Sum(reader, 4),
                    CapturedBytes = Sum(reader, 5),
                    Segments = Sum(reader, 6),
                    Analysed = Sum(reader, 7),
                    Undecodable = Sum(reader, 8),
                    Recorded = Sum(reader, 9),
                    DroppedRecorder = Sum(reader, 10),
                    FilteredRecorder = Sum(reader, 11),
                });
            }
        }

        var mirrors = new List<MirrorLedgerRow>();
        using (var command = Command(connection, "mirror_ledger", "session", """
            sum(offered), sum(sent), sum(sent_wire_frames), sum(sent_bytes), sum(filtered), sum(sampled_out),
            sum(dropped_busy), sum(dropped_too_long), sum(dropped_target_down), sum(dropped_error),
            sum(dropped_rate_capped), sum(dropped_shed), sum(deduplicated), sum(flow_ended), sum(masked), sum(forgotten)
            """, null, since, until, limit))
        using (var reader = await command.ExecuteReaderAsync(stop))
        {
            while (await reader.ReadAsync(stop))
            {
                mirrors.Add(new MirrorLedgerRow
                {
                    Time = Rfc3339.Text(reader.GetInt64(0)),
                    Session = reader.GetString(1),
                    Offered = Sum(reader, 2),
                    Sent = Sum(reader, 3),
                    SentWireFrames = Sum(reader, 4),
                    SentBytes = Sum(reader, 5),
                    Filtered = Sum(reader, 6),
                    SampledOut = Sum(reader, 7),
                    DroppedBusy = Sum(reader, 8),
                    DroppedTooLong = Sum(reader, 9),
                    DroppedTargetDown = Sum(reader, 10),
                    DroppedError = Sum(reader, 11),
                    DroppedRateCapped = Sum(reader, 12),
                    DroppedShed = Sum(reader, 13),
                    Deduplicated = Sum(reader, 14),
                    FlowEnded = Sum(reader, 15),
                    Masked = Sum(reader, 16),
                    Forgotten = Sum(reader, 17),
                });
            }
        }

        return new LedgerAnswer(ledger, mirrors);
    }

    private static DuckDBCommand Command(
        DuckDBConnection connection, string table, string name, string sums, string? only, DateTimeOffset? since,
        DateTimeOffset? until, int limit)
    {
        var command = connection.CreateCommand();
        command.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
            SELECT epoch_ns(second), {name}, {sums} FROM (SELECT *, date_trunc('second', time::TIMESTAMP) AS second FROM {table}
                WHERE ($only IS NULL OR {name} = $only) AND ($since IS NULL OR time >= $since::TIMESTAMP)
                    AND ($until IS NULL OR time < $until::TIMESTAMP))
            GROUP BY second, {name} ORDER BY second DESC, {name} LIMIT {limit}
            """);
        command.Parameters.Add(new DuckDBParameter("only", (object?)only ?? DBNull.Value));
        command.Parameters.Add(new DuckDBParameter("since", (object?)since?.UtcDateTime ?? DBNull.Value));
        command.Parameters.Add(new DuckDBParameter("until", (object?)until?.UtcDateTime ?? DBNull.Value));
        return command;
    }

    /// <summary>A sum of BIGINT is a HUGEINT; ours fit.</summary>
    private static long Sum(DbDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? 0 : (long)reader.GetFieldValue<System.Numerics.BigInteger>(ordinal);
}

// Flows out of the store. A connection for each question: readers never wait for the writer, nor for each other.
using System.Globalization;
using System.Text;
using DuckDB.NET.Data;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Database;

/// <summary>Reads flows. Any thread.</summary>
internal sealed class FlowQueries(StoreDatabase store)
{
    /// <summary>At most <c>Limit + 1</c> rows: the one too many says that there is another page.</summary>
    public async Task<(IReadOnlyList<FlowRow> Flows, bool HasMore)> FindAsync(FlowQuery query, CancellationToken stop)
    {
        using var connection = store.Connect();
        using var command = connection.CreateCommand();
        var where = Where(query, command);
        var direction = query.Ascending ? "ASC" : "DESC";
        command.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
            SELECT *, epoch_ns(start) AS start_ns, epoch_ns("end") AS end_ns FROM flow {where}
            ORDER BY {FlowQuery.Sorts[query.Sort]} {direction} NULLS LAST, flow_id DESC, part DESC
            LIMIT {query.Limit + 1} OFFSET {query.Offset}
            """);
        using var reader = await command.ExecuteReaderAsync(stop);
        var row = new FlowRowReader(reader);
        var flows = new List<FlowRow>(query.Limit);
        while (flows.Count < query.Limit && await reader.ReadAsync(stop))
        {
            flows.Add(row.Read());
        }

        return (flows, flows.Count == query.Limit && await reader.ReadAsync(stop));
    }

    public long Count()
    {
        using var connection = store.Connect();
        return StoreDatabase.Scalar(connection, "SELECT count(*) FROM flow");
    }

    private static string Where(FlowQuery query, DuckDBCommand command)
    {
        var terms = new List<string>();
        Add(query.Address, v => $"({Like("initiator_ip", v)} OR {Like("responder_ip", v)})");
        Add(query.Vm, v => $"({Like("initiator_vm", v)} OR {Like("responder_vm", v)})");
        Add(query.Port, v => $"(initiator_port = {v} OR responder_port = {v})");
        Add(query.Protocol, v => $"protocol = {v}");
        Add(query.App, v => $"app = {v}");
        Add(query.Point, v => $"list_contains(points, {v})");
        Add(query.Since?.UtcDateTime, v => $"\"end\" >= {v}::TIMESTAMP");
        Add(query.Until?.UtcDateTime, v => $"start < {v}::TIMESTAMP");
        return terms.Count == 0 ? "" : "WHERE " + string.Join(" AND ", terms);

        void Add(object? value, Func<string, string> term)
        {
            if (value is null)
            {
                return;
            }

            var name = "p" + terms.Count.ToString(CultureInfo.InvariantCulture);
            command.Parameters.Add(new DuckDBParameter(name, value is string text ? Pattern(text) : value));
            terms.Add(term("$" + name));
        }

        // Names are compared as patterns where the text has a star, exactly (but for their case) where it has none.
        string Like(string column, string parameter) => $"{column} ILIKE {parameter} ESCAPE '\\'";

        string Pattern(string text) => ReferenceEquals(text, query.Address) || ReferenceEquals(text, query.Vm)
            ? Escape(text)
            : text;
    }

    private static string Escape(string text)
    {
        var pattern = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            _ = c switch
            {
                '*' => pattern.Append('%'),
                '%' or '_' or '\\' => pattern.Append('\\').Append(c),
                _ => pattern.Append(c),
            };
        }

        return pattern.ToString();
    }
}

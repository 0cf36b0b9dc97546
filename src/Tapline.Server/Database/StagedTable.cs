// A table of the store with its staging table: same columns, but times as plain ns, because the appender knows no
// nanoseconds. The staging table is temporary: it lives in memory, with the writer's connection.
namespace Tapline.Server.Database;

/// <summary>SQL for one staged table.</summary>
internal sealed class StagedTable(string name, IReadOnlyList<(string Name, string Type, bool IsTime)> columns)
{
    /// <summary>The staging table's name.</summary>
    public string Stage { get; } = "stage_" + name;

    public string Create => $"CREATE TEMP TABLE {Stage} ({Join(c => $"\"{c.Name}\" {c.Type}")})";

    /// <summary>Moves what is staged into the table, within the caller's transaction.</summary>
    public string Move => $"""
        INSERT INTO {name} ({Join(c => $"\"{c.Name}\"")})
        SELECT {Join(c => c.IsTime ? $"make_timestamp_ns(\"{c.Name}\")" : $"\"{c.Name}\"")} FROM {Stage};
        DELETE FROM {Stage}
        """;

    private string Join(Func<(string Name, string Type, bool IsTime), string> text) => string.Join(", ", columns.Select(text));
}

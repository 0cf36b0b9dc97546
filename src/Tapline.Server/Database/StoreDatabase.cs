// The embedded store: one DuckDB file in the data folder, opened by the console alone. Opening brings the schema up to
// date. Memory and threads are bounded, so that a heavy query cannot starve the engine beside it; the library may
// neither fetch extensions nor touch files other than its own.
using System.Globalization;
using DuckDB.NET.Data;

namespace Tapline.Server.Database;

/// <summary>Owns the database file. Hands out connections; each is used by one caller at a time.</summary>
internal sealed class StoreDatabase : IDisposable
{
    private const string MemoryLimit = "1GB";
    private const int ThreadsMax = 2;

    private readonly string _connectionString;

    // Kept open for the life of the store: the library closes the file with its last connection.
    private readonly DuckDBConnection _anchor;

    private StoreDatabase(string path)
    {
        _connectionString = $"DataSource={path}";
        _anchor = new DuckDBConnection(_connectionString);
    }

    /// <summary>Opens or makes the store. Throws <see cref="InvalidDataException"/> with one sentence when it cannot.</summary>
    public static StoreDatabase Open(string path)
    {
        var store = new StoreDatabase(path);
        try
        {
            store._anchor.Open();
            Execute(store._anchor, string.Create(CultureInfo.InvariantCulture, $"""
                SET memory_limit = '{MemoryLimit}'; SET threads = {ThreadsMax};
                SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;
                SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true;
                """));
            store.Migrate();
            return store;
        }
        catch (DuckDBException e)
        {
            store.Dispose();
            throw new InvalidDataException(Explain(path, e), e);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>A new connection to the same database.</summary>
    public DuckDBConnection Connect()
    {
        var connection = new DuckDBConnection(_connectionString);
        connection.Open();
        return connection;
    }

    public void Dispose() => _anchor.Dispose();

    internal static void Execute(DuckDBConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    internal static long Scalar(DuckDBConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private void Migrate()
    {
        Execute(_anchor, """
            CREATE TABLE IF NOT EXISTS schema_version (
                version INTEGER PRIMARY KEY, applied TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'))
            """);
        var version = (int)Scalar(_anchor, "SELECT coalesce(max(version), 0) FROM schema_version");
        if (version > Migrations.Steps.Count)
        {
            throw new InvalidDataException(
                $"The store is of version {version}, this program knows {Migrations.Steps.Count}; use the newer program.");
        }

        for (var next = version + 1; next <= Migrations.Steps.Count; next++)
        {
            using var transaction = _anchor.BeginTransaction();
            Execute(_anchor, Migrations.Steps[next - 1]);
            Execute(_anchor, string.Create(
                CultureInfo.InvariantCulture, $"INSERT INTO schema_version (version) VALUES ({next})"));
            transaction.Commit();
        }
    }

    private static string Explain(string path, DuckDBException e) =>
        e.Message.Contains("lock", StringComparison.OrdinalIgnoreCase)
            ? $"The store {path} is open in another process; only one console may use a data folder."
            : $"The store {path} cannot be opened: {FirstLine(e.Message)} Move the file away to start with an empty store.";

    private static string FirstLine(string text) => text.Split('\n')[0];
}

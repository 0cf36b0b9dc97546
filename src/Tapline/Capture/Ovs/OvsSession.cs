// One monitored connection to Open vSwitch's database: connect, ask for the tables, follow the changes. In: the socket's
// path. Out: views. One thread at a time; used by the watcher for as long as it lives, by `points` and `doctor` for one look.
using System.Text.Json;

namespace Tapline.Capture.Ovs;

/// <summary>A connection whose tables are known.</summary>
internal sealed class OvsSession : IDisposable
{
    private const int FirstAnswerMs = 3000;
    private readonly OvsdbClient _client;
    private readonly OvsTables _tables;

    private OvsSession(OvsdbClient client, OvsTables tables)
    {
        _client = client;
        _tables = tables;
        View = tables.ToView();
    }

    /// <summary>The present view; a new object after each change.</summary>
    public OvsView View { get; private set; }

    /// <summary>Why the session ended; null while it lives.</summary>
    public string? Fault { get; private set; }

    /// <summary>Where the database's socket is unless somebody says otherwise; OVS_RUNDIR as its own tools know it.</summary>
    public static string PathOrDefault(string? path) =>
        path ?? Path.Combine(
            Environment.GetEnvironmentVariable("OVS_RUNDIR") is { Length: > 0 } folder ? folder : "/var/run/openvswitch",
            "db.sock");

    /// <summary>Connects and reads everything; null and one sentence when that fails.</summary>
    public static OvsSession? Open(string path, out string error)
    {
        if (OvsdbClient.Connect(path, out error) is not { } client)
        {
            return null;
        }

        using var answer = client.Call("monitor", OvsTables.WriteMonitor, FirstAnswerMs);
        var tables = new OvsTables();
        if (answer is null)
        {
            error = client.Fault ?? $"Open vSwitch's database at {path} gives no answer; look at ovsdb-server's log.";
        }
        else if (!answer.RootElement.TryGetProperty("result", out var rows) || rows.ValueKind != JsonValueKind.Object)
        {
            error = $"The database at {path} has no Open vSwitch tables; name the socket of the switch's own (--ovs-database).";
        }
        else if (!tables.Apply(rows))
        {
            error = TooManyRows;
        }
        else
        {
            return new OvsSession(client, tables);
        }

        client.Dispose();
        return null;
    }

    private static string TooManyRows =>
        $"Open vSwitch's database has more than {Base.Limits.OvsdbRowsMax} rows; that is more than Tapline follows.";

    /// <summary>Waits for changes; true when <see cref="View"/> is a new one.</summary>
    public bool Follow(int timeoutMs)
    {
        var isNew = false;
        while (Fault is null && _client.Receive(isNew ? 0 : timeoutMs) is { } message)
        {
            using (message)
            {
                // ["update", [monitor id, table updates]]
                if (OvsdbValue.IsText(message.RootElement, "method", "update")
                    && message.RootElement.TryGetProperty("params", out var update)
                    && update.ValueKind == JsonValueKind.Array && update.GetArrayLength() == 2)
                {
                    Fault = _tables.Apply(update[1]) ? null : TooManyRows;
                    isNew = true;
                }
            }
        }

        Fault ??= _client.Fault;
        if (isNew)
        {
            View = _tables.ToView();
        }

        return isNew;
    }

    /// <summary>Changes the database in one transaction; null when it was taken, else one sentence.</summary>
    public static string? Transact(string path, Action<Utf8JsonWriter> writeOperations)
    {
        const int AnswerMs = 3000;
        if (OvsdbClient.Connect(path, out var error) is not { } client)
        {
            return error;
        }

        using (client)
        {
            using var answer = client.Call(
                "transact",
                json =>
                {
                    json.WriteStringValue("Open_vSwitch");
                    writeOperations(json);
                },
                AnswerMs);
            return answer is null
                ? client.Fault ?? "Open vSwitch's database gives no answer; look at ovsdb-server's log."
                : Refusal(answer.RootElement);
        }
    }

    public void Dispose() => _client.Dispose();

    // Section 4.1.3: one result for each operation, and one more with the error of the commit.
    private static string? Refusal(JsonElement answer)
    {
        if (!answer.TryGetProperty("result", out var results) || results.ValueKind != JsonValueKind.Array)
        {
            return "Open vSwitch's database refused the request; look at ovsdb-server's log.";
        }

        foreach (var result in results.EnumerateArray())
        {
            if (result.ValueKind == JsonValueKind.Object && OvsdbValue.Text(result, "error") is { Length: > 0 } error)
            {
                var details = OvsdbValue.Text(result, "details");
                return $"Open vSwitch's database refused the change: {Points.HostileText.Clean($"{error} {details}")}.";
            }
        }

        return null;
    }
}

// NodeConfiguration → JSON that ConfigurationReader reads back: how `up` hands its resolved orders to the engine. Written
// beside and renamed, so that a restarted engine never reads half a file.
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Container;
using Tapline.Server.Commands;
using Tapline.Workers;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Config;

/// <summary>Writes the resolved configuration.</summary>
internal static class ConfigurationWriter
{
    private static readonly JsonWriterOptions s_indented = new() { Indented = true };

    public static void WriteFile(NodeConfiguration configuration, string path)
    {
        var beside = path + ".new";
        using (var file = File.Create(beside))
        using (var json = new Utf8JsonWriter(file, s_indented))
        {
            Write(configuration, json);
        }

        File.Move(beside, path, overwrite: true);
    }

    private static void Write(NodeConfiguration c, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        Text(json, "node", c.Node);
        Text(json, "data", c.Data);
        Texts(json, "points", c.Points);
        Texts(json, "exclude", c.Exclude);
        Text(json, "ovs_database", c.OvsDatabase);
        Text(json, "inventory", c.Inventory);
        Texts(json, "libvirt", c.Libvirt is { Count: 0 } ? ["none"] : c.Libvirt ?? []);
        json.WriteBoolean("ovs_mirror", c.OvsMirror);
        json.WriteNumber("workers", c.Workers);
        json.WriteNumber("ring_budget", c.RingBudgetBytes);
        json.WriteString("timestamps", c.HardwareTimestamps ? "hardware" : "kernel");
        json.WriteNumber("flow_capacity", c.FlowCapacity);
        json.WriteString("canary", c.CanarySeconds == 0 ? "off" : $"{c.CanarySeconds}s");
        json.WriteStartArray("mirrors");
        foreach (var m in c.Mirrors)
        {
            json.WriteStartObject();
            json.WriteString("session", m.Session);
            json.WriteString("to", m.To);
            Texts(json, "from", m.From);
            Text(json, "filter", m.Filter);
            foreach (var part in (m.Shape ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
            {
                var equals = part.IndexOf('=', StringComparison.Ordinal);
                json.WriteString(equals < 0 ? part : part[..equals], equals < 0 ? "on" : part[(equals + 1)..]);
            }

            json.WriteString("mode", m.Mode.ToString().ToLowerInvariant());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (c.Record is { } record)
        {
            json.WriteStartObject("record");
            Text(json, "folder", record.Folder);
            json.WriteNumber("budget", record.BudgetBytes);
            Text(json, "keep", record.KeepNs == 0 ? null : $"{record.KeepNs / Clock.SecondNs}s");
            Text(json, "min_free", record.MinFree.Percent > 0 ? $"{record.MinFree.Percent}%"
                : record.MinFree.Bytes > 0 ? $"{record.MinFree.Bytes}" : null);
            Text(json, "evidence", record.Evidence ? "on" : "off");
            Text(json, "filter", record.Filter);
            Take(json, record.Take);
            json.WriteStartArray("classes");
            foreach (var item in record.Classes)
            {
                json.WriteStartObject();
                json.WriteString("name", item.Name);
                json.WriteString("filter", item.Filter);
                json.WriteNumber("budget", item.BudgetBytes);
                Text(json, "keep", item.KeepNs == 0 ? null : $"{item.KeepNs / Clock.SecondNs}s");
                Take(json, item.Take);
                if (item.AtRest is { } atRest)
                {
                    json.WriteString("compress", atRest.Compression == SegmentCompression.Lz4 ? "lz4" : "none");
                    Text(json, "encrypt", atRest.KeyFile);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("triggers");
            foreach (var item in record.Triggers)
            {
                Trigger(json, item);
            }

            json.WriteEndArray();
            json.WriteNumber("trigger_budget", record.TriggerBudgetBytes);
            Text(json, "compress", record.AtRest.Compression == SegmentCompression.Lz4 ? "lz4" : null);
            Text(json, "encrypt", record.AtRest.KeyFile);
            json.WriteEndObject();
        }

        json.WriteStartObject("console");
        Text(json, "listen", c.Console.Listen?.ToString());
        json.WriteNumber("retention_days", c.Console.RetentionDays);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Trigger(Utf8JsonWriter json, TriggerPlan plan)
    {
        json.WriteStartObject();
        json.WriteString("name", plan.Name);
        json.WriteString("when", plan.When);
        json.WriteString("before", TriggerWords.Text(plan.BeforeNs));
        json.WriteString("after", TriggerWords.Text(plan.AfterNs));
        json.WriteString("pause", TriggerWords.Text(plan.PauseNs));
        json.WriteString("scope", plan.IsOfFlow ? "flow" : "window");
        json.WriteNumber("limit", plan.HourlyMax);
        json.WriteNumber("holds", plan.HoldsMax);
        json.WriteString("for", plan.HoldForNs == 0 ? "forever" : $"{plan.HoldForNs / Clock.SecondNs}s");
        json.WriteEndObject();
    }

    private static void Take(Utf8JsonWriter json, RecordTake take)
    {
        json.WriteString("take", RetentionWords.Text(take));
        Text(json, "encrypted", take.IsHandshakeOfEncrypted ? "handshake" : null);
    }

    private static void Text(Utf8JsonWriter json, string key, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            json.WriteString(key, text);
        }
    }

    private static void Texts(Utf8JsonWriter json, string key, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(key);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}

// The rows of the database as the server's updates bring them (RFC 7047 section 4.1.6): initial contents and changes have
// the same form. In: table updates. Out: a view. Bounded by rows; a column of another shape counts as empty.
// One thread.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Capture.Ovs;

/// <summary>A copy of the monitored columns.</summary>
internal sealed class OvsTables
{
    private static readonly (string Table, string[] Columns)[] s_monitored =
    [
        ("Bridge", ["name", "ports", "datapath_type"]),
        ("Port", ["name", "interfaces", "tag", "vlan_mode"]),
        ("Interface", ["name", "type", "ifindex", "ofport", "external_ids", "options", "error"]),
        ("Mirror", ["name", "select_src_port", "output_port", "external_ids"]),
    ];

    private readonly Dictionary<string, BridgeRow> _bridges = [];
    private readonly Dictionary<string, PortRow> _ports = [];
    private readonly Dictionary<string, OvsPort> _interfaces = [];
    private readonly Dictionary<string, MirrorRow> _mirrors = [];

    private sealed record BridgeRow(string Name, List<string> Ports, bool IsUserspace);

    private sealed record PortRow(List<string> Interfaces, int Tag, string VlanMode);

    private sealed record MirrorRow(List<string> Sources, string OutputPort, OvsOwner? Owner);

    /// <summary>The parameters of the request `monitor` (RFC 7047 section 4.1.5).</summary>
    public static void WriteMonitor(Utf8JsonWriter json)
    {
        json.WriteStringValue("Open_vSwitch");
        json.WriteNullValue();
        json.WriteStartObject();
        foreach (var (table, columns) in s_monitored)
        {
            json.WriteStartObject(table);
            json.WriteStartArray("columns");
            foreach (var column in columns)
            {
                json.WriteStringValue(column);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Takes over changed rows; false when the database is larger than any switch.</summary>
    public bool Apply(JsonElement updates)
    {
        if (updates.ValueKind != JsonValueKind.Object)
        {
            return true;
        }

        foreach (var table in updates.EnumerateObject())
        {
            if (table.Value.ValueKind != JsonValueKind.Object)
            {
                continue;
            }

            foreach (var row in table.Value.EnumerateObject())
            {
                Apply(table.Name, row.Name, row.Value);
            }
        }

        return _bridges.Count + _ports.Count + _interfaces.Count + _mirrors.Count <= Limits.OvsdbRowsMax;
    }

    /// <summary>The present contents.</summary>
    public OvsView ToView()
    {
        var bridges = new List<OvsBridge>();
        var ports = new List<OvsPort>();
        var bridgeOf = new Dictionary<string, string>();
        foreach (var (id, bridge) in _bridges.OrderBy(b => b.Value.Name, StringComparer.Ordinal))
        {
            bridges.Add(new OvsBridge(id, bridge.Name, bridge.IsUserspace));
            foreach (var portId in bridge.Ports)
            {
                if (bridgeOf.TryAdd(portId, bridge.Name) && _ports.TryGetValue(portId, out var port))
                {
                    AddInterfaces(bridge, portId, port, ports);
                }
            }
        }

        var mirrors = _mirrors
            .Where(m => m.Value.Owner is not null)
            .Select(m => new OvsMirror(m.Key, BridgeOfMirror(m.Value), m.Value.OutputPort, m.Value.Sources, m.Value.Owner!));
        return new OvsView(bridges, ports, [.. mirrors]);

        string BridgeOfMirror(MirrorRow mirror) =>
            bridgeOf.GetValueOrDefault(mirror.OutputPort)
            ?? mirror.Sources.Select(s => bridgeOf.GetValueOrDefault(s)).FirstOrDefault(b => b is not null) ?? "";
    }

    private void AddInterfaces(BridgeRow bridge, string portId, PortRow port, List<OvsPort> ports)
    {
        foreach (var id in port.Interfaces)
        {
            if (_interfaces.TryGetValue(id, out var one))
            {
                ports.Add(one with
                {
                    PortId = portId,
                    Bridge = bridge.Name,
                    IsUserspace = bridge.IsUserspace,
                    Tag = port.Tag,
                    VlanMode = port.VlanMode,
                });
            }
        }
    }

    private void Apply(string table, string id, JsonElement change)
    {
        // "old" alone: the row has gone. "new" holds all monitored columns.
        var isPresent = change.ValueKind == JsonValueKind.Object
            && change.TryGetProperty("new", out var row) && row.ValueKind == JsonValueKind.Object;
        row = isPresent ? change.GetProperty("new") : default;
        switch (table)
        {
            case "Bridge":
                Set(_bridges, id, isPresent ? ParseBridge(row) : null);
                break;
            case "Port":
                Set(_ports, id, isPresent ? ParsePort(row) : null);
                break;
            case "Interface":
                Set(_interfaces, id, isPresent ? ParseInterface(row) : null);
                break;
            case "Mirror":
                Set(_mirrors, id, isPresent ? ParseMirror(row) : null);
                break;
        }
    }

    private static void Set<T>(Dictionary<string, T> rows, string id, T? row) where T : class
    {
        if (row is null)
        {
            rows.Remove(id);
        }
        else
        {
            rows[id] = row;
        }
    }

    private static BridgeRow ParseBridge(JsonElement row) => new(
        OvsdbValue.Text(row, "name"), OvsdbValue.References(row, "ports"),
        OvsdbValue.IsText(row, "datapath_type", "netdev"));

    private static PortRow ParsePort(JsonElement row) => new(
        OvsdbValue.References(row, "interfaces"), OvsdbValue.Number(row, "tag", -1), OvsdbValue.Text(row, "vlan_mode"));

    private static OvsPort ParseInterface(JsonElement row) => new()
    {
        PortId = "",
        Bridge = "",
        Name = OvsdbValue.Text(row, "name"),
        Type = OvsdbValue.Text(row, "type"),
        InterfaceIndex = OvsdbValue.Number(row, "ifindex", 0),
        OpenFlowPort = OvsdbValue.Number(row, "ofport", -1),
        IfaceId = OvsdbValue.Entry(row, "external_ids", "iface-id"),
        VmId = FirstEntry(row, "vm-uuid", "vm-id", "xs-vm-uuid"),
        VmName = OvsdbValue.Entry(row, "external_ids", "vm-name"),
        Mac = ParseMac(OvsdbValue.Entry(row, "external_ids", "attached-mac")),
        PatchPeer = OvsdbValue.Entry(row, "options", "peer"),
        Error = OvsdbValue.Text(row, "error"),
        Owner = OvsOwner.Read(row),
    };

    private static MirrorRow ParseMirror(JsonElement row)
    {
        var sources = OvsdbValue.References(row, "select_src_port");
        sources.Sort(StringComparer.Ordinal);
        return new MirrorRow(
            sources, OvsdbValue.References(row, "output_port") is [var port, ..] ? port : "", OvsOwner.Read(row));
    }

    private static string FirstEntry(JsonElement row, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (OvsdbValue.Entry(row, "external_ids", key) is { Length: > 0 } value)
            {
                return value;
            }
        }

        return "";
    }

    private static ulong ParseMac(string text)
    {
        ulong mac = 0;
        var parts = text.Split(':');
        foreach (var part in parts)
        {
            if (parts.Length != 6 || !byte.TryParse(part, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var value))
            {
                return 0;
            }

            mac = (mac << 8) | value;
        }

        return mac;
    }
}

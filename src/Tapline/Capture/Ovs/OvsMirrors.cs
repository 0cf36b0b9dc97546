// Mirrors that Tapline makes in Open vSwitch for ports that no packet socket sees (DPDK, vhost-user, tunnels of the
// userspace datapath): frames that enter by them come out at an internal port of ours, once each. In: the view, which
// bridges are wanted. Out: transactions. Every row carries its owner (OvsOwner); rows of a run that died are removed by
// whoever sees them first, rows of another living run are left alone. One thread.
using System.Globalization;
using System.Text.Json;
using Tapline.Capture.Points;

namespace Tapline.Capture.Ovs;

/// <summary>Makes, changes and removes mirrors.</summary>
internal sealed class OvsMirrors(string path, string node, bool isWanted)
{
    private readonly OvsOwner _self = OvsOwner.Self(node);
    private readonly HashSet<string> _made = [];
    private int _number;

    /// <summary>
    /// Brings the database in line with what is wanted. Returns what could not be done, one sentence, or null.
    /// </summary>
    public string? Reconcile(OvsView view, IReadOnlyCollection<LinkInfo> links, Func<string, bool> wantsBridge)
    {
        string? fault = null;
        foreach (var mirror in view.Mirrors)
        {
            if (!mirror.Owner.IsAlive())
            {
                fault ??= Remove(view, mirror);
            }
        }

        // An output port whose mirror somebody removed is of no use either.
        foreach (var port in view.Ports)
        {
            if (port.Owner is { } owner && !owner.IsAlive() && view.Mirrors.All(m => m.OutputPort != port.PortId))
            {
                fault ??= Transact(json => WriteRemoval(json, view, port.Bridge, port.PortId, null));
            }
        }

        foreach (var bridge in isWanted ? view.Bridges : [])
        {
            string[] sources = wantsBridge(bridge.Name)
                ? [.. view.NeedingMirror(bridge.Name, links).Select(p => p.PortId).Distinct().Order(StringComparer.Ordinal)]
                : [];
            var own = view.Mirrors.FirstOrDefault(m => m.Bridge == bridge.Name && m.Owner.IsSelf);
            fault ??= own is null ? Make(bridge, sources) : Change(view, own, sources);
        }

        return fault;
    }

    /// <summary>Removes what this run made.</summary>
    public void RemoveOwn(OvsView view)
    {
        foreach (var mirror in view.Mirrors)
        {
            if (mirror.Owner.IsSelf)
            {
                Remove(view, mirror);
            }
        }
    }

    private string? Make(OvsBridge bridge, string[] sources)
    {
        // The row just made is on its way to us.
        if (sources.Length == 0 || !_made.Add(bridge.Id))
        {
            return null;
        }

        // At most 15 characters: three, a process id of up to seven digits, a number.
        var name = string.Create(CultureInfo.InvariantCulture, $"tlm{_self.Process}-{_number++ % 1000}");
        var fault = Transact(json =>
        {
            Insert(json, "Interface", "i", () =>
            {
                json.WriteString("name", name);
                json.WriteString("type", "internal");
                _self.Write(json);
            });
            Insert(json, "Port", "p", () =>
            {
                json.WriteString("name", name);
                Pair(json, "interfaces", "named-uuid", "i");
                _self.Write(json);
            });
            Insert(json, "Mirror", "m", () =>
            {
                json.WriteString("name", name);
                WriteSources(json, sources);
                Pair(json, "output_port", "named-uuid", "p");
                _self.Write(json);
            });
            Mutate(json, bridge.Id, "insert", ("ports", "named-uuid", "p"), ("mirrors", "named-uuid", "m"));
        });
        if (fault is not null)
        {
            _made.Remove(bridge.Id);
        }

        return fault;
    }

    private string? Change(OvsView view, OvsMirror own, string[] sources)
    {
        if (sources.Length == 0)
        {
            return Remove(view, own);
        }

        return own.SourcePorts.SequenceEqual(sources, StringComparer.Ordinal) ? null : Transact(json =>
        {
            json.WriteStartObject();
            json.WriteString("op", "update");
            json.WriteString("table", "Mirror");
            Where(json, own.Id);
            json.WriteStartObject("row");
            WriteSources(json, sources);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private string? Remove(OvsView view, OvsMirror mirror)
    {
        if (view.Bridges.FirstOrDefault(b => b.Name == mirror.Bridge) is { } bridge)
        {
            _made.Remove(bridge.Id);
        }

        return Transact(json => WriteRemoval(json, view, mirror.Bridge, mirror.OutputPort, mirror.Id));
    }

    // Ports and mirrors live as long as their bridge refers to them.
    private static void WriteRemoval(Utf8JsonWriter json, OvsView view, string bridgeName, string port, string? mirror)
    {
        if (view.Bridges.FirstOrDefault(b => b.Name == bridgeName) is not { } bridge)
        {
            return;
        }

        var references = new List<(string, string, string)>();
        if (mirror is not null)
        {
            references.Add(("mirrors", "uuid", mirror));
        }

        // Only a port that carries our mark: a mirror's output may have been changed to somebody's own.
        if (view.Ports.Any(p => p.PortId == port && p.Owner is not null))
        {
            references.Add(("ports", "uuid", port));
        }

        Mutate(json, bridge.Id, "delete", [.. references]);
    }

    private string? Transact(Action<Utf8JsonWriter> write) => OvsSession.Transact(path, json =>
    {
        write(json);
        // What ovs-vsctl does, so that ovs-vswitchd reports when it has caught up.
        json.WriteStartObject();
        json.WriteString("op", "mutate");
        json.WriteString("table", "Open_vSwitch");
        json.WriteStartArray("where");
        json.WriteEndArray();
        json.WriteStartArray("mutations");
        json.WriteStartArray();
        json.WriteStringValue("next_cfg");
        json.WriteStringValue("+=");
        json.WriteNumberValue(1);
        json.WriteEndArray();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Insert(Utf8JsonWriter json, string table, string name, Action writeRow)
    {
        json.WriteStartObject();
        json.WriteString("op", "insert");
        json.WriteString("table", table);
        json.WriteString("uuid-name", name);
        json.WriteStartObject("row");
        writeRow();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Mutate(
        Utf8JsonWriter json, string bridge, string mutator, params ReadOnlySpan<(string Column, string Kind, string Value)> references)
    {
        json.WriteStartObject();
        json.WriteString("op", "mutate");
        json.WriteString("table", "Bridge");
        Where(json, bridge);
        json.WriteStartArray("mutations");
        foreach (var (column, kind, value) in references)
        {
            json.WriteStartArray();
            json.WriteStringValue(column);
            json.WriteStringValue(mutator);
            WritePair(json, kind, value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Where(Utf8JsonWriter json, string id)
    {
        json.WriteStartArray("where");
        json.WriteStartArray();
        json.WriteStringValue("_uuid");
        json.WriteStringValue("==");
        WritePair(json, "uuid", id);
        json.WriteEndArray();
        json.WriteEndArray();
    }

    private static void WriteSources(Utf8JsonWriter json, string[] sources)
    {
        json.WriteStartArray("select_src_port");
        json.WriteStringValue("set");
        json.WriteStartArray();
        foreach (var source in sources)
        {
            WritePair(json, "uuid", source);
        }

        json.WriteEndArray();
        json.WriteEndArray();
    }

    private static void Pair(Utf8JsonWriter json, string column, string kind, string value)
    {
        json.WritePropertyName(column);
        WritePair(json, kind, value);
    }

    private static void WritePair(Utf8JsonWriter json, string kind, string value)
    {
        json.WriteStartArray();
        json.WriteStringValue(kind);
        json.WriteStringValue(value);
        json.WriteEndArray();
    }
}

// The demo's account: frames that crossed the switch by the kernel's counters, and what became of them. Every figure has
// its source beside it; `balanced` is true only when all of them agree. Printed as sentences or as one JSON object.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tapline.Server.Demo;

/// <summary>What crossed, what was seen, mirrored, received, recorded.</summary>
internal sealed record DemoSummary
{
    /// <summary>Frames that entered the switch while the node watched, by port, from the kernel's counters.</summary>
    public required Dictionary<string, long> CrossedByPort { get; init; }

    /// <summary>The engine's last snapshot, taken when the switch was at rest.</summary>
    public required JsonElement Node { get; init; }

    /// <summary>The tool port: the session to it is the demo's, whatever sessions a visitor has added.</summary>
    public required string ToolPort { get; init; }

    /// <summary>Frames that the tool's reader captured.</summary>
    public required long ToolReceived { get; init; }

    /// <summary>Frames that the tool's reader lost by its own account.</summary>
    public required long ToolLost { get; init; }

    /// <summary>Frames that the kernel counted at the tool's end of the tool port.</summary>
    public required long ToolPortReceived { get; init; }

    public required string Console { get; init; }

    public required double Seconds { get; init; }

    /// <summary>The load generator's own report.</summary>
    public string? Requests { get; init; }

    /// <summary>How the node ended.</summary>
    public required int NodeExitCode { get; init; }

    public long Crossed => CrossedByPort.Values.Sum();

    public long Seen => Points("analysed");

    public long Mirrored => Mirror("sent");

    public long MirroredWireFrames => Mirror("sent_wire_frames");

    public long Recorded => Recorder("recorded");

    /// <summary>Frames by which the node proves its mirror sessions, once a minute: seen and mirrored, each by its session, but no
    /// machine's, so they neither cross the switch nor are recorded.</summary>
    public long Canaries => CanariesOf(Node);

    public bool Balanced => Crossed + Canaries == Seen && Crossed + ToolMirrors().Sum(CanariesSent) == Mirrored
        && MirroredWireFrames == ToolReceived && ToolReceived == ToolPortReceived && Crossed == Recorded;

    /// <summary>Canaries that a snapshot knows of.</summary>
    public static long CanariesOf(JsonElement node) => node.GetProperty("mirrors").EnumerateArray().Sum(CanariesSent);

    public string ToJson()
    {
        var json = new JsonObject
        {
            ["crossed"] = Crossed,
            ["seen"] = Seen,
            ["canaries"] = Canaries,
            ["mirrored"] = Mirrored,
            ["mirrored_wire_frames"] = MirroredWireFrames,
            ["tool_received"] = ToolReceived,
            ["tool_port_received"] = ToolPortReceived,
            ["recorded"] = Recorded,
            ["balanced"] = Balanced,
            ["dropped_ring"] = Points("dropped_ring"),
            ["undecodable"] = Points("undecodable"),
            ["dropped_mirror"] = MirrorDropped(),
            ["dropped_recorder"] = Recorder("dropped"),
            ["dropped_tool"] = ToolLost,
            ["flows"] = Flows(),
            ["seconds"] = Math.Round(Seconds, 3),
            ["console"] = Console,
            ["node_exit_code"] = NodeExitCode,
            ["crossed_by_port"] = new JsonObject(
                CrossedByPort.Select(port => KeyValuePair.Create(port.Key, (JsonNode?)port.Value))),
            ["vm_by_port"] = new JsonObject(Machines().Select(m => KeyValuePair.Create(m.Port, (JsonNode?)m.Vm))),
            ["requests"] = Requests is null ? null : JsonNode.Parse(Requests),
        };
        return json.ToJsonString();
    }

    public string ToText()
    {
        var lines = new List<string>
        {
            Line("frames crossed", Crossed, "entered the switch: the kernel's counters of its ports"),
            Line("seen", Seen, "analysed by the node" + (Canaries == 0 ? "" : Invariant($"; its own canaries among them: {Canaries:N0}"))),
            Line("mirrored", Mirrored, Invariant($"copies sent to the tool port, as {MirroredWireFrames:N0} frames on the wire")),
            Line(
                "received by tool", ToolReceived,
                Invariant($"counted by tcpdump behind the tool port; the kernel there says {ToolPortReceived:N0}")),
            Line("recorded", Recorded, "written to the recording"),
            Line("flows", Flows(), "conversations followed"),
            Line("machines", Machines().Count(), $"found by name: {string.Join(", ", Machines().Select(m => m.Vm))}"),
        };
        if (Requests is not null)
        {
            lines.Add($"  requests of the shop's customers: {Requests}");
        }

        lines.Add(Balanced ? "Every frame that crossed was seen, mirrored, received and recorded." : "The figures differ: " + Difference());
        return string.Join('\n', lines);
    }

    private static string Line(string name, long value, string source) => Invariant($"  {name,-18} {value,12:N0}   {source}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private string Difference() => string.Join(
        ", ",
        Invariant($"{Points("dropped_ring"):N0} lost before the node (ring)"),
        Invariant($"{Crossed + Canaries - Seen - Points("dropped_ring"):N0} crossed and not accounted for"),
        Invariant($"{MirrorDropped():N0} not mirrored"),
        Invariant($"{MirroredWireFrames - ToolPortReceived:N0} lost on the way to the tool"),
        Invariant($"{ToolPortReceived - ToolReceived:N0} lost by the tool"),
        Invariant($"{Recorder("dropped"):N0} not recorded")) + ".";

    /// <summary>The machine that the node found behind each port, where it found one.</summary>
    private IEnumerable<(string Port, string Vm)> Machines() => Node.GetProperty("points").EnumerateArray()
        .Where(point => point.TryGetProperty("vm", out _))
        .Select(point => (point.GetProperty("point").GetString()!, point.GetProperty("vm").GetString()!));

    private long Points(string field) => Node.GetProperty("points").EnumerateArray().Sum(point => Number(point, field));

    private IEnumerable<JsonElement> ToolMirrors() => Node.GetProperty("mirrors").EnumerateArray()
        .Where(mirror => mirror.GetProperty("to").GetString() == $"nic:{ToolPort}");

    private static long CanariesSent(JsonElement mirror) => mirror.TryGetProperty("canary", out var canary) ? Number(canary, "sent") : 0;

    private long Mirror(string field) => ToolMirrors().Sum(mirror => Number(mirror, field));

    private long MirrorDropped() => ToolMirrors()
        .Sum(mirror => mirror.GetProperty("dropped").EnumerateObject().Sum(reason => reason.Value.GetInt64()));

    private long Recorder(string field) => Node.TryGetProperty("recorder", out var recorder) ? Number(recorder, field) : 0;

    private long Flows() => Node.TryGetProperty("flows", out var flows) ? Number(flows, "created") : 0;

    private static long Number(JsonElement of, string field) => of.TryGetProperty(field, out var value) ? value.GetInt64() : 0;
}

// The mark that Tapline leaves on its rows in Open vSwitch's database, and whether the run that left it still lives.
// The database outlives processes and boots: only boot id, process and its start time together name a run.
using System.Globalization;
using System.Text.Json;
using Tapline.Capture.Points;

namespace Tapline.Capture.Ovs;

/// <summary>A run of Tapline as its rows tell it (external_ids).</summary>
/// <param name="Node">The node's name, for people.</param>
/// <param name="Process">Process id.</param>
/// <param name="StartTicks">The process's start time, field 22 of /proc/PID/stat.</param>
/// <param name="Boot">/proc/sys/kernel/random/boot_id.</param>
internal sealed record OvsOwner(string Node, int Process, string StartTicks, string Boot)
{
    private const string NodeKey = "tapline-node";
    private const string ProcessKey = "tapline-pid";
    private const string StartKey = "tapline-start";
    private const string BootKey = "tapline-boot";
    private const int StartField = 22;

    /// <summary>This process.</summary>
    public static OvsOwner Self(string node) =>
        new(node, Environment.ProcessId, StartOf(Environment.ProcessId), BootId());

    /// <summary>True when this process made the row.</summary>
    public bool IsSelf => Process == Environment.ProcessId && IsAlive();

    /// <summary>The owner in a row's external_ids; null when the row is not Tapline's.</summary>
    public static OvsOwner? Read(JsonElement row)
    {
        const string Column = "external_ids";
        var boot = OvsdbValue.Entry(row, Column, BootKey);
        return boot.Length > 0 && int.TryParse(
                OvsdbValue.Entry(row, Column, ProcessKey), NumberStyles.None, CultureInfo.InvariantCulture, out var process)
            ? new OvsOwner(
                HostileText.Clean(OvsdbValue.Entry(row, Column, NodeKey)), process, OvsdbValue.Entry(row, Column, StartKey), boot)
            : null;
    }

    /// <summary>True while the process that made the row lives.</summary>
    public bool IsAlive() => Boot == BootId() && StartTicks.Length > 0 && StartOf(Process) == StartTicks;

    /// <summary>Writes the mark as the value of an external_ids column.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("external_ids");
        json.WriteStringValue("map");
        json.WriteStartArray();
        Pair(NodeKey, Node);
        Pair(ProcessKey, Process.ToString(CultureInfo.InvariantCulture));
        Pair(StartKey, StartTicks);
        Pair(BootKey, Boot);
        json.WriteEndArray();
        json.WriteEndArray();

        void Pair(string key, string value)
        {
            json.WriteStartArray();
            json.WriteStringValue(key);
            json.WriteStringValue(value);
            json.WriteEndArray();
        }
    }

    private static string BootId()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return "unknown";
        }
    }

    // The command name, field 2, may hold spaces and brackets: fields are counted from its closing bracket.
    private static string StartOf(int process)
    {
        var text = ProcessFiles.Read(process, "stat");
        var end = text.LastIndexOf(')');
        var fields = end < 0 ? [] : text[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > StartField - 3 ? fields[StartField - 3] : "";
    }
}

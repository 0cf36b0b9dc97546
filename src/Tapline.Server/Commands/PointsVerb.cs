// `tapline points`: the switches, ports and VMs of this host, and what a capture would take. Reads only.
using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Tapline.Capture.Identity;
using Tapline.Capture.Points;

namespace Tapline.Server.Commands;

/// <summary>The verb `points`.</summary>
internal static class PointsVerb
{
    private const int PipeColumns = 200;
    private const int MacColumns = 100;

    public static Command Build()
    {
        var patterns = new Argument<string[]>("points")
        {
            Description = "Which points to ask about: interface names and globs, bridge:NAME, ovs:NAME, host:NAME, vm:NAME, "
                + "tag:NAME, uplink, all.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var json = new Option<bool>("--json") { Description = "Prints one JSON object a line." };
        var command = new Command("points", "Lists switches, ports and VMs found, and what would be captured.")
        {
            patterns, json, OvsOptions.Database, IdentityOptions.Inventory, IdentityOptions.Libvirt,
        };
        command.Examples(
            ("tapline points", "Everything that could be observed; the last column says what `--point all` would take."),
            ("tapline points vm:web01 uplink", "What these two patterns would take."),
            ("tapline points --json", "The same for programs."));
        command.SetAction(parsed => IdentityOptions.Read(parsed) is { } vms
            ? Run(
                parsed.GetValue(patterns) ?? [], parsed.GetValue(OvsOptions.Database), vms, IdentityOptions.Daemons(parsed),
                parsed.GetValue(json))
            : ExitCodes.Usage);
        return command;
    }

    private static int Run(string[] patterns, string? ovsDatabase, VmInventory vms, IReadOnlyList<string>? libvirt, bool json)
    {
        if (PointInventory.Read(patterns, ovsDatabase, vms, libvirt, out var error) is not { } inventory)
        {
            Console.Error.WriteLine($"tapline: {error}");
            return ExitCodes.Failed;
        }

        if (json)
        {
            foreach (var point in inventory.Points)
            {
                Console.WriteLine(ToJson(point));
            }
        }
        else
        {
            Print(inventory);
        }

        foreach (var sentence in inventory.Hidden)
        {
            Console.Error.WriteLine(sentence);
        }

        return ExitCodes.Ok;
    }

    private static void Print(PointInventory inventory)
    {
        if (inventory.Points.Count == 0)
        {
            Console.WriteLine("This host has no interface that could be observed.");
            return;
        }

        // A narrow terminal does without the addresses.
        var withMac = TerminalWidth.Take(PipeColumns) >= MacColumns;
        var table = new Table().Border(TableBorder.Simple);
        string[] mac = withMac ? ["MAC"] : [];
        foreach (var heading in (string[])["switch", "point", "kind", "device", "VM", .. mac, "state", "captured"])
        {
            table.AddColumn(new TableColumn(heading));
        }

        foreach (var point in inventory.Points)
        {
            var captured = point.IsCaptured ? "[green]yes[/]" : "no";
            table.AddRow([
                Plain(point.Switch), Plain(point.Name), KindName(point.Kind), Plain(point.Device),
                VmText(point), .. withMac ? [MacText(point.Mac)] : (string[])[],
                point.State == PointState.Up ? "up" : "[yellow]down[/]",
                point.Remark is null ? captured : $"{captured} [grey]({Plain(point.Remark)})[/]"]);
        }

        AnsiConsole.Write(table);
    }

    private static string VmText(FoundPoint point) =>
        point.Vm is null ? ""
        : $"{Plain(point.Vm)} [grey]({point.VmSource})[/]"
            + (point.VmTags.Count > 0 ? $" [grey]{Plain(string.Join(' ', point.VmTags.Select(t => "#" + t)))}[/]" : "");

    private static string Plain(string? text) => Markup.Escape(TerminalText.Printable(text));

    private static string ToJson(FoundPoint point)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("point", point.Name);
            writer.WriteString("kind", KindName(point.Kind));
            writer.WriteString("device", point.Device);
            writer.WriteNumber("interface_index", point.InterfaceIndex);
            WriteIfKnown(writer, "switch", point.Switch);
            WriteIfKnown(writer, "vm", point.Vm);
            WriteIfKnown(writer, "vm_id", point.VmId);
            WriteIfKnown(writer, "vm_source", point.VmSource);
            WriteIfAny(writer, "vm_aliases", point.VmAliases);
            WriteIfAny(writer, "vm_tags", point.VmTags);
            WriteIfKnown(writer, "mac", point.Mac == 0 ? null : MacText(point.Mac));
            writer.WriteString("state", point.State == PointState.Up ? "up" : "down");
            writer.WriteNumber("mtu_bytes", point.MtuBytes);
            writer.WriteBoolean("captured", point.IsCaptured);
            WriteIfKnown(writer, "remark", point.Remark);
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteIfAny(Utf8JsonWriter writer, string name, NameSet values)
    {
        if (values.Count == 0)
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    private static void WriteIfKnown(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static string KindName(Capture.PointKind kind) => kind switch
    {
        Capture.PointKind.VmPort => "vm_port",
        Capture.PointKind.Uplink => "uplink",
        Capture.PointKind.Host => "host",
        Capture.PointKind.Monitor => "monitor",
        Capture.PointKind.File => "file",
        Capture.PointKind.Tunnel => "tunnel",
        _ => "port",
    };

    private static string MacText(ulong mac) => mac == 0
        ? ""
        : string.Join(':', Enumerable.Range(0, 6).Select(i => ((mac >> (40 - (8 * i))) & 0xFF).ToString("x2", null)));
}

// `tapline triggers`: what rang, when, and where its packets are. Reads the incidents' folder; needs no engine.
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Tapline.Base;
using Tapline.Server.Config;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Commands;

/// <summary>The verb `triggers`.</summary>
internal static class TriggerVerb
{
    public static Command Build()
    {
        var data = new Option<string>("--data")
        {
            Description = "The data folder whose incidents are meant.", HelpName = "DIR", DefaultValueFactory = _ => DataFolder.Default,
        };
        var json = new Option<bool>("--json") { Description = "Prints one JSON object a line." };
        var command = new Command("triggers", "Lists the incidents of a recording: what rang, when, and where its packets are.")
        {
            data, json,
        };
        command.Examples(
            ("tapline record --from bridge:br0 --data rec --trigger 'resets;when=tcp[tcpflags] & tcp-rst != 0;scope=flow'",
                "Whenever a connection is reset, all of it is held and put into a file of its own."),
            ("tapline triggers --data rec", "The incidents so far, with their files."),
            ("wireshark \"$(tapline triggers --data rec --json | jq -r .file | tail -1)\"", "The latest one in Wireshark."));
        command.SetAction(parsed => Run(new DataFolder(Path.GetFullPath(parsed.GetValue(data)!)).Incidents, parsed.GetValue(json)));
        return command;
    }

    private static int Run(string folder, bool isJson)
    {
        try
        {
            var incidents = IncidentFiles.List(folder);
            if (incidents.Count == 0 && !isJson)
            {
                Console.WriteLine($"There are no incidents in {TerminalText.Printable(folder)}.");
            }

            foreach (var incident in incidents)
            {
                Console.WriteLine(isJson ? ToJson(folder, incident) : ToText(folder, incident));
            }

            return ExitCodes.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"tapline: the incidents in {TerminalText.Printable(folder)} can't be read: {e.Message}");
            return ExitCodes.Failed;
        }
    }

    private static string ToText(string folder, Incident incident)
    {
        var what = incident.State switch
        {
            IncidentState.Open => $"its window ends at {TimeText.Text(incident.UntilNs)}",
            IncidentState.Extracted => IncidentFiles.ExtractOf(folder, incident),
            _ => incident.Problem ?? "no extract",
        };
        return $"{TimeText.Text(incident.AtNs)}  {TerminalText.Printable(incident.Trigger)}"
            + $"{(incident.Flow is { } flow ? $" ({TerminalText.Printable(flow)})" : "")}: {TerminalText.Printable(what)}";
    }

    private static string ToJson(string folder, Incident incident)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("trigger", incident.Trigger);
            json.WriteString("when", incident.When);
            json.WriteString("at", TimeText.Text(incident.AtNs));
            json.WriteString("since", TimeText.Text(incident.SinceNs));
            json.WriteString("until", TimeText.Text(incident.UntilNs));
            json.WriteString("query", incident.Query);
            json.WriteString("flow", incident.Flow);
            json.WriteNumber("hold", incident.Hold);
            json.WriteString("state", incident.State.ToString().ToLowerInvariant());
            json.WriteString("file", incident.State == IncidentState.Extracted ? IncidentFiles.ExtractOf(folder, incident) : null);
            json.WriteString("problem", incident.Problem);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}

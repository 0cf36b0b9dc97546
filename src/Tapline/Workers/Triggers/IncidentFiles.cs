// The folder of incidents: for each a small JSON file, and beside it the extract. Bounded by a budget, the oldest go first. The files
// of other people's making are checked like any input: what is no incident is left alone.
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Holds;

namespace Tapline.Workers.Triggers;

/// <summary>Reads and writes incidents. Any thread, one at a time for a folder.</summary>
public static class IncidentFiles
{
    private const string Ending = ".json";
    private const string ExtractEnding = ".pcapng";
    private const int FileBytesMax = 64 * 1024;
    private static readonly JsonWriterOptions s_indented = new() { Indented = true };

    /// <summary>Where an incident's packets are, or will be.</summary>
    public static string ExtractOf(string folder, Incident incident) => Path.Combine(folder, incident.Name + ExtractEnding);

    /// <summary>The name of an incident: its trigger and the time, which sorts.</summary>
    public static string NameOf(string trigger, long atNs) =>
        $"{trigger}-{TimeText.Text(atNs)[..23].Replace("-", "", StringComparison.Ordinal).Replace(":", "", StringComparison.Ordinal)}Z";

    /// <summary>Writes an incident, by rename. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public static void Write(string folder, Incident incident)
    {
        var path = Path.Combine(folder, incident.Name + Ending);
        var hidden = Path.Combine(folder, $".{incident.Name}{Ending}.new");
        using (var file = File.Create(hidden))
        using (var json = new Utf8JsonWriter(file, s_indented))
        {
            Write(json, incident);
        }

        File.Move(hidden, path, overwrite: true);
    }

    /// <summary>An incident as a JSON object.</summary>
    public static void Write(Utf8JsonWriter json, Incident incident)
    {
        json.WriteStartObject();
        json.WriteString("name", incident.Name);
        json.WriteString("trigger", incident.Trigger);
        json.WriteString("when", incident.When);
        json.WriteString("at", TimeText.Text(incident.AtNs));
        json.WriteString("since", TimeText.Text(incident.SinceNs));
        json.WriteString("until", TimeText.Text(incident.UntilNs));
        json.WriteString("query", incident.Query);
        if (incident.Flow is not null)
        {
            json.WriteString("flow", incident.Flow);
        }

        json.WriteNumber("hold", incident.Hold);
        json.WriteString("state", incident.State.ToString().ToLowerInvariant());
        if (incident.Problem is not null)
        {
            json.WriteString("problem", incident.Problem);
        }

        json.WriteEndObject();
    }

    /// <summary>The incidents of a folder, oldest first; none where there is no folder.</summary>
    public static List<Incident> List(string folder)
    {
        var found = new List<Incident>();
        if (!Directory.Exists(folder))
        {
            return found;
        }

        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*" + Ending))
        {
            if (!file.Name.StartsWith('.') && file.Length <= FileBytesMax && TryRead(file.FullName) is { } incident
                && incident.Name == Path.GetFileNameWithoutExtension(file.Name))
            {
                found.Add(incident);
            }
        }

        found.Sort((a, b) => (a.AtNs, a.Name).CompareTo((b.AtNs, b.Name)));
        return found;
    }

    /// <summary>Removes the oldest finished incidents until the folder keeps its budget.</summary>
    public static void KeepBudget(string folder, long budgetBytes)
    {
        var incidents = List(folder);
        var bytes = incidents.Sum(i => BytesOf(folder, i));
        foreach (var incident in incidents)
        {
            if (bytes <= budgetBytes)
            {
                return;
            }

            if (incident.State != IncidentState.Open)
            {
                bytes -= BytesOf(folder, incident);
                File.Delete(ExtractOf(folder, incident));
                File.Delete(Path.Combine(folder, incident.Name + Ending));
            }
        }
    }

    private static long BytesOf(string folder, Incident incident)
    {
        var extract = new FileInfo(ExtractOf(folder, incident));
        return FileBytesMax + (extract.Exists ? extract.Length : 0);
    }

    private static Incident? TryRead(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            var incident = new Incident
            {
                Name = root.GetProperty("name").GetString()!,
                Trigger = root.GetProperty("trigger").GetString()!,
                When = root.GetProperty("when").GetString()!,
                AtNs = HoldText.ReadTime(root.GetProperty("at")),
                SinceNs = HoldText.ReadTime(root.GetProperty("since")),
                UntilNs = HoldText.ReadTime(root.GetProperty("until")),
                Query = root.GetProperty("query").GetString()!,
                Flow = root.TryGetProperty("flow", out var flow) ? flow.GetString() : null,
                Hold = root.GetProperty("hold").GetInt64(),
                State = Enum.Parse<IncidentState>(root.GetProperty("state").GetString()!, ignoreCase: true),
                Problem = root.TryGetProperty("problem", out var problem) ? problem.GetString() : null,
            };
            return incident.SinceNs < incident.UntilNs && TriggerPlan.MistakeInName(incident.Trigger) is null ? incident : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

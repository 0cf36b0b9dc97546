// The account of an import as a file beside its segments (import.json) and as --json prints it. In: a file that others may have
// changed, read up to a limit, and taken only where it makes sense. Out: one JSON object. Control threads.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Workers.Imports;

/// <summary>Writes and reads accounts of imports.</summary>
public static class ImportAccount
{
    /// <summary>The file's name.</summary>
    public const string FileName = "import.json";

    private const int Version = 1;

    /// <summary>Writes one object, without a line end.</summary>
    public static void Write(Utf8JsonWriter json, ImportReport report)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(report);
        json.WriteStartObject();
        json.WriteNumber("version", Version);
        json.WriteString("name", report.Name);
        json.WriteString("made", TimeText.Text(report.MadeNs));
        json.WriteNumber("made_ns", report.MadeNs);
        if (report.KeepNs > 0)
        {
            json.WriteNumber("keep_ns", report.KeepNs);
        }

        if (report.Filter is not null)
        {
            json.WriteString("filter", report.Filter);
        }

        json.WriteNumber("frames", report.Frames);
        json.WriteNumber("filtered", report.Filtered);
        json.WriteNumber("time_steps", report.TimeSteps);
        json.WriteNumber("segments", report.Segments);
        json.WriteNumber("points", report.Points);
        json.WriteNumber("bytes", report.Bytes);
        if (report.Frames > 0)
        {
            json.WriteString("first", TimeText.Text(report.FirstNs));
            json.WriteString("last", TimeText.Text(report.LastNs));
        }

        json.WriteStartArray("captures");
        foreach (var capture in report.Captures)
        {
            WriteCapture(json, capture);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Puts the account into an import's folder.</summary>
    internal static void Save(string folder, ImportReport report)
    {
        using var file = new FileStream(Path.Combine(folder, FileName), FileMode.Create, FileAccess.Write);
        using (var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true }))
        {
            Write(json, report);
        }

        file.Flush(flushToDisk: true);
    }

    /// <summary>What later imports and retention need of an account: name, times, hashes. Null when there is none or it makes no
    /// sense.</summary>
    internal static ImportReport? TryRead(string folder)
    {
        try
        {
            var file = new FileInfo(Path.Combine(folder, FileName));
            if (!file.Exists || file.Length > Limits.ImportAccountBytesMax)
            {
                return null;
            }

            using var json = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            return json.RootElement is { ValueKind: JsonValueKind.Object } root ? Read(root, Path.GetFileName(folder)) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ImportReport? Read(JsonElement root, string name)
    {
        if (!root.TryGetProperty("captures", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        return new ImportReport
        {
            Name = name,
            MadeNs = Number(root, "made_ns"),
            KeepNs = Number(root, "keep_ns"),
            Frames = Number(root, "frames"),
            Captures =
            [
                .. list.EnumerateArray().Where(c => c.ValueKind == JsonValueKind.Object).Select(c => new ImportedCapture
                {
                    File = Text(c, "file") ?? "", Sha256 = Text(c, "sha256"), Bytes = Number(c, "bytes"), Frames = Number(c, "frames"),
                }),
            ],
        };
    }

    private static void WriteCapture(Utf8JsonWriter json, ImportedCapture capture)
    {
        json.WriteStartObject();
        json.WriteString("file", capture.File);
        if (capture.Sha256 is not null)
        {
            json.WriteNumber("bytes", capture.Bytes);
            json.WriteString("sha256", capture.Sha256);
            json.WriteNumber("frames", capture.Frames);
            json.WriteNumber("out_of_order", capture.OutOfOrder);
        }

        if (capture.LastNs >= capture.FirstNs)
        {
            json.WriteString("first", TimeText.Text(capture.FirstNs));
            json.WriteString("last", TimeText.Text(capture.LastNs));
        }

        if (capture.Fault is not null)
        {
            json.WriteString("fault", capture.Fault);
        }

        json.WriteEndObject();
    }

    private static long Number(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number : 0;

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

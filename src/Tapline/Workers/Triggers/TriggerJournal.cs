// The files of triggers that are due, in `due.json` beside them, so that a crash or an end before they are made loses none: the next start
// makes them. Replaced by rename. What is read back is believed as far as it makes sense: names become file names.
using System.Buffers;
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Holds;

namespace Tapline.Workers.Triggers;

/// <summary>Reads and writes the list of due files. Any thread, one at a time.</summary>
internal static class TriggerJournal
{
    public const string Name = "due.json";
    private const int FlowCharactersMax = 64;
    private static readonly SearchValues<char> s_communityId =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:+/=");

    private static readonly JsonDocumentOptions s_shallow = new() { MaxDepth = 4 };

    /// <summary>True when a folder has a list.</summary>
    public static bool Exists(string? folder) => folder is not null && File.Exists(Path.Combine(folder, Name));

    /// <summary>Replaces the list; removes it when nothing is due. A sentence when that can't be.</summary>
    public static string? TryWrite(string folder, IReadOnlyList<TriggerFiring> due)
    {
        var path = Path.Combine(folder, Name);
        try
        {
            if (due.Count == 0)
            {
                File.Delete(path);
                return null;
            }

            Directory.CreateDirectory(folder);
            var beside = Path.Combine(folder, "." + Name + ".new");
            using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write))
            {
                Write(file, due);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The list of due files {path} can't be written: {e.Message}";
        }
    }

    /// <summary>What was due; empty with a sentence where the list can't be understood.</summary>
    /// <param name="folder">Where the files are.</param>
    /// <param name="plans">The triggers of now; one that is no more keeps its name and scope.</param>
    /// <param name="mistake">What is wrong, or null.</param>
    public static IReadOnlyList<TriggerFiring> Read(string folder, IReadOnlyList<TriggerPlan> plans, out string? mistake)
    {
        var path = Path.Combine(folder, Name);
        mistake = null;
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return [];
            }

            if (file.Length <= Limits.TriggerJournalBytesMax)
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(path), s_shallow);
                return [.. document.RootElement.GetProperty("due").EnumerateArray()
                    .Take(Limits.TriggerFilesWaitingMax).Select(item => Read(item, plans))];
            }

            mistake = $"it has {file.Length} bytes";
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or IOException or UnauthorizedAccessException)
        {
            mistake = e.Message;
        }

        mistake = $"The list of due files {path} can't be understood ({mistake}): files of triggers that were due before this start are "
            + "not made; their windows are held: `tapline hold list`.";
        return [];
    }

    private static void Write(Stream stream, IReadOnlyList<TriggerFiring> due)
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteStartArray("due");
        foreach (var firing in due)
        {
            json.WriteStartObject();
            json.WriteString("trigger", firing.Plan.Name);
            json.WriteString("when", firing.Plan.When);
            json.WriteBoolean("of_flow", firing.Plan.IsOfFlow);
            json.WriteString("time", HoldText.Time(firing.TimeNs));
            json.WriteString("since", HoldText.Time(firing.SinceNs));
            json.WriteString("until", HoldText.Time(firing.UntilNs));
            json.WriteString("due", HoldText.Time(firing.DueNs));
            json.WriteString("flow", firing.CommunityId);
            json.WriteBoolean("open", firing.IsOpen);
            json.WriteString("cut", firing.Cut);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static TriggerFiring Read(JsonElement item, IReadOnlyList<TriggerPlan> plans)
    {
        var name = item.GetProperty("trigger").GetString() ?? "";
        var when = item.GetProperty("when").GetString() ?? "";
        var isOfFlow = item.GetProperty("of_flow").GetBoolean();
        var flow = item.GetProperty("flow").GetString();
        if (TriggerPlan.MistakeInName(name) is { } wrong)
        {
            throw new FormatException(wrong);
        }

        if (flow is not null && (flow.Length > FlowCharactersMax || flow.AsSpan().ContainsAnyExcept(s_communityId)))
        {
            throw new FormatException("a flow has no Community ID");
        }

        var firing = new TriggerFiring(
            plans.FirstOrDefault(p => p.Name == name && p.When == when && p.IsOfFlow == isOfFlow)
                ?? new TriggerPlan { Name = name, When = when, IsOfFlow = isOfFlow },
            HoldText.ReadTime(item.GetProperty("time")), HoldText.ReadTime(item.GetProperty("since")),
            HoldText.ReadTime(item.GetProperty("until")), HoldText.ReadTime(item.GetProperty("due")), flow)
        {
            IsOpen = item.GetProperty("open").GetBoolean(), Cut = item.GetProperty("cut").GetString(),
        };
        return firing.SinceNs <= firing.UntilNs ? firing : throw new FormatException("a window ends before it begins");
    }
}

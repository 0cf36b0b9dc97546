// Holds as JSON and back (docs/formats/holds.md). The file is written by a command and read by the engine, and people edit it:
// what is not exactly a list of holds is refused with a sentence that names the mend. Pure.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Record.Holds;

/// <summary>Reads and writes the text of a hold file.</summary>
public static class HoldText
{
    private const int DepthMax = 4;
    private static readonly JsonWriterOptions s_indented = new() { Indented = true };
    private static readonly JsonDocumentOptions s_shallow = new() { MaxDepth = DepthMax };

    /// <summary>The file's bytes.</summary>
    public static byte[] Write(HoldList list)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_indented))
        {
            json.WriteStartObject();
            json.WriteNumber("next_id", list.NextId);
            json.WriteStartArray("holds");
            foreach (var hold in list.Holds)
            {
                Write(json, hold);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    /// <summary>One hold as a JSON object.</summary>
    public static void Write(Utf8JsonWriter json, Hold hold)
    {
        json.WriteStartObject();
        json.WriteNumber("id", hold.Id);
        json.WriteString("since", Time(hold.SinceNs));
        json.WriteString("until", Time(hold.UntilNs));
        json.WriteString("by", hold.By);
        json.WriteString("why", hold.Why);
        json.WriteString("added", Time(hold.AddedNs));
        if (hold.ExpiresNs != 0)
        {
            json.WriteString("expires", Time(hold.ExpiresNs));
        }

        json.WriteEndObject();
    }

    /// <summary>Reads a file's bytes; null and a sentence when they are not a list of holds.</summary>
    public static HoldList? TryRead(ReadOnlyMemory<byte> text, out string? mistake)
    {
        try
        {
            using var document = JsonDocument.Parse(text, s_shallow);
            var root = document.RootElement;
            var holds = new List<Hold>();
            var next = root.GetProperty("next_id").GetInt64();
            foreach (var item in root.GetProperty("holds").EnumerateArray())
            {
                if (Read(item) is not { } hold || hold.Id < 1 || hold.Id >= next || holds.Exists(h => h.Id == hold.Id))
                {
                    mistake = $"its hold number {holds.Count + 1} is none, or its id is taken or not below next_id";
                    return null;
                }

                holds.Add(hold);
                if (holds.Count > Limits.HoldsMax)
                {
                    mistake = $"it has more than {Limits.HoldsMax} holds";
                    return null;
                }
            }

            holds.Sort((a, b) => a.Id.CompareTo(b.Id));
            mistake = null;
            return new HoldList(holds, next);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            mistake = $"it is not the JSON that `tapline hold` writes: {e.Message}";
            return null;
        }
    }

    /// <summary>What is wrong with a text of a hold, as one sentence; null when nothing is.</summary>
    public static string? MistakeIn(string text, string name) =>
        string.IsNullOrWhiteSpace(text) ? $"A hold needs {name}: a text that still says something in a year."
        : text.Length > Limits.HoldTextCharactersMax
            ? $"{name} has {text.Length} characters; say it in {Limits.HoldTextCharactersMax}."
        : null;

    /// <summary>RFC 3339 of a time.</summary>
    public static string Time(long timeNs)
    {
        Span<byte> text = stackalloc byte[TimeText.Length];
        TimeText.Write(timeNs, text);
        return Encoding.ASCII.GetString(text);
    }

    private static Hold? Read(JsonElement item)
    {
        var hold = new Hold
        {
            Id = item.GetProperty("id").GetInt64(),
            SinceNs = ReadTime(item.GetProperty("since")),
            UntilNs = ReadTime(item.GetProperty("until")),
            By = item.GetProperty("by").GetString() ?? "",
            Why = item.GetProperty("why").GetString() ?? "",
            AddedNs = ReadTime(item.GetProperty("added")),
            ExpiresNs = item.TryGetProperty("expires", out var expires) ? ReadTime(expires) : 0,
        };
        return hold.SinceNs > hold.UntilNs || MistakeIn(hold.By, "by") is not null || MistakeIn(hold.Why, "why") is not null
            ? null : hold;
    }

    /// <summary>A time as <see cref="Time"/> writes it, or any of RFC 3339; throws FormatException for anything else.</summary>
    internal static long ReadTime(JsonElement item)
    {
        var text = item.GetString() ?? "";
        var nanoseconds = 0;
        var fraction = text.IndexOf('.', StringComparison.Ordinal) + 1;
        if (fraction > 0 && text.Length > fraction + 9
            && int.TryParse(text.AsSpan(fraction + 7, 2), NumberStyles.None, null, out nanoseconds))
        {
            text = text.Remove(fraction + 7, 2); // the runtime's times have seven digits, and round the rest
        }

        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            || time < DateTimeOffset.UnixEpoch || time.Year > 2200)
        {
            throw new FormatException($"\"{Cut(text)}\" is no time such as 2026-01-02T03:04:05Z.");
        }

        return ((time.UtcTicks - DateTime.UnixEpoch.Ticks) * 100) + nanoseconds;
    }

    private static string Cut(string text) => text.Length <= 40 ? text : text[..40] + "…";
}

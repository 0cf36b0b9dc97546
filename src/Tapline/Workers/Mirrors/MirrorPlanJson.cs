// A session's orders as a JSON object on the engine's socket, with the words of the configuration file. Untrusted on the
// way in: a key that is not known or of the wrong kind is a sentence, never a default.
using System.Text.Json;
using Tapline.Mirror.Kernel;

namespace Tapline.Workers;

/// <summary>Reads and writes <see cref="MirrorPlan"/>s.</summary>
public static class MirrorPlanJson
{
    private const int SourcesMax = 256;

    /// <summary>Reads the object at which the reader stands; null and one sentence when it orders nothing sensible.</summary>
    /// <exception cref="JsonException">The text is no JSON.</exception>
    internal static MirrorPlan? Read(ref Utf8JsonReader reader, out string? mistake)
    {
        mistake = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            mistake = "A mirror session is an object with session and to.";
            return null;
        }

        var plan = new MirrorPlan { Session = "", To = "" };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            plan = With(plan, key, ref reader, ref mistake);
            reader.Skip();
        }

        if (mistake is null && (plan.Session.Length == 0 || plan.To.Length == 0))
        {
            mistake = "A mirror session needs a name (session) and a target (to).";
        }

        return mistake is null ? plan : null;
    }

    /// <summary>Writes the orders' keys into an open object.</summary>
    public static void Write(Utf8JsonWriter json, MirrorPlan plan)
    {
        json.WriteString("session"u8, plan.Session);
        json.WriteString("to"u8, plan.To);
        if (plan.From.Count > 0)
        {
            json.WriteStartArray("from"u8);
            foreach (var source in plan.From)
            {
                json.WriteStringValue(source);
            }

            json.WriteEndArray();
        }

        if (plan.Filter is { } filter)
        {
            json.WriteString("filter"u8, filter);
        }

        if (plan.Shape is { } shape)
        {
            json.WriteString("shape"u8, shape);
        }

        if (plan.SinceNs is { } sinceNs)
        {
            json.WriteNumber("since_ns"u8, sinceNs);
            json.WriteNumber("ordered_ns"u8, plan.OrderedNs);
            json.WriteNumber("speed"u8, plan.Speed);
        }

        if (plan.Mode != MirrorMode.Auto)
        {
            json.WriteString("mode"u8, plan.Mode == MirrorMode.Kernel ? "kernel"u8 : "user"u8);
        }
    }

    private static MirrorPlan With(MirrorPlan plan, string key, ref Utf8JsonReader reader, ref string? mistake)
    {
        switch (key)
        {
            case "session" when reader.TokenType == JsonTokenType.String:
                return plan with { Session = reader.GetString()! };
            case "to" when reader.TokenType == JsonTokenType.String:
                return plan with { To = reader.GetString()! };
            case "filter" when reader.TokenType == JsonTokenType.String:
                return plan with { Filter = reader.GetString() };
            case "shape" when reader.TokenType == JsonTokenType.String:
                return plan with { Shape = reader.GetString() };
            case "mode" when reader.TokenType == JsonTokenType.String && reader.GetString() is "auto" or "kernel" or "user":
                return plan with { Mode = Enum.Parse<MirrorMode>(reader.GetString()!, ignoreCase: true) };
            case "since_ns" when reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var sinceNs):
                return plan with { SinceNs = sinceNs };
            case "ordered_ns" when reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var orderedNs):
                return plan with { OrderedNs = orderedNs };
            case "speed" when reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var speed) && speed is >= 0 and <= 1e6:
                return plan with { Speed = speed };
            case "from" when reader.TokenType == JsonTokenType.StartArray:
                return plan with { From = Sources(ref reader, ref mistake) };
            default:
                mistake ??= $"A mirror session has no {key} of that kind; it takes session, to, from, filter, shape, "
                    + "mode, since_ns and speed.";
                return plan;
        }
    }

    private static List<string> Sources(ref Utf8JsonReader reader, ref string? mistake)
    {
        var sources = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || sources.Count == SourcesMax)
            {
                mistake ??= $"from is a list of at most {SourcesMax} source points.";
                reader.Skip();
                continue;
            }

            sources.Add(reader.GetString()!);
        }

        return sources;
    }
}

// What a session that began in the past has come to, in sentences.
using Tapline.Server.Telemetry;

namespace Tapline.Server.Commands;

/// <summary>Sentences about a session's past.</summary>
internal static class PastText
{
    private static readonly (string Field, string Words)[] s_reasons =
    [
        ("dropped_ring", "lost in the ring before it began"), ("dropped_recorder", "lost by the recorder"),
        ("filtered_recorder", "not wanted by the recorder"), ("removed", "removed or damaged before they were read"),
    ];

    /// <summary>Nothing for a session that began in the present.</summary>
    public static IEnumerable<string> Of(EngineSnapshot.Mirror mirror)
    {
        if (mirror.Past is not { } past)
        {
            yield break;
        }

        yield return $"{mirror.Session}: " + past.State switch
        {
            "live" => $"live; of the past it had {Quantity.Count(past.Frames)} frames.",
            "delayed" => $"a delay line; of the past it had {Quantity.Count(past.Frames)} frames so far.",
            _ => $"in the past; {Quantity.Count(past.Frames)} frames so far.",
        };
        var lacking = s_reasons.Where(r => past.Lacking.GetValueOrDefault(r.Field) > 0)
            .Select(r => $"{Quantity.Count(past.Lacking[r.Field])} {r.Words}").ToList();
        if (lacking.Count > 0)
        {
            yield return $"{mirror.Session}: the recording lacks frames of its points: {string.Join(", ", lacking)}.";
        }

        if (past.Lacking.GetValueOrDefault("cut") is > 0 and var cut)
        {
            yield return $"{mirror.Session}: of {Quantity.Count(cut)} frames the recording kept only a part.";
        }

        if (past.Reason is { } reason)
        {
            yield return $"{mirror.Session}: {reason}";
        }
    }
}

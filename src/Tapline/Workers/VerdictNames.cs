// Verdicts in the words of JSON: `undecodable` in summaries, `verdicts` in snapshots.
using System.Text.Json;
using Tapline.Decode;

namespace Tapline.Workers;

/// <summary>Names of <see cref="DecodeVerdict"/>s, by number.</summary>
public static class VerdictNames
{
    private static readonly string[] s_names =
    [
        "transport", "fragment", "network", "link", "undecodable_link", "cut", "truncated", "bad_length", "bad_version",
        "too_deep",
    ];

    private static readonly JsonEncodedText[] s_encoded = Array.ConvertAll(s_names, n => JsonEncodedText.Encode(n));

    /// <summary>How many verdicts there are.</summary>
    public static int Count => s_names.Length;

    public static string Name(DecodeVerdict verdict) => s_names[(int)verdict];

    internal static JsonEncodedText Json(int verdict) => s_encoded[verdict];
}

// What a page or a program asks of the flows in the store. Values travel as parameters, never as SQL text; the sort is
// one of a fixed list. Made from query strings with all mistakes at once.
using System.Globalization;

namespace Tapline.Server.Database;

/// <summary>A checked question. <see cref="TryParse"/> makes it from text.</summary>
internal sealed record FlowQuery
{
    public const int LimitDefault = 50;
    public const int LimitMax = 1000;
    private const int OffsetMax = 1_000_000;

    /// <summary>Either end's address; <c>*</c> stands for any text.</summary>
    public string? Address { get; init; }

    /// <summary>Either end's port.</summary>
    public int? Port { get; init; }

    /// <summary>Either end's VM; <c>*</c> stands for any text.</summary>
    public string? Vm { get; init; }

    public string? Protocol { get; init; }

    public string? App { get; init; }

    public string? Point { get; init; }

    public DateTimeOffset? Since { get; init; }

    public DateTimeOffset? Until { get; init; }

    public string Sort { get; init; } = "end";

    public bool Ascending { get; init; }

    public int Limit { get; init; } = LimitDefault;

    public int Offset { get; init; }

    /// <summary>What flows can be sorted by, and the SQL for it.</summary>
    public static IReadOnlyDictionary<string, string> Sorts { get; } = new Dictionary<string, string>
    {
        ["end"] = "\"end\"",
        ["start"] = "start",
        ["duration_ns"] = "duration_ns",
        ["bytes"] = "initiator_bytes + responder_bytes",
        ["frames"] = "initiator_frames + responder_frames",
        ["retransmissions"] = "coalesce(initiator_retransmissions + responder_retransmissions, 0)",
        ["handshake_rtt_ns"] = "handshake_rtt_ns",
        ["rtt_max_ns"] = "rtt_max_ns",
    };

    /// <param name="read">The value of one query parameter, or null.</param>
    /// <param name="query">The question, when there is no mistake.</param>
    /// <param name="mistakes">One sentence each.</param>
    public static bool TryParse(Func<string, string?> read, out FlowQuery query, out IReadOnlyList<string> mistakes)
    {
        var found = new List<string>();
        query = new FlowQuery
        {
            Address = Blank(read("address")),
            Port = Number(read("port"), "port", 0, 65535, found),
            Vm = Blank(read("vm")),
            Protocol = Blank(read("protocol"))?.ToLowerInvariant(),
            App = Blank(read("app"))?.ToLowerInvariant(),
            Point = Blank(read("point")),
            Since = Time(read("since"), "since", found),
            Until = Time(read("until"), "until", found),
            Sort = Blank(read("sort")) ?? "end",
            Ascending = read("order") is "asc",
            Limit = Number(read("limit"), "limit", 1, LimitMax, found) ?? LimitDefault,
            Offset = Number(read("offset"), "offset", 0, OffsetMax, found) ?? 0,
        };
        if (!Sorts.ContainsKey(query.Sort))
        {
            found.Add($"sort: one of {string.Join(", ", Sorts.Keys)}.");
        }

        if (read("order") is { Length: > 0 } order && order is not ("asc" or "desc"))
        {
            found.Add("order: asc or desc.");
        }

        mistakes = found;
        return found.Count == 0;
    }

    internal static DateTimeOffset? Time(string? text, string name, List<string> mistakes)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        mistakes.Add($"{name}: a time such as 2026-01-31T12:00:00Z.");
        return null;
    }

    internal static int? Number(string? text, string name, int least, int most, List<string> mistakes)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most)
        {
            return number;
        }

        mistakes.Add($"{name}: a whole number from {least} to {most}.");
        return null;
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

// RFC 7047 section 5.1: an atom, ["uuid", text], ["set", [atoms]] or ["map", [[key, value]]]; a set of one may stand as its
// atom. In: parsed JSON from a database that others write to. Out: plain values; what has another shape gives "nothing".
using System.Text.Json;

namespace Tapline.Capture.Ovs;

/// <summary>Reads column values. Pure.</summary>
internal static class OvsdbValue
{
    /// <summary>Elements of one set or map that are looked at; a bridge has a few thousand ports at most.</summary>
    public const int ElementsMax = 65_536;

    public static bool IsText(JsonElement row, string column, string text) =>
        row.TryGetProperty(column, out var value) && value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    /// <summary>The text, or "" when the column is empty or missing.</summary>
    public static string Text(JsonElement row, string column) =>
        row.TryGetProperty(column, out var value) ? AtomText(Single(value)) : "";

    /// <summary>The number, or <paramref name="missing"/>.</summary>
    public static int Number(JsonElement row, string column, int missing) =>
        row.TryGetProperty(column, out var value) && Single(value) is { ValueKind: JsonValueKind.Number } atom
            && atom.TryGetInt32(out var number)
            ? number
            : missing;

    /// <summary>The UUIDs of a reference column.</summary>
    public static List<string> References(JsonElement row, string column)
    {
        var found = new List<string>();
        if (!row.TryGetProperty(column, out var value))
        {
            return found;
        }

        if (Reference(value) is { Length: > 0 } single)
        {
            found.Add(single);
        }
        else if (Elements(value, "set") is { } set)
        {
            foreach (var element in set.EnumerateArray().Take(ElementsMax))
            {
                if (Reference(element) is { Length: > 0 } one)
                {
                    found.Add(one);
                }
            }
        }

        return found;
    }

    /// <summary>A map's value for a key, or "".</summary>
    public static string Entry(JsonElement row, string column, string key)
    {
        if (row.TryGetProperty(column, out var value) && Elements(value, "map") is { } map)
        {
            foreach (var pair in map.EnumerateArray().Take(ElementsMax))
            {
                if (pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 && AtomText(pair[0]) == key)
                {
                    return AtomText(pair[1]);
                }
            }
        }

        return "";
    }

    private static JsonElement Single(JsonElement value) =>
        Elements(value, "set") is { } set && set.GetArrayLength() == 1 ? set[0] : value;

    private static string Reference(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2 && AtomText(value[0]) == "uuid"
            ? AtomText(value[1])
            : "";

    private static JsonElement? Elements(JsonElement value, string kind) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2 && AtomText(value[0]) == kind
            && value[1].ValueKind == JsonValueKind.Array
            ? value[1]
            : null;

    // GetString throws on a lone surrogate that was escaped (\ud800): such a text is nobody's name.
    private static string AtomText(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }
}

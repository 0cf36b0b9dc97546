// `--from` of a mirror session: which of the engine's points it copies. The words are those of --point.
using Tapline.Capture;
using Tapline.Capture.Points;

namespace Tapline.Workers;

/// <summary>Matches points against a session's source words.</summary>
internal static class MirrorSources
{
    /// <summary>True when one of the words names the point; no words = every point.</summary>
    public static bool Selects(IReadOnlyList<string> words, ObservationPoint point)
    {
        if (words.Count == 0)
        {
            return true;
        }

        foreach (var word in words)
        {
            if (Selects(word, point))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Selects(string word, ObservationPoint point)
    {
        var colon = word.IndexOf(':');
        var kind = colon < 0 ? "" : word[..colon];
        var name = colon < 0 ? word : word[(colon + 1)..];
        return kind switch
        {
            "vm" => IsLike(point.Vm, name) || point.VmAliases.HasLike(name) || (point.VmId is { } id && id == name),
            "tag" => point.VmTags.HasLike(name),
            "bridge" or "ovs" => IsLike(point.Switch, name),
            "host" => point.Kind == PointKind.Host && (IsLike(point.Switch, name) || IsLike(point.Name, name)),
            _ => word == "all" || (word == "uplink" && point.Kind == PointKind.Uplink) || IsLike(point.Name, word),
        };
    }

    private static bool IsLike(string? value, string pattern) =>
        value is not null && Glob.Matches(pattern, value);
}

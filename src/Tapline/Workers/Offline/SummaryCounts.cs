// A summary's tables by name, most frequent first, for JSON and for the terminal alike.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Named counts of a result.</summary>
public static class SummaryCounts
{
    /// <summary>Frames by protocol of the innermost packet; frames of links without decoder are left to the verdicts.</summary>
    public static IReadOnlyList<(string Name, long Count)> Protocols(OfflineTally tally)
    {
        var found = new List<(string, long)>();
        for (var p = 0; p < OfflineTally.UnknownLink; p++)
        {
            if (tally.Protocols[p] > 0)
            {
                found.Add((FlowProtocol.Name((ushort)p), tally.Protocols[p]));
            }
        }

        return Sorted(found);
    }

    /// <summary>Frames by the innermost tunnel that carried them.</summary>
    public static IReadOnlyList<(string Name, long Count)> Tunnels(OfflineTally tally)
    {
        var found = new List<(string, long)>();
        foreach (var kind in Enum.GetValues<TunnelKind>())
        {
            if (kind != TunnelKind.None && tally.Tunnels[(int)kind] > 0)
            {
                found.Add((kind.ToString().ToLowerInvariant(), tally.Tunnels[(int)kind]));
            }
        }

        return Sorted(found);
    }

    /// <summary>Flows by application.</summary>
    public static IReadOnlyList<(string Name, long Count)> Apps(FlowTally flows)
    {
        var found = new List<(string, long)>();
        for (var app = 1; app < flows.Apps.Length; app++)
        {
            if (flows.Apps[app] > 0)
            {
                found.Add((AppNames.Find((ushort)app) ?? $"app_{app}", flows.Apps[app]));
            }
        }

        return Sorted(found);
    }

    /// <summary>Frames that could not be decoded to their end, by reason.</summary>
    public static IReadOnlyList<(string Name, long Count)> Undecodable(OfflineTally tally)
    {
        var found = new List<(string, long)>();
        for (var v = (int)DecodeVerdict.UndecodableLink; v < VerdictNames.Count; v++)
        {
            if (tally.Counts.ReadVerdict(v) > 0)
            {
                found.Add((VerdictNames.Name((DecodeVerdict)v), tally.Counts.ReadVerdict(v)));
            }
        }

        return Sorted(found);
    }

    /// <summary>Frames of which bytes are missing.</summary>
    public static long CutFrames(OfflineResult result)
    {
        long cut = 0;
        foreach (var point in result.Points)
        {
            cut += result.Tally.Counts.ReadPoint(point.PointId).Cut;
        }

        return cut;
    }

    private static List<(string Name, long Count)> Sorted(List<(string Name, long Count)> found)
    {
        found.Sort((a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : string.CompareOrdinal(a.Name, b.Name));
        return found;
    }
}

// Loops are refused before anything changes on the host: a copy that comes back into the switch would be copied again,
// and the tapped traffic would drown in it. In: names and what is known of the host's interfaces. Out: null or one
// sentence. Pure; whoever calls it has asked the kernel.
namespace Tapline.Mirror;

/// <summary>What lies behind an interface that is to be a tool port.</summary>
/// <param name="IsSwitch">It is a bridge itself.</param>
/// <param name="PeerName">The other end of a veth pair when that lies in the same namespace.</param>
/// <param name="PeerSwitch">The switch of which that other end is a port.</param>
public readonly record struct ToolPortPlace(bool IsSwitch, string? PeerName, string? PeerSwitch);

/// <summary>One session's ends as ordered.</summary>
/// <param name="Session">The session's name.</param>
/// <param name="From">Its source words; empty = all points of the engine.</param>
/// <param name="Interface">Its tool port; null when it sends elsewhere.</param>
public readonly record struct MirrorEnds(string Session, IReadOnlyList<string> From, string? Interface);

/// <summary>Refuses sessions that would feed on themselves.</summary>
public static class MirrorValidation
{
    /// <summary>Null when the sessions can run together, else what is wrong and the mend.</summary>
    /// <param name="points">Source words of the engine.</param>
    /// <param name="sessions">All sessions.</param>
    /// <param name="placeOf">What lies behind a tool port.</param>
    public static string? Check(
        IReadOnlyList<string> points, IReadOnlyList<MirrorEnds> sessions, Func<string, ToolPortPlace> placeOf)
    {
        foreach (var target in sessions)
        {
            if (target.Interface is not { } name)
            {
                continue;
            }

            if (points.Contains(name))
            {
                return $"{name} is the tool port of session {target.Session} and cannot be observed too: its copies "
                    + $"would be copied again. Leave {name} out of the points or send the copies elsewhere.";
            }

            foreach (var source in sessions)
            {
                if (source.From.Contains(name))
                {
                    return $"{name} is the tool port of session {target.Session} and a source of session "
                        + $"{source.Session}: its copies would be copied again. Send one of them elsewhere.";
                }
            }

            if (CheckPlace(points, sessions, name, placeOf(name)) is { } mistake)
            {
                return mistake;
            }
        }

        return null;
    }

    private static string? CheckPlace(
        IReadOnlyList<string> points, IReadOnlyList<MirrorEnds> sessions, string name, ToolPortPlace place)
    {
        if (place.IsSwitch)
        {
            return $"{name} is a switch: copies sent to it would enter the tapped traffic. Name a port that leads to "
                + "the tool.";
        }

        if (place.PeerSwitch is { } bridge)
        {
            return $"{name} leads back into the switch {bridge} (its other end {place.PeerName} is a port of it): the "
                + "copies would enter the tapped traffic. Name a port that leads to the tool.";
        }

        if (place.PeerName is not { } peer)
        {
            return null;
        }

        var isObserved = points.Contains(peer);
        foreach (var session in sessions)
        {
            isObserved |= session.From.Contains(peer);
        }

        return isObserved
            ? $"{peer} is the other end of the tool port {name} and cannot be observed: the copies would be copied "
                + "again."
            : null;
    }
}

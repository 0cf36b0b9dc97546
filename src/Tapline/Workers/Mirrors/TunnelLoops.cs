// A session that sends into a tunnel which a listener of the same engine ends would copy its own copies. In: targets and source
// words as ordered, and which addresses are this host's. Out: null or one sentence. Control thread; asks the host only when a
// listener is there.
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Tapline.Capture.Tunnels;
using Tapline.Mirror.Targets;

namespace Tapline.Workers;

/// <summary>Refuses tunnels from this engine to itself.</summary>
internal static class TunnelLoops
{
    /// <summary>Null when no copy can come back by a listener.</summary>
    /// <param name="targets">Sessions and where they send.</param>
    /// <param name="words">Source words of the engine and of all sessions.</param>
    /// <param name="addressesOf">What a host name or address of a target stands for, as far as it is this host's own.</param>
    public static string? Check(
        IEnumerable<(string Session, MirrorTarget Target)> targets,
        IEnumerable<string> words,
        Func<string, IReadOnlyList<IPAddress>> addressesOf)
    {
        var listeners = words.Where(TunnelUrl.IsTunnel).Distinct()
            .Select(w => TunnelUrl.Parse(w, out _)).OfType<TunnelUrl>().ToList();
        if (listeners.Count == 0)
        {
            return null;
        }

        foreach (var (session, target) in targets)
        {
            if (target is TunnelTarget tunnel && listeners.Find(l => Ends(l, tunnel, addressesOf)) is { } listener)
            {
                return $"Session {session} sends to {target}, and {listener.Text} of this engine listens there: its copies would be "
                    + "copied again. Send them to another host, or leave the listener out.";
            }
        }

        return null;
    }

    /// <summary>The addresses of a target that are this host's own.</summary>
    public static IReadOnlyList<IPAddress> OwnAddresses(string host)
    {
        try
        {
            var own = NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address).ToHashSet();
            return [.. Dns.GetHostAddresses(host).Where(a => IPAddress.IsLoopback(a) || own.Contains(a))];
        }
        catch (Exception fault) when (fault is SocketException or NetworkInformationException)
        {
            // Unknown names are refused where the session opens.
            return [];
        }
    }

    private static bool Ends(TunnelUrl listener, TunnelTarget target, Func<string, IReadOnlyList<IPAddress>> addressesOf)
    {
        var isSameKind = (listener.Protocol, target.Format) is (TunnelProtocol.Vxlan, TunnelFormat.Vxlan)
            or (TunnelProtocol.Geneve, TunnelFormat.Geneve) or (TunnelProtocol.Gre, TunnelFormat.Gre)
            or (TunnelProtocol.Erspan, TunnelFormat.Erspan);
        return isSameKind && listener.Port == target.Port && (listener.Id < 0 || listener.Id == target.Id)
            && addressesOf(target.Host).Any(a => listener.Address is null || listener.Address.Equals(a));
    }
}

// Connections of this process that carry streams. When they pass a tapped port their frames must not be copied again: each
// copy would be sent, captured and copied once more, without end. Known by the two TCP ports, which no router between
// changes on this host's side of it. Streams' threads write, workers read: one immutable list.
using Tapline.Decode;

namespace Tapline.Mirror.Send.Streams;

/// <summary>The ports of all clients of all listening streams. Any thread.</summary>
internal static class OwnConnections
{
    private static readonly Lock s_gate = new();
    private static readonly Dictionary<object, (ushort Listener, ushort Client)[]> s_byOwner = [];
    private static (ushort Listener, ushort Client)[] s_all = [];

    /// <summary>An owner's connections from now on.</summary>
    public static void Replace(object owner, (ushort Listener, ushort Client)[] connections)
    {
        lock (s_gate)
        {
            if (connections.Length > 0)
            {
                s_byOwner[owner] = connections;
            }
            else
            {
                s_byOwner.Remove(owner);
            }

            Volatile.Write(ref s_all, [.. s_byOwner.Values.SelectMany(c => c)]);
        }
    }

    /// <summary>True when the frame belongs to one of them. Allocation-free.</summary>
    public static bool Has(in FrameLayout layout)
    {
        var all = Volatile.Read(ref s_all);
        if (all.Length == 0 || layout.IpProtocol != IpProtocols.Tcp)
        {
            return false;
        }

        foreach (var (listener, client) in all)
        {
            if ((layout.SourcePort == listener && layout.DestinationPort == client)
                || (layout.SourcePort == client && layout.DestinationPort == listener))
            {
                return true;
            }
        }

        return false;
    }
}

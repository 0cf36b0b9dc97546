// Which copies a slow target gets when it cannot have all: first those without which a tool understands nothing of a flow,
// then those of flows in which something went wrong, then first frames of flows, then the rest. A count of each flow's first
// frames is kept in a small table; a flow that was pushed out of it counts anew. Pure; one worker's; allocates when made only.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Mirror;

/// <summary>Judges what a copy is worth. Owns its table.</summary>
internal sealed class FrameValue : IDisposable
{
    /// <summary>Frames of a flow, both directions together, that count as its beginning: TLS's hello and its answer are in it.</summary>
    public const int FirstFrames = 16;

    /// <summary>Above this filling of the target's buffer only frames of value are taken.</summary>
    public const int CrowdedPercent = 50;

    /// <summary>Above this, first frames are not enough any more: the flow must have an event.</summary>
    public const int EventsPercent = 70;

    /// <summary>Above this, only those without which a flow cannot be understood.</summary>
    public const int FullPercent = 85;

    private const int Ways = 4;
    private const int CountBits = 8;
    private const uint CountMax = (1u << CountBits) - 1;
    private const ushort Dns = 53;

    /// <summary>FIN, SYN, RST (RFC 9293 section 3.1).</summary>
    private const byte OpensOrCloses = 0x07;

    private readonly NativeArray<uint> _flows = new(Limits.MirrorValueFlows);

    /// <summary>
    /// True when the copy is to be offered to a target whose buffer is so full. Asked once for each frame that is meant for
    /// a target that is up, whatever the filling: the first frames that it was to get of each flow are counted by it.
    /// </summary>
    /// <param name="layout">The frame's layout.</param>
    /// <param name="hasEvent">Something went wrong in the frame's flow.</param>
    /// <param name="fillPercent">How full the target's buffer is.</param>
    public bool IsWorth(in FrameLayout layout, bool hasEvent, int fillPercent)
    {
        var isFirst = CountFlow(FlowSpread.Of(layout)) <= FirstFrames;
        return fillPercent < CrowdedPercent || IsVital(layout) || (hasEvent && fillPercent < FullPercent)
            || (isFirst && fillPercent < EventsPercent);
    }

    public void Dispose() => _flows.Dispose();

    // Openings and ends of connections, what says why a connection failed, names, and everything that is no IP (ARP,
    // spanning tree): little of it, and all the rest hangs on it.
    private static bool IsVital(in FrameLayout layout) => layout.IpVersion == 0 || layout.IpProtocol switch
    {
        IpProtocols.Tcp => (layout.TcpFlags & OpensOrCloses) != 0,
        IpProtocols.Udp => layout.SourcePort == Dns || layout.DestinationPort == Dns,
        IpProtocols.Icmp or IpProtocols.Icmpv6 => true,
        _ => false,
    };

    // Four flows share a place; the one with the fewest frames gives way to a new one.
    private uint CountFlow(ulong flow)
    {
        var tag = (uint)flow & ~CountMax;
        var places = _flows.Span.Slice((int)(flow >> 40) & (_flows.Length - Ways), Ways);
        var least = (int)(flow >> 32) & (Ways - 1);
        for (var i = 0; i < Ways; i++)
        {
            if (places[i] != 0 && (places[i] & ~CountMax) == tag)
            {
                places[i] += (places[i] & CountMax) < CountMax ? 1u : 0u;
                return places[i] & CountMax;
            }

            least = (places[i] & CountMax) < (places[least] & CountMax) ? i : least;
        }

        places[least] = tag | 1;
        return 1;
    }
}

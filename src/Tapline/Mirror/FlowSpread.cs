// A number for a flow, the same for both directions: by it a flow stays with one target of a group, and its first frames
// are told from later ones. Not keyed: who crafts addresses can crowd one target, which the ledger shows. Pure.
using Tapline.Decode;

namespace Tapline.Mirror;

/// <summary>Spreads flows.</summary>
internal static class FlowSpread
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    /// <summary>
    /// Of a frame: addresses, protocol and ports. Every fragment of a packet counts by its addresses alone, so that a packet
    /// stays in one piece.
    /// </summary>
    public static ulong Of(in FrameLayout layout)
    {
        uint ports = 0;
        if ((layout.Flags & (LayoutFlags.HasTransport | LayoutFlags.IsFragment)) == LayoutFlags.HasTransport
            && layout.IpProtocol is IpProtocols.Tcp or IpProtocols.Udp or IpProtocols.Sctp or IpProtocols.UdpLite
                or IpProtocols.Dccp)
        {
            ports = layout.SourcePort < layout.DestinationPort
                ? ((uint)layout.SourcePort << 16) | layout.DestinationPort
                : ((uint)layout.DestinationPort << 16) | layout.SourcePort;
        }

        return Mix(Mix(((ulong)layout.AddressHash << 32) | ports) + layout.IpProtocol);
    }

    /// <summary>Every bit of the result depends on every bit of the argument (the finaliser of SplitMix64, Steele 2014).</summary>
    public static ulong Mix(ulong x)
    {
        x += Multiplier;
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }
}

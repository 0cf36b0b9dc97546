// The tunnels that a listener can end, in the words of the command line.
namespace Tapline.Capture.Tunnels;

/// <summary>What a listener listens for.</summary>
internal enum TunnelProtocol : byte
{
    /// <summary>RFC 7348, UDP port 4789.</summary>
    Vxlan,

    /// <summary>RFC 8926, UDP port 6081.</summary>
    Geneve,

    /// <summary>RFC 2784 and 2890, IP protocol 47, without ERSPAN.</summary>
    Gre,

    /// <summary>draft-foschiano-erspan-03, types I, II and III: GRE protocol types 0x88BE and 0x22EB.</summary>
    Erspan,
}

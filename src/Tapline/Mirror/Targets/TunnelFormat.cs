// The tunnels by which copies can leave, in the words of the command line.
namespace Tapline.Mirror.Targets;

/// <summary>A tunnel's format. See docs/formats/tunnels.md for the bytes.</summary>
public enum TunnelFormat : byte
{
    /// <summary>RFC 7348, UDP.</summary>
    Vxlan,

    /// <summary>RFC 8926, UDP.</summary>
    Geneve,

    /// <summary>RFC 2784 and 2890 with Ethernet inside, IP protocol 47.</summary>
    Gre,

    /// <summary>draft-foschiano-erspan-03, IP protocol 47.</summary>
    Erspan,

    /// <summary>TaZmen Sniffer Protocol, UDP.</summary>
    Tzsp,
}

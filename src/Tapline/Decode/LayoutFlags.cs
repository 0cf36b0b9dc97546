// Facts about a decoded frame that do not need a field of their own.
namespace Tapline.Decode;

/// <summary>Single-bit results of decoding.</summary>
[Flags]
public enum LayoutFlags : ushort
{
    None = 0,

    /// <summary>An IP fragment, first or later.</summary>
    IsFragment = 1 << 0,

    /// <summary>The first fragment (offset 0, more to come): has the transport header.</summary>
    FirstFragment = 1 << 1,

    /// <summary>More fragments follow this one.</summary>
    MoreFragments = 1 << 2,

    /// <summary>The transport header is present and its fields below are valid (ports, flags).</summary>
    HasTransport = 1 << 3,

    /// <summary>
    /// The link layer has MAC addresses, at <see cref="FrameLayout.LinkOffset"/> (destination, then source).
    /// </summary>
    HasMac = 1 << 4,

    /// <summary>Part of the packet was cut by the capture: payload bytes are fewer than the headers say.</summary>
    PayloadCut = 1 << 5,

    /// <summary>An ICMP error; the packet it quotes starts at the payload.</summary>
    QuotesPacket = 1 << 6,

    /// <summary>More VLAN tags than are kept.</summary>
    VlanOverflow = 1 << 7,

    /// <summary>
    /// The innermost packet lies inside a tunnel: <see cref="FrameLayout.Tunnel"/> and the outer fields are valid.
    /// </summary>
    Tunnelled = 1 << 8,

    /// <summary>The outer frame (not the tunnel's inside) was itself an IP fragment's first part.</summary>
    OuterFragment = 1 << 9,

    /// <summary>An 802.3 frame with LLC: <see cref="FrameLayout.EtherType"/> holds DSAP * 256 + SSAP.</summary>
    Llc = 1 << 10,

    /// <summary>The packet announces a tunnel whose inside has no whole, sound IP header here (cut, broken or
    /// unknown): the carrier is the flow, with its own verdict.</summary>
    TunnelBroken = 1 << 11,
}

// What holds of every layout, whatever the bytes were: later stages rely on it without looking.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Tests.Support;

/// <summary>Checks a layout against itself.</summary>
public static class LayoutInvariants
{
    /// <summary>True when two layouts are the same to the byte.</summary>
    public static bool Same(in FrameLayout left, in FrameLayout right) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<FrameLayout>(in left))
            .SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<FrameLayout>(in right)));

    /// <summary>The first rule that does not hold, or null.</summary>
    public static string? Violated(in FrameLayout layout, int captured, int original)
    {
        var ip = layout.IpVersion switch { 0 => 0, 4 => 20, 6 => 40, _ => -1 };
        var transport = (layout.Flags & LayoutFlags.HasTransport) != 0;
        var fixedHeader = layout.IpProtocol switch { 6 => 20, 132 => 12, _ => 8 };
        var tunnelled = (layout.Flags & LayoutFlags.Tunnelled) != 0;
        return ip < 0 ? "IpVersion"
            : layout.Verdict > DecodeVerdict.TooDeep ? "Verdict"
            : ip > 0 && layout.NetworkOffset + ip > captured ? "a whole IP header"
            : (layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset + 14 > captured ? "a whole MAC header"
            : transport && layout.IpVersion == 0 ? "transport only with IP"
            : transport && layout.TransportOffset + fixedHeader > captured ? "a whole fixed transport header"
            : transport && layout.TransportOffset < layout.NetworkOffset + ip ? "transport behind network"
            : layout.Verdict == DecodeVerdict.Transport && !transport ? "verdict Transport has one"
            : layout.Verdict is DecodeVerdict.Transport or DecodeVerdict.Fragment or DecodeVerdict.Network && ip == 0
                ? "these verdicts have addresses"
            : layout.PayloadLength < 0 ? "payload not negative"
            : layout.PayloadLength > Math.Max(original, Limits.FrameBytesMax) ? "payload within limits"
            : (layout.Flags & LayoutFlags.OuterFragment) == 0 && layout.PayloadLength > original ? "payload within the frame"
            : layout.VlanCount > Limits.VlanTagsMax ? "VLAN count"
            : layout.TunnelDepth > Limits.TunnelDepthMax ? "tunnel depth"
            : tunnelled != (layout.Tunnel != TunnelKind.None) ? "a tunnel has a kind"
            : layout.OuterIpVersion != 0 && layout.OuterNetworkOffset + (layout.OuterIpVersion == 4 ? 20 : 40) > captured
                ? "a whole outer header"
            : null;
    }
}

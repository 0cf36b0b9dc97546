// Transport headers: TCP (RFC 9293), UDP (RFC 768), UDP-Lite (RFC 3828), SCTP (RFC 9260), DCCP (RFC 4340), ICMP (RFC
// 792), ICMPv6 (RFC 4443), IGMP. The last step of a walk, unless a UDP port announces a tunnel. Pure.
//
// A header that is not whole still gives its ports when their four bytes are there; HasTransport is set only when the
// fixed header is whole and sound. In a first fragment a header may be cut short by the fragmentation: verdict
// Fragment.
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>Transport steps of the walk.</summary>
internal static class TransportWalk
{
    private const int TcpHeaderMin = 20;
    private const int UdpHeader = 8;
    private const int IcmpHeader = 8;
    private const int DccpHeaderMin = 12;

    public static DecodeVerdict Tcp(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, TcpHeaderMin))
        {
            return NotWhole(ref walk, offset, TcpHeaderMin, ports: true);
        }

        Ports(ref walk, offset);
        var length = (walk.U8(offset + 12) >> 4) * 4;
        walk.Layout.TcpFlags = walk.U8(offset + 13);
        var fragment = walk.Is(LayoutFlags.FirstFragment);
        if (length < TcpHeaderMin || (!fragment && offset + length > walk.PacketEnd))
        {
            return DecodeVerdict.BadLength;
        }

        Whole(ref walk, offset, length);
        if (walk.Has(offset, length))
        {
            return DecodeVerdict.Transport;
        }

        return fragment ? DecodeVerdict.Fragment : walk.Short(offset, length);
    }

    public static DecodeVerdict Udp(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, UdpHeader))
        {
            return NotWhole(ref walk, offset, UdpHeader, ports: true);
        }

        Ports(ref walk, offset);
        int length = walk.U16(offset + 4);
        if (length is > 0 and < UdpHeader)
        {
            return DecodeVerdict.BadLength;
        }

        // Length 0: a jumbogram (RFC 2675 section 4) or a super-frame. Longer than its packet: a first fragment.
        if (length != 0 && offset + length < walk.PacketEnd)
        {
            walk.PacketEnd = offset + length;
            walk.LimitEnd(walk.PacketEnd);
        }

        Whole(ref walk, offset, UdpHeader);
        return TunnelWalk.IsTunnelPort(walk.Layout.DestinationPort)
            ? TunnelWalk.OverUdp(ref walk, offset + UdpHeader)
            : DecodeVerdict.Transport;
    }

    /// <summary>A header of fixed length that begins with two ports: SCTP, UDP-Lite.</summary>
    public static DecodeVerdict Ported(ref Walk walk, int offset, int headerLength)
    {
        if (!walk.Has(offset, headerLength))
        {
            return NotWhole(ref walk, offset, headerLength, ports: true);
        }

        Ports(ref walk, offset);
        Whole(ref walk, offset, headerLength);
        return DecodeVerdict.Transport;
    }

    public static DecodeVerdict Dccp(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, DccpHeaderMin))
        {
            return NotWhole(ref walk, offset, DccpHeaderMin, ports: true);
        }

        Ports(ref walk, offset);
        var length = walk.U8(offset + 4) * 4;
        if (length < DccpHeaderMin || offset + length > walk.PacketEnd)
        {
            return DecodeVerdict.BadLength;
        }

        Whole(ref walk, offset, length);
        return DecodeVerdict.Transport;
    }

    /// <summary>
    /// ICMP and ICMPv6: type and code as the source port, an echo's identifier as the destination port.
    /// </summary>
    public static DecodeVerdict Icmp(ref Walk walk, int offset, bool version6)
    {
        if (!walk.Has(offset, IcmpHeader))
        {
            if (walk.Has(offset, 2))
            {
                walk.Layout.SourcePort = walk.U16(offset);
            }

            return NotWhole(ref walk, offset, IcmpHeader, ports: false);
        }

        var type = walk.U8(offset);
        walk.Layout.SourcePort = walk.U16(offset);
        var isEcho = version6 ? type is 128 or 129 : type is 0 or 8 or (>= 13 and <= 18);
        if (isEcho)
        {
            walk.Layout.DestinationPort = walk.U16(offset + 4);
        }

        // Unreachable, source quench, redirect, time exceeded, parameter problem; in ICMPv6 all types 1 to 4.
        var isError = version6 ? type is >= 1 and <= 4 : type is 3 or 4 or 5 or 11 or 12;
        if (isError)
        {
            walk.Layout.Flags |= LayoutFlags.QuotesPacket;
        }

        Whole(ref walk, offset, IcmpHeader);
        return DecodeVerdict.Transport;
    }

    /// <summary>IGMP (RFC 9776): no ports, so that one group's reports and queries stay one flow.</summary>
    public static DecodeVerdict Igmp(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 8))
        {
            return NotWhole(ref walk, offset, 8, ports: false);
        }

        Whole(ref walk, offset, 8);
        return DecodeVerdict.Transport;
    }

    private static void Ports(ref Walk walk, int offset)
    {
        walk.Layout.SourcePort = walk.U16(offset);
        walk.Layout.DestinationPort = walk.U16(offset + 2);
    }

    private static void Whole(ref Walk walk, int offset, int headerLength)
    {
        walk.Layout.Flags |= LayoutFlags.HasTransport;
        walk.Layout.TransportHeaderLength = (ushort)headerLength;
        walk.SetPayload(offset + headerLength);
    }

    private static DecodeVerdict NotWhole(ref Walk walk, int offset, int headerLength, bool ports)
    {
        if (ports && walk.Has(offset, 4))
        {
            Ports(ref walk, offset);
        }

        return walk.Is(LayoutFlags.FirstFragment) && offset + headerLength > walk.PacketEnd
            ? DecodeVerdict.Fragment
            : walk.Short(offset, headerLength);
    }
}

// IPv4 (RFC 791) and the step from any IP header to what its protocol number announces. Pure; see Walk for the rules
// of length. Addresses count as known (IpVersion set) only once the fixed header is whole and its lengths agree.
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>IPv4 and protocol dispatch.</summary>
internal static class NetworkWalk
{
    private const int HeaderMin = 20;
    private const ushort MoreFragmentsBit = 0x2000;
    private const ushort OffsetMask = 0x1FFF;

    /// <summary>An IPv4 packet at <paramref name="offset"/>.</summary>
    public static DecodeVerdict Ipv4(ref Walk walk, int offset)
    {
        if (offset > Limits.HeaderOffsetMax)
        {
            return DecodeVerdict.TooDeep;
        }

        if (walk.Has(offset, 1) && walk.U8(offset) >> 4 != 4)
        {
            return DecodeVerdict.BadVersion;
        }

        if (!walk.Has(offset, HeaderMin))
        {
            return walk.Short(offset, HeaderMin);
        }

        var headerLength = (walk.U8(offset) & 15) * 4;
        int total = walk.U16(offset + 2);
        if (headerLength < HeaderMin || (total != 0 && total < headerLength))
        {
            return DecodeVerdict.BadLength;
        }

        // Total length 0: a super-frame above 64 KiB, or one caught before the NIC filled it in (until the frame's
        // end).
        walk.SetPacketEnd(total == 0 ? walk.End : offset + total);
        ref var layout = ref walk.Layout;
        layout.IpVersion = 4;
        layout.NetworkOffset = (ushort)offset;
        layout.NetworkLength = total;
        layout.TrafficClass = walk.U8(offset + 1);
        layout.Ttl = walk.U8(offset + 8);
        layout.IpProtocol = walk.U8(offset + 9);
        layout.FragmentId = walk.U16(offset + 4);
        walk.SetPayload(offset + HeaderMin);
        if (!walk.Has(offset, headerLength))
        {
            return walk.Short(offset, headerLength);
        }

        var fragment = walk.U16(offset + 6);
        var next = offset + headerLength;
        return Fragmented(ref walk, (fragment & OffsetMask) * 8, (fragment & MoreFragmentsBit) != 0, next)
            ? LaterFragment(ref walk, next)
            : Protocol(ref walk, layout.IpProtocol, next);
    }

    /// <summary>Notes what a fragment header says; true for a later fragment, which has no transport header.</summary>
    public static bool Fragmented(ref Walk walk, int fragmentOffset, bool more, int next)
    {
        walk.Layout.TransportOffset = (ushort)next;
        if (fragmentOffset == 0 && !more)
        {
            return false;
        }

        walk.Layout.FragmentOffset = (ushort)fragmentOffset;
        walk.Layout.Flags |= LayoutFlags.IsFragment
            | (more ? LayoutFlags.MoreFragments : LayoutFlags.None)
            | (fragmentOffset == 0 ? LayoutFlags.FirstFragment : LayoutFlags.None);
        return fragmentOffset != 0;
    }

    /// <summary>Ends the walk at a fragment without a transport header.</summary>
    public static DecodeVerdict LaterFragment(ref Walk walk, int next)
    {
        walk.SetPayload(next);
        return DecodeVerdict.Fragment;
    }

    /// <summary>What the protocol number announces at <paramref name="offset"/>.</summary>
    public static DecodeVerdict Protocol(ref Walk walk, byte protocol, int offset)
    {
        if (offset > Limits.HeaderOffsetMax)
        {
            return DecodeVerdict.TooDeep;
        }

        for (var headers = 0; protocol == IpProtocols.Ah; headers++)
        {
            // RFC 4302 section 2: next header, length in words minus 2.
            if (headers == Limits.HeaderChainMax)
            {
                return DecodeVerdict.TooDeep;
            }

            if (!walk.Has(offset, 12))
            {
                return walk.Short(offset, 12);
            }

            protocol = walk.U8(offset);
            offset += (walk.U8(offset + 1) + 2) * 4;
        }

        walk.Layout.IpProtocol = protocol;
        walk.Layout.TransportOffset = (ushort)offset;
        walk.SetPayload(offset);
        switch (protocol)
        {
            case IpProtocols.Tcp: return TransportWalk.Tcp(ref walk, offset);
            case IpProtocols.Udp: return TransportWalk.Udp(ref walk, offset);
            case IpProtocols.Icmp: return TransportWalk.Icmp(ref walk, offset, version6: false);
            case IpProtocols.Icmpv6: return TransportWalk.Icmp(ref walk, offset, version6: true);
            case IpProtocols.Sctp: return TransportWalk.Ported(ref walk, offset, headerLength: 12);
            case IpProtocols.UdpLite: return TransportWalk.Ported(ref walk, offset, headerLength: 8);
            case IpProtocols.Dccp: return TransportWalk.Dccp(ref walk, offset);
            case IpProtocols.Igmp: return TransportWalk.Igmp(ref walk, offset);
            case IpProtocols.Ipv4: return TunnelWalk.IpInIp(ref walk, offset, EtherTypes.Ipv4);
            case IpProtocols.Ipv6: return TunnelWalk.IpInIp(ref walk, offset, EtherTypes.Ipv6);
            case IpProtocols.Gre: return GreWalk.Header(ref walk, offset);
            case IpProtocols.EtherIp: return TunnelWalk.EtherIp(ref walk, offset);
            case IpProtocols.MplsInIp:
                return TunnelWalk.MplsIn(ref walk, TunnelKind.Mpls, offset, DecodeVerdict.Network);
            default: return DecodeVerdict.Network;
        }
    }
}

// The link layer: Ethernet II, 802.3 with LLC and SNAP, VLAN stacks, PPPoE, PPP, Linux cooked captures, BSD loopback,
// raw IP. Each function looks at the header at `offset` and goes on to what it announces. Pure; see Walk for the rules
// of length.
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>Link-layer steps of the walk.</summary>
internal static class LinkWalk
{
    private const int EthernetHeader = 14;
    private const int SllHeader = 16;
    private const int Sll2Header = 20;
    private const int LoopHeader = 4;
    private const int PppoeHeader = 6;

    /// <summary>Starts at the frame's first byte.</summary>
    public static DecodeVerdict Start(ref Walk walk, LinkType linkType)
    {
        switch (linkType)
        {
            case LinkType.Ethernet: return Ethernet(ref walk, 0);
            case LinkType.LinuxSll: return Sll(ref walk);
            case LinkType.LinuxSll2: return Sll2(ref walk);
            case LinkType.Null or LinkType.Loop: return Loop(ref walk);
            case LinkType.Raw or LinkType.Ipv4 or LinkType.Ipv6: return RawIp(ref walk, 0);
            case LinkType.Ppp or LinkType.PppHdlc: return Ppp(ref walk, 0, allowCisco: true);
            case LinkType.PppWithDirection: return Ppp(ref walk, 1, allowCisco: true);
            case LinkType.PppEther: return PppoeSession(ref walk, 0);
            default:
                walk.SetPayload(0);
                return DecodeVerdict.UndecodableLink;
        }
    }

    /// <summary>An Ethernet header: the frame's own or one inside a tunnel.</summary>
    public static DecodeVerdict Ethernet(ref Walk walk, int offset)
    {
        if (offset > Limits.HeaderOffsetMax)
        {
            return DecodeVerdict.TooDeep;
        }

        if (!walk.Has(offset, EthernetHeader))
        {
            return walk.Short(offset, EthernetHeader);
        }

        walk.Layout.LinkOffset = (ushort)offset;
        walk.Layout.Flags |= LayoutFlags.HasMac;
        return Typed(ref walk, walk.U16(offset + 12), offset + EthernetHeader);
    }

    /// <summary>
    /// What an EtherType or 802.3 length announces at <paramref name="offset"/>, behind VLAN tags if any.
    /// </summary>
    public static DecodeVerdict Typed(ref Walk walk, ushort type, int offset)
    {
        for (var tags = 0; EtherTypes.IsVlan(type) || type == EtherTypes.CiscoMetadata; tags++)
        {
            if (tags == Limits.HeaderChainMax)
            {
                return DecodeVerdict.TooDeep;
            }

            if (type == EtherTypes.CiscoMetadata)
            {
                // Version, length, option type, group tag, then the EtherType that was there before.
                if (!walk.Has(offset, 8))
                {
                    return walk.Short(offset, 8);
                }

                type = walk.U16(offset + 6);
                offset += 8;
                continue;
            }

            if (!walk.Has(offset, 4))
            {
                return walk.Short(offset, 4);
            }

            walk.PushVlan(walk.U16(offset));
            type = walk.U16(offset + 2);
            offset += 4;
        }

        // 0x05DD to 0x05FF are neither lengths nor types; they end as a layer-2 frame of that type.
        return type is > 0 and <= 1500 ? Llc(ref walk, type, offset) : ByEtherType(ref walk, type, offset);
    }

    /// <summary>What an EtherType announces; types without a decoder end as a layer-2 frame.</summary>
    public static DecodeVerdict ByEtherType(ref Walk walk, ushort type, int offset)
    {
        walk.Layout.EtherType = type;
        switch (type)
        {
            case EtherTypes.Ipv4: return NetworkWalk.Ipv4(ref walk, offset);
            case EtherTypes.Ipv6: return Ipv6Walk.Packet(ref walk, offset);
            case EtherTypes.Mpls or EtherTypes.MplsMulticast: return MplsWalk.Labels(ref walk, offset);
            case EtherTypes.PppoeSession: return PppoeSession(ref walk, offset);
            case EtherTypes.Nsh: return TunnelWalk.Nsh(ref walk, offset);
            default: return Opaque(ref walk, offset);
        }
    }

    /// <summary>A layer-2 frame whose content has no decoder here (ARP, LLDP, STP, …).</summary>
    public static DecodeVerdict Opaque(ref Walk walk, int offset)
    {
        walk.Layout.NetworkOffset = (ushort)offset;
        walk.SetPayload(offset);
        return DecodeVerdict.Link;
    }

    /// <summary>IP by its version nibble alone: raw IP captures, tunnels that carry any IP.</summary>
    public static DecodeVerdict RawIp(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 1))
        {
            return walk.Short(offset, 1);
        }

        switch (walk.U8(offset) >> 4)
        {
            case 4:
                walk.Layout.EtherType = EtherTypes.Ipv4;
                return NetworkWalk.Ipv4(ref walk, offset);
            case 6:
                walk.Layout.EtherType = EtherTypes.Ipv6;
                return Ipv6Walk.Packet(ref walk, offset);
            default:
                return DecodeVerdict.BadVersion;
        }
    }

    /// <summary>
    /// PPP (RFC 1661, 1662): address and control bytes may be left out, and so may the protocol's first byte.
    /// With <paramref name="allowCisco"/>, Cisco HDLC (address 0x0F or 0x8F, control 0, EtherType) is known too.
    /// </summary>
    public static DecodeVerdict Ppp(ref Walk walk, int offset, bool allowCisco)
    {
        if (!walk.Has(offset, 2))
        {
            return walk.Short(offset, 2);
        }

        var first = walk.U8(offset);
        if (allowCisco && first is 0x0F or 0x8F && walk.U8(offset + 1) == 0)
        {
            return walk.Has(offset, 4)
                ? ByEtherType(ref walk, walk.U16(offset + 2), offset + 4)
                : walk.Short(offset, 4);
        }

        if (first == 0xFF && walk.U8(offset + 1) == 0x03)
        {
            offset += 2;
            if (!walk.Has(offset, 2))
            {
                return walk.Short(offset, 2);
            }
        }

        // An odd first byte is a protocol field compressed to one byte (RFC 1661 section 6.5).
        var compressed = (walk.U8(offset) & 1) != 0;
        var protocol = compressed ? walk.U8(offset) : walk.U16(offset);
        offset += compressed ? 1 : 2;
        switch (protocol)
        {
            case 0x0021: return ByEtherType(ref walk, EtherTypes.Ipv4, offset);
            case 0x0057: return ByEtherType(ref walk, EtherTypes.Ipv6, offset);
            case 0x0281: return ByEtherType(ref walk, EtherTypes.Mpls, offset);
            case 0x0283: return ByEtherType(ref walk, EtherTypes.MplsMulticast, offset);
            default: return Opaque(ref walk, offset);
        }
    }

    /// <summary>PPPoE session (RFC 2516 section 4): version and type 1, code 0, session id, length, PPP.</summary>
    private static DecodeVerdict PppoeSession(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, PppoeHeader))
        {
            return walk.Short(offset, PppoeHeader);
        }

        walk.Layout.EtherType = EtherTypes.PppoeSession;
        if (walk.U8(offset) != 0x11 || walk.U8(offset + 1) != 0)
        {
            return Opaque(ref walk, offset);
        }

        walk.LimitEnd(offset + PppoeHeader + walk.U16(offset + 4));
        walk.PacketEnd = walk.End;
        return Ppp(ref walk, offset + PppoeHeader, allowCisco: false);
    }

    /// <summary>802.2 LLC (IEEE 802.2) and SNAP (RFC 1042) behind an 802.3 length.</summary>
    private static DecodeVerdict Llc(ref Walk walk, int length, int offset)
    {
        walk.LimitEnd(offset + length);
        walk.PacketEnd = walk.End;
        if (!walk.Has(offset, 3))
        {
            return walk.Short(offset, 3);
        }

        var saps = walk.U16(offset);
        walk.Layout.EtherType = saps;
        walk.Layout.Flags |= LayoutFlags.Llc;
        if (saps == 0xAAAA && walk.U8(offset + 2) == 0x03)
        {
            if (!walk.Has(offset, 8))
            {
                return walk.Short(offset, 8);
            }

            // OUI 0 (RFC 1042) and 0x0000F8 (802.1H) carry an EtherType; others have numbers of their own.
            var oui = (walk.U16(offset + 3) << 8) | walk.U8(offset + 5);
            var type = walk.U16(offset + 6);
            if (oui is 0 or 0x0000F8 && type >= EtherTypes.Min)
            {
                walk.Layout.Flags &= ~LayoutFlags.Llc;
                return ByEtherType(ref walk, type, offset + 8);
            }

            return Opaque(ref walk, offset + 8);
        }

        if (saps == 0x0606 && walk.U8(offset + 2) == 0x03)
        {
            walk.Layout.Flags &= ~LayoutFlags.Llc;
            return ByEtherType(ref walk, EtherTypes.Ipv4, offset + 3);
        }

        return Opaque(ref walk, offset + 3);
    }

    /// <summary>Linux cooked capture, version 1: type, ARPHRD, address length, address (8), protocol.</summary>
    private static DecodeVerdict Sll(ref Walk walk) => walk.Has(0, SllHeader)
        ? Cooked(ref walk, walk.U16(2), walk.U16(14), SllHeader)
        : walk.Short(0, SllHeader);

    /// <summary>
    /// Linux cooked capture, version 2: protocol, reserved, interface, ARPHRD, type, length, address.
    /// </summary>
    private static DecodeVerdict Sll2(ref Walk walk) => walk.Has(0, Sll2Header)
        ? Cooked(ref walk, walk.U16(8), walk.U16(0), Sll2Header)
        : walk.Short(0, Sll2Header);

    private static DecodeVerdict Cooked(ref Walk walk, ushort arpHardware, ushort protocol, int offset)
    {
        // <linux/if_arp.h>: with these, the protocol field is not an EtherType (netlink family, 802.11 frame, …).
        const ushort ARPHRD_NETLINK = 824;
        const ushort ARPHRD_IEEE80211 = 801;
        const ushort ARPHRD_IEEE80211_RADIOTAP = 803;
        if (arpHardware is ARPHRD_NETLINK or (>= ARPHRD_IEEE80211 and <= ARPHRD_IEEE80211_RADIOTAP))
        {
            walk.SetPayload(offset);
            return DecodeVerdict.UndecodableLink;
        }

        // <linux/if_ether.h>: ETH_P_802_2 (4) announces an LLC header without a length field.
        return protocol == 4
            ? Llc(ref walk, Math.Max(0, walk.End - offset), offset)
            : Typed(ref walk, protocol is > 0 and < EtherTypes.Min ? (ushort)0 : protocol, offset);
    }

    /// <summary>BSD loopback: the address family in the byte order of the capturing host, so either may come.</summary>
    private static DecodeVerdict Loop(ref Walk walk)
    {
        if (!walk.Has(0, LoopHeader))
        {
            return walk.Short(0, LoopHeader);
        }

        // Some writers put PPP or Cisco HDLC under this link type.
        if (walk.U16(0) is 0xFF03 or 0x0F00 or 0x8F00 && walk.U16(2) != 0)
        {
            return Ppp(ref walk, 0, allowCisco: true);
        }

        var family = walk.U32(0);
        if (family > 0xFFFF)
        {
            family = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(family);
        }

        switch (family)
        {
            case 2: return ByEtherType(ref walk, EtherTypes.Ipv4, LoopHeader);
            case 10 or 23 or 24 or 28 or 30: // AF_INET6 of Linux, Windows and the BSDs
                return ByEtherType(ref walk, EtherTypes.Ipv6, LoopHeader);
            default: return Opaque(ref walk, LoopHeader);
        }
    }
}

// GRE: RFC 2784 and 2890 (checksum, key, sequence), RFC 1701 (source routes), version 1 of PPTP (RFC 2637), NVGRE (RFC
// 7637), and ERSPAN, which is a GRE protocol type with a header of its own. Pure; see Walk for the rules of length.
//
//   flags  C R K S s recur(3) A flags(4) version(3) | protocol | [checksum, offset] | [key] | [sequence] | [routes]
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>GRE steps of the walk. The carrier's verdict is Network: GRE has no ports.</summary>
internal static class GreWalk
{
    private const int ChecksumOrRouting = 0xC000;
    private const int Routing = 0x4000;
    private const int Key = 0x2000;
    private const int Sequence = 0x1000;
    private const int Acknowledgement = 0x0080;
    private const ushort Ethernet = EtherTypes.TransparentEthernet;

    /// <summary>A GRE header at <paramref name="offset"/>.</summary>
    public static DecodeVerdict Header(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 4))
        {
            return walk.Short(offset, 4);
        }

        var flags = walk.U16(offset);
        var protocol = walk.U16(offset + 2);
        var version = flags & 7;
        if (version == 1)
        {
            return Pptp(ref walk, flags, protocol, offset);
        }

        if (version != 0)
        {
            return DecodeVerdict.Network;
        }

        var position = offset + 4;
        position += (flags & ChecksumOrRouting) != 0 ? 4 : 0;
        var key = position;
        position += (flags & Key) != 0 ? 4 : 0;
        position += (flags & Sequence) != 0 ? 4 : 0;
        if (!walk.Has(offset, position - offset))
        {
            return walk.Short(offset, position - offset);
        }

        if ((flags & Routing) != 0 && !SkipRoutes(in walk, ref position))
        {
            return TunnelWalk.Incomplete(ref walk, DecodeVerdict.Network);
        }

        return Payload(ref walk, flags, protocol, (flags & Key) != 0 ? walk.U32(key) : 0, position);
    }

    private static DecodeVerdict Payload(ref Walk walk, int flags, ushort protocol, uint key, int offset)
    {
        switch (protocol)
        {
            case EtherTypes.Erspan2 when (flags & Sequence) == 0:
                // Type I has neither sequence number nor header.
                return TunnelWalk.Descend(
                    ref walk, TunnelKind.Erspan1, 0, Ethernet, offset, DecodeVerdict.Network);
            case EtherTypes.Erspan2 or EtherTypes.Erspan3:
                return Erspan(ref walk, offset);
            case EtherTypes.TransparentEthernet:
                // NVGRE looks like GRE with a key; identifiers below 0x1000 are reserved in it (RFC 7637 section
                // 3.2), and keys that people give to plain tunnels are small numbers, which would read as such.
                var isNvgre = (flags & 0xF000) == Key && key >> 8 is >= 0x1000 and < 0xFF_FFFF;
                return TunnelWalk.Descend(ref walk, isNvgre ? TunnelKind.Nvgre : TunnelKind.Gre,
                    isNvgre ? key >> 8 : key, protocol, offset, DecodeVerdict.Network);
            case EtherTypes.Wccp:
                // WCCPv2 puts a redirect header of four bytes before the packet; version 1 does not.
                var redirect = walk.Has(offset, 1) && walk.U8(offset) >> 4 != 4 ? 4 : 0;
                return TunnelWalk.Descend(
                    ref walk, TunnelKind.Gre, key, EtherTypes.Ipv4, offset + redirect, DecodeVerdict.Network);
            case EtherTypes.Ipv4 or EtherTypes.Ipv6 or EtherTypes.Mpls or EtherTypes.MplsMulticast or EtherTypes.Ppp
                or EtherTypes.Nsh or EtherTypes.Vlan:
                return TunnelWalk.Descend(ref walk, TunnelKind.Gre, key, protocol, offset, DecodeVerdict.Network);
            case EtherTypes.CiscoMetadata when walk.Has(offset, 8):
                // Behind GRE the EtherType comes first, then version, length, option and group tag.
                return TunnelWalk.Descend(
                    ref walk, TunnelKind.Gre, key, walk.U16(offset), offset + 8, DecodeVerdict.Network);
            default:
                return DecodeVerdict.Network;
        }
    }

    /// <summary>
    /// Version 1: key = payload length and call id; a packet without sequence number is an acknowledgement.
    /// </summary>
    private static DecodeVerdict Pptp(ref Walk walk, int flags, ushort protocol, int offset)
    {
        var length = 8 + ((flags & Sequence) != 0 ? 4 : 0) + ((flags & Acknowledgement) != 0 ? 4 : 0);
        if (!walk.Has(offset, length))
        {
            return walk.Short(offset, length);
        }

        var payload = walk.U16(offset + 4);
        if (protocol != EtherTypes.Ppp || (flags & Key) == 0 || (flags & Sequence) == 0 || payload == 0)
        {
            return DecodeVerdict.Network;
        }

        uint call = walk.U16(offset + 6);
        walk.LimitEnd(offset + length + payload);
        return TunnelWalk.Descend(
            ref walk, TunnelKind.Gre, call, EtherTypes.Ppp, offset + length, DecodeVerdict.Network);
    }

    /// <summary>
    /// ERSPAN (draft-foschiano-erspan): version 1 is type II with 8 bytes, version 2 is type III with 12 and an
    /// optional platform header of 8. The session is in the low ten bits of the first word.
    /// </summary>
    private static DecodeVerdict Erspan(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 8))
        {
            return TunnelWalk.Incomplete(ref walk, DecodeVerdict.Network);
        }

        var session = (uint)walk.U16(offset + 2) & 0x3FF;
        var version = walk.U8(offset) >> 4;
        if (version == 1)
        {
            return TunnelWalk.Descend(
                ref walk, TunnelKind.Erspan2, session, Ethernet, offset + 8, DecodeVerdict.Network);
        }

        if (version != 2)
        {
            return DecodeVerdict.Network;
        }

        if (!walk.Has(offset, 12))
        {
            return TunnelWalk.Incomplete(ref walk, DecodeVerdict.Network);
        }

        var last = walk.U16(offset + 10);
        var inside = offset + 12 + ((last & 1) != 0 ? 8 : 0);
        var isIp = ((last >> 10) & 0x1F) == 2;
        var type = Ethernet;
        if (isIp && walk.Has(inside, 1))
        {
            type = walk.U8(inside) >> 4 == 6 ? EtherTypes.Ipv6 : EtherTypes.Ipv4;
        }

        return TunnelWalk.Descend(ref walk, TunnelKind.Erspan3, session, type, inside, DecodeVerdict.Network);
    }

    /// <summary>RFC 1701 source route entries: family (2), offset, length, content; ended by an empty one.</summary>
    private static bool SkipRoutes(in Walk walk, ref int position)
    {
        for (var count = 0; count < Limits.HeaderChainMax; count++)
        {
            if (!walk.Has(position, 4))
            {
                return false;
            }

            var length = walk.U8(position + 3);
            var last = length == 0 && walk.U16(position) == 0;
            position += 4 + length;
            if (last)
            {
                return true;
            }
        }

        return false;
    }
}

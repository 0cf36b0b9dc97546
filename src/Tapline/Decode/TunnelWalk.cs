// Tunnels: VXLAN (RFC 7348), VXLAN-GPE, Geneve (RFC 8926), GTP-U (3GPP TS 29.281), MPLS over UDP (RFC 7510), MPLS in IP
// (RFC 4023), IP in IP (RFC 2003, 2473, 4213), EtherIP (RFC 3378), NSH (RFC 8300). GRE has a file of its own.
// A port number proves nothing, so each header must also look like what it claims; otherwise the carrier is the flow
// and no tunnel is spoken of. Who is the flow when the inside is damaged: see Walk.Settle.
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>Tunnel steps of the walk.</summary>
internal static class TunnelWalk
{
    private const ushort GtpuPort = 2152;
    private const ushort VxlanPort = 4789;
    private const ushort VxlanGpePort = 4790;
    private const ushort GenevePort = 6081;
    private const ushort MplsPort = 6635;
    private const ushort Ethernet = EtherTypes.TransparentEthernet;

    /// <summary>Linux's VXLAN port before IANA gave one; still the default of `ip link` and of Flannel.</summary>
    private const ushort VxlanLinuxPort = 8472;

    /// <summary>True when a datagram to this port may carry a tunnel.</summary>
    public static bool IsTunnelPort(ushort port) =>
        port is VxlanPort or VxlanLinuxPort or GenevePort or GtpuPort or VxlanGpePort or MplsPort;

    /// <summary>The payload of a UDP datagram to a tunnel's port; the datagram is decoded already.</summary>
    public static DecodeVerdict OverUdp(ref Walk walk, int offset)
    {
        switch (walk.Layout.DestinationPort)
        {
            case VxlanPort or VxlanLinuxPort: return Vxlan(ref walk, offset);
            case VxlanGpePort: return VxlanGpe(ref walk, offset);
            case GenevePort: return Geneve(ref walk, offset);
            case GtpuPort: return Gtpu(ref walk, offset);
            case MplsPort: return MplsIn(ref walk, TunnelKind.MplsOverUdp, offset, DecodeVerdict.Transport);
            default: return DecodeVerdict.Transport;
        }
    }

    /// <summary>IP in IP: the inner version is the one announced, or the packet is not a tunnel's.</summary>
    public static DecodeVerdict IpInIp(ref Walk walk, int offset, ushort etherType) =>
        Descend(ref walk, TunnelKind.IpInIp, 0, etherType, offset, DecodeVerdict.Network);

    /// <summary>EtherIP: version 3 in the first nibble, the rest of two bytes zero, then an Ethernet frame.</summary>
    public static DecodeVerdict EtherIp(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 2))
        {
            return Incomplete(ref walk, DecodeVerdict.Network);
        }

        return walk.U16(offset) == 0x3000
            ? Descend(ref walk, TunnelKind.EtherIp, 0, Ethernet, offset + 2, DecodeVerdict.Network)
            : DecodeVerdict.Network;
    }

    /// <summary>An MPLS stack straight behind IP or UDP.</summary>
    public static DecodeVerdict MplsIn(ref Walk walk, TunnelKind kind, int offset, DecodeVerdict carrierVerdict)
    {
        if (!walk.MayEnter)
        {
            return DecodeVerdict.TooDeep;
        }

        var carrier = walk.Layout;
        walk.Enter(kind, 0);
        walk.PacketEnd = walk.End;
        return walk.Settle(MplsWalk.LabelsInside(ref walk, offset), in carrier, carrierVerdict);
    }

    /// <summary>A network service header (RFC 8300 section 2): version 0, length in words, next protocol.</summary>
    public static DecodeVerdict Nsh(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 8))
        {
            return walk.Short(offset, 8);
        }

        var length = (walk.U16(offset) & 0x3F) * 4;
        var type = NextProtocol(walk.U8(offset + 3));
        if (walk.U8(offset) >> 6 != 0 || length < 8 || type == 0 || type == EtherTypes.Nsh)
        {
            return LinkWalk.Opaque(ref walk, offset);
        }

        if (!walk.MayEnter)
        {
            return DecodeVerdict.TooDeep;
        }

        // Counted as one more level so that services nested without end stop at the bound.
        walk.Layout.TunnelDepth++;
        return Into(ref walk, type, offset + length);
    }

    /// <summary>
    /// Enters a tunnel: the packet so far becomes the carrier, the walk goes on inside, and the outcome is settled.
    /// At the bound the carrier stays the flow and the verdict says so.
    /// </summary>
    public static DecodeVerdict Descend(
        ref Walk walk, TunnelKind kind, uint id, ushort type, int offset, DecodeVerdict carrierVerdict)
    {
        if (!walk.MayEnter)
        {
            return DecodeVerdict.TooDeep;
        }

        var carrier = walk.Layout;
        walk.Enter(kind, id);
        var inside = Into(ref walk, type, offset);
        return walk.Settle(inside, in carrier, carrierVerdict);
    }

    /// <summary>
    /// The tunnel's own header is not whole: the carrier is the flow, and it is said that more was meant.
    /// </summary>
    public static DecodeVerdict Incomplete(ref Walk walk, DecodeVerdict carrierVerdict)
    {
        walk.Layout.Flags |= LayoutFlags.TunnelBroken;
        return carrierVerdict;
    }

    private static DecodeVerdict Into(ref Walk walk, ushort type, int offset)
    {
        walk.PacketEnd = walk.End;
        switch (type)
        {
            case EtherTypes.TransparentEthernet: return LinkWalk.Ethernet(ref walk, offset);
            case EtherTypes.Ppp: return LinkWalk.Ppp(ref walk, offset, allowCisco: false);
            default: return offset > Limits.HeaderOffsetMax
                ? DecodeVerdict.TooDeep
                : LinkWalk.Typed(ref walk, type, offset);
        }
    }

    private static DecodeVerdict Vxlan(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 8))
        {
            return Incomplete(ref walk, DecodeVerdict.Transport);
        }

        // The I bit must be set (section 5); bits of the group policy extension may be. Port 8472 has other users too,
        // so there the reserved bits must be zero.
        var flags = walk.U32(offset);
        var last = walk.U32(offset + 4);
        var strict = walk.Layout.DestinationPort == VxlanLinuxPort;
        var valid = strict ? flags == 0x0800_0000 && (last & 0xFF) == 0 : (flags & 0x0800_0000) != 0;
        return valid
            ? Descend(ref walk, TunnelKind.Vxlan, last >> 8, Ethernet, offset + 8, DecodeVerdict.Transport)
            : DecodeVerdict.Transport;
    }

    private static DecodeVerdict VxlanGpe(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 8))
        {
            return Incomplete(ref walk, DecodeVerdict.Transport);
        }

        // draft-ietf-nvo3-vxlan-gpe section 3: version (2 bits), I, P, B, O; without P the next protocol is Ethernet.
        var flags = walk.U8(offset);
        var type = (flags & 0x04) != 0 ? NextProtocol(walk.U8(offset + 3)) : EtherTypes.TransparentEthernet;
        return (flags & 0x38) == 0x08 && type != 0
            ? Descend(
                ref walk, TunnelKind.VxlanGpe, walk.U32(offset + 4) >> 8, type, offset + 8, DecodeVerdict.Transport)
            : DecodeVerdict.Transport;
    }

    private static DecodeVerdict Geneve(ref Walk walk, int offset)
    {
        if (!walk.Has(offset, 8))
        {
            return Incomplete(ref walk, DecodeVerdict.Transport);
        }

        // Section 3.4: version 0, option length in words, O and C bits, protocol, VNI, reserved.
        var first = walk.U8(offset);
        var type = walk.U16(offset + 2);
        var inside = offset + 8 + ((first & 0x3F) * 4);
        return first >> 6 == 0 && type >= EtherTypes.Min
            ? Descend(ref walk, TunnelKind.Geneve, walk.U32(offset + 4) >> 8, type, inside, DecodeVerdict.Transport)
            : DecodeVerdict.Transport;
    }

    private static DecodeVerdict Gtpu(ref Walk walk, int offset)
    {
        const byte GPdu = 255;
        if (!walk.Has(offset, 8))
        {
            return Incomplete(ref walk, DecodeVerdict.Transport);
        }

        // TS 29.281 section 5.1: version 1, protocol type 1 (not GTP'); other messages (echo, end marker) carry
        // nothing.
        var flags = walk.U8(offset);
        if (flags >> 4 != 0x3 || walk.U8(offset + 1) != GPdu)
        {
            return DecodeVerdict.Transport;
        }

        var id = walk.U32(offset + 4);
        walk.LimitEnd(offset + 8 + walk.U16(offset + 2));
        var inside = offset + 8;
        if ((flags & 0x07) != 0)
        {
            if (!walk.Has(inside, 4))
            {
                return Incomplete(ref walk, DecodeVerdict.Transport);
            }

            var next = (flags & 0x04) != 0 ? walk.U8(inside + 3) : 0;
            inside += 4;
            for (var count = 0; next != 0; count++)
            {
                // Section 5.2: length in words (0 is not allowed), content, type of the next extension.
                var length = walk.Has(inside, 1) ? walk.U8(inside) * 4 : 0;
                if (length == 0 || count == Limits.HeaderChainMax || !walk.Has(inside, length))
                {
                    return Incomplete(ref walk, DecodeVerdict.Transport);
                }

                next = walk.U8(inside + length - 1);
                inside += length;
            }
        }

        var nibble = walk.Has(inside, 1) ? walk.U8(inside) >> 4 : 0;
        var type = nibble == 4 ? EtherTypes.Ipv4 : EtherTypes.Ipv6;
        return nibble is 4 or 6
            ? Descend(ref walk, TunnelKind.Gtpu, id, type, inside, DecodeVerdict.Transport)
            : Incomplete(ref walk, DecodeVerdict.Transport);
    }

    /// <summary>Next protocol numbers shared by VXLAN-GPE and NSH, as EtherTypes; 0 = none that is followed.</summary>
    private static ushort NextProtocol(byte number) => number switch
    {
        1 => EtherTypes.Ipv4,
        2 => EtherTypes.Ipv6,
        3 => EtherTypes.TransparentEthernet,
        4 => EtherTypes.Nsh,
        5 => EtherTypes.Mpls,
        _ => 0,
    };
}

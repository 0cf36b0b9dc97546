// The mapper's tunnels: VXLAN, Geneve, GTP-U, GRE and ERSPAN. Each is noted with where its inside begins and ends, and
// entered. The rules by which a header is believed are those of Decode/TunnelWalk and Decode/GreWalk.
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

internal ref partial struct FrameMapper
{
    private void Tunnel(
        StripHeaders kind, int inside, int end, ushort type, bool isFragment, int header = EthernetBytes)
    {
        if (!_isQuoted)
        {
            _map.AddTunnel(new TunnelSpot(kind, _carrier, header, inside, end, type, isFragment));
        }

        Inside(type, inside, end);
    }

    private void Udp(int at, int end, in Pseudo pseudo)
    {
        if (!Has(at, 8, end))
        {
            return;
        }

        var length = U16(at + 4);
        end = length >= 8 ? Math.Min(end, at + length) : end;
        if (U16(at + 6) != 0 || at == _partialStart)
        {
            Sum(at, 6, at, end, pseudo, ChecksumKind.WholeOrNone);
        }

        var inside = at + 8;
        if (!Has(inside, 8, end) || !TunnelWalk.IsTunnelPort((ushort)U16(at + 2)))
        {
            return;
        }

        var flags = _frame[inside];
        switch (U16(at + 2))
        {
            case 4789 when (flags & 0x08) != 0:
            case 8472 when flags == 8 && U16(inside) == 0x0800 && U16(inside + 2) == 0 && _frame[inside + 7] == 0:
                Tunnel(StripHeaders.Vxlan, inside + 8, end, EtherTypes.TransparentEthernet, pseudo.IsFragment);
                break;
            case 4790 when (flags & 0x38) == 0x08:
                var next = (flags & 4) != 0 ? NextProtocol(_frame[inside + 3]) : EtherTypes.TransparentEthernet;
                Tunnel(StripHeaders.Vxlan, inside + 8, end, next, pseudo.IsFragment);
                break;
            case 6081 when flags >> 6 == 0 && U16(inside + 2) >= EtherTypes.Min:
                Tunnel(StripHeaders.Geneve, inside + 8 + ((flags & 0x3F) * 4), end, (ushort)U16(inside + 2),
                    pseudo.IsFragment);
                break;
            case 2152 when flags >> 4 == 3 && _frame[inside + 1] == 255:
                Gtpu(inside, Math.Min(end, inside + 8 + U16(inside + 2)), pseudo.IsFragment);
                break;
            case 6635:
                Mpls(inside, end, EthernetBytes, pseudo.IsFragment);
                break;
        }
    }

    // TS 29.281 sections 5.1 and 5.2.
    private void Gtpu(int at, int end, bool isFragment)
    {
        var inside = at + 8;
        if ((_frame[at] & 7) != 0)
        {
            if (!Has(inside, 4, end))
            {
                return;
            }

            int next = (_frame[at] & 4) != 0 ? _frame[inside + 3] : 0;
            inside += 4;
            for (var count = 0; next != 0; count++)
            {
                var bytes = Has(inside, 1, end) ? _frame[inside] * 4 : 0;
                if (bytes == 0 || count == Limits.HeaderChainMax || !Has(inside, bytes, end))
                {
                    return;
                }

                next = _frame[inside + bytes - 1];
                inside += bytes;
            }
        }

        if (Has(inside, 1, end))
        {
            var type = _frame[inside] >> 4 == 6 ? EtherTypes.Ipv6 : EtherTypes.Ipv4;
            Tunnel(StripHeaders.Gtpu, inside, end, type, isFragment);
        }
    }

    private void Gre(int at, int end, in Pseudo pseudo)
    {
        if (!Has(at, 4, end))
        {
            return;
        }

        var flags = U16(at);
        var type = (ushort)U16(at + 2);
        if ((flags & 7) == 1)
        {
            var header = 8 + ((flags & 0x1000) != 0 ? 4 : 0) + ((flags & 0x80) != 0 ? 4 : 0);
            if (type == EtherTypes.Ppp && (flags & 0x3000) == 0x3000 && Has(at, header, end))
            {
                Tunnel(StripHeaders.Gre, at + header, Math.Min(end, at + header + U16(at + 4)), type, pseudo.IsFragment);
            }

            return;
        }

        var inside = at + 4 + ((flags & 0xC000) != 0 ? 4 : 0) + ((flags & 0x2000) != 0 ? 4 : 0)
            + ((flags & 0x1000) != 0 ? 4 : 0);
        if ((flags & 7) != 0 || !Has(at, inside - at, end))
        {
            return;
        }

        if ((flags & 0x8000) != 0)
        {
            Sum(at, 4, at, end, pseudo with { Source = -1 });
        }

        // RFC 1701: a source route may be one of addresses, which nobody has sent for decades.
        _map.HidesAddress |= (flags & 0x4000) != 0;
        for (var routes = 0; (flags & 0x4000) != 0; routes++)
        {
            if (routes == Limits.HeaderChainMax || !Has(inside, 4, end))
            {
                return;
            }

            var isLast = _frame[inside + 3] == 0 && U16(inside) == 0;
            inside += 4 + _frame[inside + 3];
            if (isLast)
            {
                break;
            }
        }

        UnderGre(type, (flags & 0x1000) != 0, inside, end, pseudo.IsFragment);
    }

    private void UnderGre(ushort type, bool hasSequence, int at, int end, bool isFragment)
    {
        const ushort Ethernet = EtherTypes.TransparentEthernet;
        switch (type)
        {
            case EtherTypes.Erspan2 when !hasSequence:
                Tunnel(StripHeaders.Erspan, at, end, Ethernet, isFragment);
                break;
            case EtherTypes.Erspan2 or EtherTypes.Erspan3 when Has(at, 8, end) && _frame[at] >> 4 == 1:
                Tunnel(StripHeaders.Erspan, at + 8, end, Ethernet, isFragment);
                break;
            case EtherTypes.Erspan2 or EtherTypes.Erspan3 when Has(at, 12, end) && _frame[at] >> 4 == 2:
                var last = U16(at + 10);
                var inside = at + 12 + ((last & 1) != 0 ? 8 : 0);
                var isIp = ((last >> 10) & 0x1F) == 2 && Has(inside, 1, end);
                Tunnel(StripHeaders.Erspan, inside, end,
                    !isIp ? Ethernet : _frame[inside] >> 4 == 6 ? EtherTypes.Ipv6 : EtherTypes.Ipv4, isFragment);
                break;
            case EtherTypes.Wccp:
                var redirect = Has(at, 1, end) && _frame[at] >> 4 != 4 ? 4 : 0;
                Tunnel(StripHeaders.Gre, at + redirect, end, EtherTypes.Ipv4, isFragment);
                break;
            case EtherTypes.CiscoMetadata when Has(at, 8, end):
                Tunnel(StripHeaders.Gre, at + 8, end, (ushort)U16(at), isFragment);
                break;
            case Ethernet or EtherTypes.Ipv4 or EtherTypes.Ipv6 or EtherTypes.Mpls or EtherTypes.MplsMulticast
                or EtherTypes.Ppp or EtherTypes.Nsh or EtherTypes.Vlan:
                Tunnel(StripHeaders.Gre, at, end, type, isFragment);
                break;
        }
    }

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

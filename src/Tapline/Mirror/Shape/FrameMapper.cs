// Walks a frame from its first header to its last and notes addresses, checksums and tunnels in a FrameMap. It follows
// what the decoder follows (a test holds the two together over the corpus), and besides enters ARP, neighbour discovery,
// group membership and the packets that ICMP errors quote, because addresses stand there too. Pure: spans in, offsets
// out; every read is checked against the captured bytes and the lengths met so far; depth is bounded.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>One frame's walk. Lives for one call.</summary>
internal ref partial struct FrameMapper
{
    private const int EthernetBytes = 14;
    private const ushort ReverseArp = 0x8035;

    private readonly ReadOnlySpan<byte> _frame;
    private readonly FrameMap _map;
    private readonly int _partialStart;
    private int _depth;
    private int _carrier;
    private bool _isQuoted;
    private bool _isUnderIp;

    private FrameMapper(ReadOnlySpan<byte> frame, FrameMap map, int partialStart)
    {
        _frame = frame;
        _map = map;
        _partialStart = partialStart;
        _carrier = -1;
    }

    /// <summary>Fills the map with what an Ethernet frame holds.</summary>
    public static void Fill(ReadOnlySpan<byte> frame, in FrameMeta meta, in FrameLayout layout, FrameMap map)
    {
        map.Clear();
        var isPartial = (meta.Flags & FrameFlags.ChecksumPartial) != 0;
        var mapper = new FrameMapper(frame, map, isPartial ? meta.ChecksumStart : -1);
        mapper.Ethernet(0, meta.OriginalLength);

        // What only the decoder knows how to reach still has its addresses.
        if (layout.IpVersion != 0 && map.Innermost < layout.NetworkOffset)
        {
            mapper._depth = 0;
            mapper._isQuoted = false;
            mapper.Ip(layout.NetworkOffset, meta.OriginalLength);
        }
    }

    private readonly bool Has(int offset, int count, int end) =>
        count >= 0 && offset + count <= Math.Min(_frame.Length, end);

    private readonly int U16(int offset) => BinaryPrimitives.ReadUInt16BigEndian(_frame[offset..]);

    private void Ethernet(int offset, int end)
    {
        if (Has(offset, EthernetBytes, end))
        {
            _carrier = offset;
            _isUnderIp = false;
            Typed((ushort)U16(offset + 12), offset + EthernetBytes, end);
        }
    }

    private void Typed(ushort type, int offset, int end)
    {
        for (var tags = 0; EtherTypes.IsVlan(type) || type == EtherTypes.CiscoMetadata; tags++)
        {
            var bytes = type == EtherTypes.CiscoMetadata ? 8 : 4;
            if (tags == Limits.HeaderChainMax || !Has(offset, bytes, end))
            {
                return;
            }

            type = (ushort)U16(offset + bytes - 2);
            offset += bytes;
        }

        // 802.3 with LLC: only SNAP with a zero organisation announces an EtherType.
        if (type is > 0 and <= 1500)
        {
            end = Math.Min(end, offset + type);
            if (!Has(offset, 8, end) || U16(offset) != 0xAAAA || _frame[offset + 2] != 3)
            {
                return;
            }

            type = (ushort)U16(offset + 6);
            offset += 8;
            if (EtherTypes.IsVlan(type) && _depth++ < Limits.TunnelDepthMax)
            {
                Typed(type, offset, end);
                return;
            }
        }

        ByType(type, offset, end);
    }

    private void ByType(ushort type, int offset, int end)
    {
        switch (type)
        {
            case EtherTypes.Ipv4 or EtherTypes.Ipv6:
                Ip(offset, end);
                break;
            case EtherTypes.Arp or ReverseArp:
                Arp(offset, end);
                break;
            case EtherTypes.Mpls or EtherTypes.MplsMulticast:
                Mpls(offset, end, _isUnderIp ? EthernetBytes : offset - _carrier, isFragment: false);
                break;
            case EtherTypes.PppoeSession when Has(offset, 8, end):
                Ppp(offset + 6, Math.Min(end, offset + 6 + U16(offset + 4)));
                break;
            case EtherTypes.Nsh when Has(offset, 8, end):
                Inside(NextProtocol(_frame[offset + 3]), offset + ((U16(offset) & 0x3F) * 4), end);
                break;
        }
    }

    // What stays in front of the inside: the whole link header where the labels follow it, tags included.
    private void Mpls(int offset, int end, int header, bool isFragment)
    {
        for (var labels = 0; labels < Limits.HeaderChainMax; labels++)
        {
            if (!Has(offset, 5, end))
            {
                return;
            }

            var label = (U16(offset) << 4) | (_frame[offset + 2] >> 4);
            var isBottom = (_frame[offset + 2] & 1) != 0;
            offset += 4;
            if (isBottom)
            {
                UnderLabels(label, offset, end, header, isFragment);
                return;
            }
        }
    }

    // The same guess as the decoder's: IP by an explicit null label (RFC 3032) or by its first nibble unless only an
    // Ethernet header fits, a control word where one fits.
    private void UnderLabels(int label, int offset, int end, int header, bool isFragment)
    {
        var nibble = _frame[offset] >> 4;
        if (label is 0 or 2 || (nibble is 4 or 6 && (IsIp(offset, end) || !IsEthernet(offset, end))))
        {
            var type = label == 0 || (label != 2 && nibble == 4) ? EtherTypes.Ipv4 : EtherTypes.Ipv6;
            Tunnel(StripHeaders.Mpls, offset, end, type, isFragment, header);
        }
        else if (nibble == 0 && IsEthernet(offset + 4, end) && (_frame[offset] == 0 || !IsEthernet(offset, end)))
        {
            Tunnel(StripHeaders.Mpls, offset + 4, end, EtherTypes.TransparentEthernet, isFragment);
        }
        else if (IsEthernet(offset, end))
        {
            Tunnel(StripHeaders.Mpls, offset, end, EtherTypes.TransparentEthernet, isFragment);
        }
    }

    private readonly bool IsIp(int offset, int end)
    {
        if (!Has(offset, 6, end))
        {
            return true;
        }

        var total = _frame[offset] >> 4 == 4 ? U16(offset + 2) : U16(offset + 4) + 40;
        return (_frame[offset] >> 4 == 6 || (_frame[offset] & 15) >= 5) && offset + total <= end;
    }

    private readonly bool IsEthernet(int offset, int end) => Has(offset, EthernetBytes, end)
        && ((ushort)U16(offset + 12) is var type && (EtherTypes.IsVlan(type) || type is EtherTypes.Ipv4 or EtherTypes.Ipv6
            or EtherTypes.Arp or EtherTypes.Mpls or EtherTypes.PppoeSession || (type is > 2 and <= 1500
            && Has(offset, 16, end) && offset + EthernetBytes + type <= end && U16(offset + 14) == 0xAAAA)));

    // RFC 1661: address and control may be left out, and so may the first byte of the protocol.
    private void Ppp(int offset, int end)
    {
        if (Has(offset, 2, end) && U16(offset) == 0xFF03)
        {
            offset += 2;
        }

        if (!Has(offset, 2, end))
        {
            return;
        }

        var isShort = (_frame[offset] & 1) != 0;
        var protocol = isShort ? _frame[offset] : U16(offset);
        if (protocol is 0x21 or 0x57)
        {
            Inside(EtherTypes.Ipv4, offset + (isShort ? 1 : 2), end);
        }
    }

    private void Inside(ushort type, int offset, int end)
    {
        if (_depth >= Limits.TunnelDepthMax)
        {
            _map.IsFull = true;
            return;
        }

        _depth++;
        switch (type)
        {
            case EtherTypes.TransparentEthernet: Ethernet(offset, end); break;
            case EtherTypes.Ppp: Ppp(offset, end); break;
            case EtherTypes.Ipv4 or EtherTypes.Ipv6: Ip(offset, end); break;
            default: Typed(type, offset, end); break;
        }
    }

    private void Ip(int offset, int end)
    {
        var version = Has(offset, 20, end) ? _frame[offset] >> 4 : 0;
        _isUnderIp = true;
        if (version == 4)
        {
            Ipv4(offset, end);
        }
        else if (version == 6 && Has(offset, 40, end))
        {
            Ipv6(offset, end);
        }
        else
        {
            Unread(offset, end);
        }
    }

    // A header was announced here and cannot be read: there may be an address in what is left of it.
    private readonly void Unread(int offset, int end) => _map.HidesAddress |= offset < Math.Min(_frame.Length, end);

    // An address whose end is cut off is an address still.
    private readonly void Address(int offset, int bytes, int end)
    {
        if (Has(offset, bytes, end))
        {
            _map.AddAddress(offset, bytes);
        }
        else
        {
            Unread(offset, end);
        }
    }

    private void Ipv4(int offset, int end)
    {
        var header = (_frame[offset] & 15) * 4;
        var total = U16(offset + 2);
        if (header < 20 || (total != 0 && total < header))
        {
            Unread(offset, end);
            return;
        }

        // A quoted packet is cut, and its length is that of the whole.
        end = total == 0 ? end : Math.Min(end, offset + total);
        Note(offset);
        _map.AddAddress(offset + 12, 4);
        _map.AddAddress(offset + 16, 4);
        _map.AddChecksum(new ChecksumSpot { Field = offset + 10, Start = offset, End = offset + header, PseudoSource = -1 });
        if (!Has(offset, header, end))
        {
            Unread(offset, end);
            return;
        }

        var destination = Ipv4Options(offset, header);
        var fragment = U16(offset + 6);
        if ((fragment & 0x1FFF) == 0)
        {
            Protocol(_frame[offset + 9], offset + header, end,
                new Pseudo(offset + 12, destination, 4, (fragment & 0x2000) != 0));
        }
    }

    // RFC 791: recorded and source routes, and timestamps with addresses. Gives the place of the final destination, which
    // is a source route's last address.
    private readonly int Ipv4Options(int offset, int header)
    {
        var destination = offset + 16;
        var end = offset + header;
        for (var at = offset + 20; at + 2 < end && _frame[at] != 0;)
        {
            var bytes = _frame[at] == 1 ? 1 : Math.Max(1, (int)_frame[at + 1]);
            var optionEnd = Math.Min(end, at + bytes);
            if (_frame[at] is 7 or 131 or 137)
            {
                for (var address = at + 3; address + 4 <= optionEnd; address += 4)
                {
                    _map.AddAddress(address, 4);
                    destination = _frame[at] != 7 && _frame[at + 2] <= bytes ? address : destination;
                }
            }
            else if (_frame[at] == 68 && at + 3 < optionEnd && (_frame[at + 3] & 15) is 1 or 3)
            {
                for (var address = at + 4; address + 4 <= optionEnd; address += 8)
                {
                    _map.AddAddress(address, 4);
                }
            }

            at += bytes;
        }

        return destination;
    }

    private void Ipv6(int offset, int end)
    {
        var payload = U16(offset + 4);
        end = payload == 0 ? end : Math.Min(end, offset + 40 + payload);
        Note(offset);
        _map.AddAddress(offset + 8, 16);
        _map.AddAddress(offset + 24, 16);
        var pseudo = new Pseudo(offset + 8, offset + 24, 16, false);
        var next = _frame[offset + 6];
        var at = offset + 40;
        for (var headers = 0; headers < Limits.HeaderChainMax; headers++)
        {
            if (next is not (IpProtocols.HopByHop or IpProtocols.Routing or IpProtocols.Fragment
                or IpProtocols.DestinationOptions or 135 or IpProtocols.Shim6))
            {
                Protocol(next, at, end, pseudo);
                return;
            }

            if (!Has(at, 8, end))
            {
                Unread(at, end);
                return;
            }

            var bytes = next == IpProtocols.Fragment ? 8 : (_frame[at + 1] + 1) * 8;
            if (next == IpProtocols.Fragment)
            {
                if ((U16(at + 2) & 0xFFF8) != 0)
                {
                    return;
                }

                pseudo = pseudo with { IsFragment = (U16(at + 2) & 1) != 0 };
            }
            else if (next == IpProtocols.Routing && Has(at, bytes, end))
            {
                pseudo = Route(at, bytes, pseudo);
            }
            else if (next == IpProtocols.Routing)
            {
                Unread(at, end);
            }

            next = _frame[at];
            at += bytes;
        }
    }

    // RFC 8754 (type 4): the list runs backwards, so the final destination is the first. Types 0 and 2: the last.
    private readonly Pseudo Route(int at, int bytes, Pseudo pseudo)
    {
        var isSegmentRoute = _frame[at + 2] == 4;
        if (!isSegmentRoute && _frame[at + 2] is not (0 or 2))
        {
            return pseudo;
        }

        var count = isSegmentRoute ? Math.Min(_frame[at + 4] + 1, (bytes - 8) / 16) : (bytes - 8) / 16;
        for (var i = 0; i < count; i++)
        {
            _map.AddAddress(at + 8 + (i * 16), 16);
        }

        return count == 0 || _frame[at + 3] == 0 ? pseudo
            : pseudo with { Destination = at + 8 + (isSegmentRoute ? 0 : (count - 1) * 16) };
    }

    private readonly void Note(int offset)
    {
        if (!_isQuoted)
        {
            _map.Innermost = offset;
        }
    }

    private void Protocol(byte protocol, int at, int end, in Pseudo pseudo)
    {
        for (var headers = 0; protocol == IpProtocols.Ah && headers < Limits.HeaderChainMax && Has(at, 12, end); headers++)
        {
            protocol = _frame[at];
            at += (_frame[at + 1] + 2) * 4;
        }

        switch (protocol)
        {
            case IpProtocols.Tcp: Sum(at, 16, at, end, pseudo); break;
            case IpProtocols.Udp: Udp(at, end, pseudo); break;
            case IpProtocols.UdpLite when Has(at, 8, end):
                Sum(at, 6, at, U16(at + 4) >= 8 ? Math.Min(end, at + U16(at + 4)) : end, pseudo);
                break;
            case IpProtocols.Dccp when Has(at, 8, end):
                var cover = _frame[at + 5] & 15;
                Sum(at, 6, at, cover == 0 ? end : Math.Min(end, at + (_frame[at + 4] * 4) + ((cover - 1) * 4)), pseudo);
                break;
            case IpProtocols.Icmp: Icmp(at, end, pseudo); break;
            case IpProtocols.Icmpv6: Icmpv6(at, end, pseudo); break;
            case IpProtocols.Igmp: Igmp(at, end, pseudo); break;
            case IpProtocols.Sctp when HasRightCrc(at, end):
                Sum(at, 8, at, end, pseudo with { Source = -1 }, ChecksumKind.Crc32c);
                break;
            case IpProtocols.Ipv4 or IpProtocols.Ipv6:
                Tunnel(StripHeaders.IpInIp, at, end,
                    protocol == IpProtocols.Ipv4 ? EtherTypes.Ipv4 : EtherTypes.Ipv6, pseudo.IsFragment);
                break;
            case IpProtocols.Gre: Gre(at, end, pseudo); break;
            case IpProtocols.EtherIp when Has(at, 2, end) && U16(at) == 0x3000:
                Tunnel(StripHeaders.IpInIp, at + 2, end, EtherTypes.TransparentEthernet, pseudo.IsFragment);
                break;
            case IpProtocols.MplsInIp:
                Mpls(at, end, EthernetBytes, pseudo.IsFragment);
                break;
        }
    }

    // A CRC is computed anew, not moved; a wrong one is left alone, or it would be made right.
    private readonly bool HasRightCrc(int at, int end) => Has(at, 12, end) && Has(at, end - at, end)
        && BinaryPrimitives.ReadUInt32LittleEndian(_frame[(at + 8)..]) == PacketChecksum.SctpSum(_frame[at..end]);

    private readonly void Sum(
        int header, int field, int start, int end, in Pseudo pseudo, ChecksumKind kind = ChecksumKind.Whole)
    {
        if (!Has(header, field + 2, end))
        {
            return;
        }

        _map.AddChecksum(new ChecksumSpot
        {
            Field = header + field,
            Start = start,
            End = end,
            PseudoSource = pseudo.Source,
            PseudoDestination = pseudo.Destination,
            PseudoBytes = pseudo.Bytes,
            IsFragment = pseudo.IsFragment,
            Kind = header == _partialStart && kind != ChecksumKind.Crc32c && !_isQuoted ? ChecksumKind.Partial : kind,
        });
    }

    /// <summary>The addresses that a transport checksum covers; Source -1 = none.</summary>
    private readonly record struct Pseudo(int Source, int Destination, int Bytes, bool IsFragment);
}

// The mapper's messages that carry addresses beside those of IP headers: ARP, ICMP, ICMPv6 with neighbour discovery and
// multicast listeners, IGMP. In: offsets of the message, and the end that its packet's length gives. Out: spots in the
// map. Counts that a message claims are believed only as far as its bytes reach.
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

internal ref partial struct FrameMapper
{
    private const int Ipv6AddressBytes = 16;

    // RFC 826 and 903: hardware length, protocol length, then sender's and target's pairs.
    private readonly void Arp(int offset, int end)
    {
        if (!Has(offset, 8, end) || U16(offset + 2) != EtherTypes.Ipv4 || _frame[offset + 5] != 4)
        {
            return;
        }

        var hardware = _frame[offset + 4];
        Address(offset + 8 + hardware, 4, end);
        Address(offset + 12 + (2 * hardware), 4, end);
    }

    private void Icmp(int at, int end, in Pseudo pseudo)
    {
        Sum(at, 2, at, end, pseudo with { Source = -1 });
        if (!Has(at, 8, end))
        {
            return;
        }

        switch (_frame[at])
        {
            case 5:
                _map.AddAddress(at + 4, 4);
                Quote(at + 8, end);
                break;
            case 3 or 4 or 11 or 12:
                Quote(at + 8, end);
                break;
            case 9:
                // RFC 1256: so many entries of so many words, each beginning with a router's address.
                var bytes = Math.Max(1, (int)_frame[at + 5]) * 4;
                for (var i = 0; i < _frame[at + 4]; i++)
                {
                    Address(at + 8 + (i * bytes), 4, end);
                }

                break;
        }
    }

    // RFC 2236 and 3376: the group; a query's sources; a report's groups, each with its sources.
    private readonly void Igmp(int at, int end, in Pseudo pseudo)
    {
        const byte Query = 0x11;
        const byte Report3 = 0x22;
        Sum(at, 2, at, end, pseudo with { Source = -1 });
        if (!Has(at, 8, end))
        {
            return;
        }

        if (_frame[at] == Report3)
        {
            Records(at + 8, 4, U16(at + 6), end);
            return;
        }

        _map.AddAddress(at + 4, 4);
        if (_frame[at] == Query && Has(at, 12, end))
        {
            Addresses(at + 12, 4, U16(at + 10), end);
        }
    }

    private void Icmpv6(int at, int end, in Pseudo pseudo)
    {
        Sum(at, 2, at, end, pseudo);
        if (!Has(at, 8, end))
        {
            return;
        }

        switch (_frame[at])
        {
            case >= 1 and <= 4:
                Quote(at + 8, end);
                break;
            case 130:
                // RFC 3810: the group, and sources in the second version.
                Address(at + 8, Ipv6AddressBytes, end);
                if (Has(at, 28, end))
                {
                    Addresses(at + 28, Ipv6AddressBytes, U16(at + 26), end);
                }

                break;
            case 131 or 132:
                Address(at + 8, Ipv6AddressBytes, end);
                break;
            case 143:
                Records(at + 8, Ipv6AddressBytes, U16(at + 6), end);
                break;

            // RFC 4861: router solicitation and advertisement, neighbour solicitation and advertisement, redirect.
            case 133:
                NeighbourOptions(at + 8, end);
                break;
            case 134:
                NeighbourOptions(at + 16, end);
                break;
            case 135 or 136:
                Address(at + 8, Ipv6AddressBytes, end);
                NeighbourOptions(at + 24, end);
                break;
            case 137:
                Addresses(at + 8, Ipv6AddressBytes, 2, end);
                NeighbourOptions(at + 40, end);
                break;
        }
    }

    // RFC 4861 section 4.6: prefix information and redirected header; RFC 4191: routes; RFC 8106: name servers.
    private void NeighbourOptions(int at, int end)
    {
        while (Has(at, 8, end))
        {
            var bytes = _frame[at + 1] * 8;
            var optionEnd = Math.Min(end, at + bytes);
            switch (_frame[at])
            {
                case 3:
                    Address(at + 16, Ipv6AddressBytes, optionEnd);
                    break;
                case 4:
                    Quote(at + 8, optionEnd);
                    break;
                case 24 when bytes is 16 or 24:
                    Address(at + 8, bytes - 8, optionEnd);
                    break;
                case 25:
                    Addresses(at + 8, Ipv6AddressBytes, (bytes - 8) / Ipv6AddressBytes, optionEnd);
                    break;
            }

            if (bytes == 0)
            {
                break;
            }

            at += bytes;
        }

        Unread(at, end);
    }

    // RFC 3376 section 4.2.4 and RFC 3810 section 5.2.4: type, words behind, number of sources, group, sources.
    private readonly void Records(int at, int bytes, int count, int end)
    {
        for (; count > 0 && Has(at, 4, end) && !_map.IsFull; count--)
        {
            var sources = U16(at + 2);
            Addresses(at + 4, bytes, 1 + sources, end);
            at += 4 + ((1 + sources) * bytes) + (_frame[at + 1] * 4);
        }

        if (count > 0)
        {
            Unread(at, end);
        }
    }

    private readonly void Addresses(int at, int bytes, int count, int end)
    {
        for (; count > 0 && at < Math.Min(_frame.Length, end) && !_map.IsFull; count--, at += bytes)
        {
            Address(at, bytes, end);
        }
    }

    private void Quote(int at, int end)
    {
        var before = _isQuoted;
        _isQuoted = true;
        Inside(EtherTypes.Ipv4, at, end);
        _isQuoted = before;
    }
}

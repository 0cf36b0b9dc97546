// Names: what qualifiers are applied to. Addresses, ports, protocols, and lists of them in parentheses.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

internal sealed partial class FilterParser
{
    // id: nid | number | ( list ) | not id
    private FilterNode? Name(Qualifiers qualifiers)
    {
        if (_nesting >= NestingMax)
        {
            return Mistake(_token, $"parentheses and `not` nest at most {NestingMax} deep");
        }

        _nesting++;
        var node = UnguardedName(qualifiers);
        _nesting--;
        return node;
    }

    private FilterNode? UnguardedName(Qualifiers qualifiers)
    {
        var start = _token;
        if (IsNot())
        {
            Advance();
            return Name(qualifiers) is { } operand ? new FilterNode.Not(operand, start.Start) : null;
        }

        if (start.Is(Symbol.OpenParenthesis))
        {
            Advance();
            return NameList(qualifiers) is { } list && Close(start) ? list : null;
        }

        if (!qualifiers.IsDefined)
        {
            return Unexpected("a condition");
        }

        if (qualifiers.Subject is Subject.Vm or Subject.Point or Subject.Tag && start.Kind != TokenKind.End)
        {
            return ThingName(qualifiers);
        }

        if (Words.TryNumber(start, out var number))
        {
            Advance();
            return NumberName(qualifiers, number, start);
        }

        switch (start.Kind)
        {
            case TokenKind.Address4:
                Advance();
                return Address4(qualifiers, start);
            case TokenKind.Address6:
                Advance();
                return Address6(qualifiers, start);
            case TokenKind.MacAddress:
                Advance();
                return qualifiers.Protocol == ProtocolWord.Ether && qualifiers.Subject is Subject.Host or Subject.Default
                    ? new FilterNode.Mac(qualifiers.Direction, (ulong)start.Address, start.Start)
                    : Mistake(start, "a MAC address needs `ether host` before it", $"ether host {start.Text}");
            case TokenKind.EscapedWord:
            case TokenKind.Word when !IsLanguage(start.Text):
                Advance();
                return WordName(qualifiers, start);
            case TokenKind.Word when qualifiers.Subject == Subject.Protocol:
                return Mistake(start, $"`{start.Text}` is a keyword; a backslash makes it a protocol's name", "\\" + start.Text);
            default:
                return Unexpected(Expected(qualifiers.Subject));
        }
    }

    private FilterNode? NameList(Qualifiers qualifiers)
    {
        var left = Name(qualifiers);
        while (left is not null && Joiner() is { } isAnd)
        {
            var column = _token.Start;
            Advance();
            left = Name(qualifiers) switch
            {
                null => null,
                var right when isAnd => new FilterNode.And(left, right, column),
                var right => new FilterNode.Or(left, right, column),
            };
        }

        return left;
    }

    private static string Expected(Subject subject) => subject switch
    {
        Subject.Port => "a port",
        Subject.PortRange => "a range of ports such as `8000-8080`",
        Subject.Net => "a network such as `10.0.0.0/8`",
        Subject.Protocol => "a protocol",
        _ => "an address",
    };

    // A bare number: the 32 bits of an address, a network's first bytes, a port, a protocol.
    private FilterNode? NumberName(Qualifiers qualifiers, uint number, in Token start)
    {
        switch (qualifiers.Subject)
        {
            case Subject.Port or Subject.PortRange:
                return number > ushort.MaxValue
                    ? Mistake(start, $"{number} is no port: they go up to 65535")
                    : Port(qualifiers, qualifiers.Protocol, (ushort)number, (ushort)number, start);
            case Subject.Protocol:
                return Protocol(qualifiers, number, start);
            default:
                var mask = uint.MaxValue;
                while (qualifiers.Subject == Subject.Net && number != 0 && number >> 24 == 0)
                {
                    number <<= 8;
                    mask <<= 8;
                }

                return qualifiers.Protocol == ProtocolWord.Ether
                    ? Mistake(start, $"`{Shown(start)}` is no MAC address")
                    : Host4(qualifiers, number, mask, start);
        }
    }

    private FilterNode? Address4(Qualifiers qualifiers, in Token start)
    {
        if (!Ipv4Text.TryParse(start.Text, out var address, out var bits))
        {
            return Mistake(start, $"{start.Text} is no IPv4 address: each part goes up to 255");
        }

        var mask = uint.MaxValue << (32 - bits);
        if (_token.Is(Symbol.Slash) || _token.IsWord("mask"))
        {
            if (Mask4() is not { } given)
            {
                return null;
            }

            if (qualifiers.Subject != Subject.Net)
            {
                return Mistake(start, "only `net` takes a mask", "net");
            }

            if ((address & ~given) != 0)
            {
                return Mistake(start, "the address has bits set that the mask leaves out", $"net {Text(address & given)}");
            }

            mask = given;
        }

        return qualifiers.Subject is Subject.Default or Subject.Host or Subject.Net
            ? Host4(qualifiers, address, mask, start)
            : Mistake(start, $"{start.Text} is an address, and `{qualifiers.Text}` does not take one", $"host {start.Text}");
    }

    private uint? Mask4()
    {
        var isLength = _token.Is(Symbol.Slash);
        Advance();
        if (isLength)
        {
            return PrefixLength(32) is { } length ? length == 0 ? 0 : uint.MaxValue << (32 - length) : null;
        }

        if (_token.Kind != TokenKind.Address4 || !Ipv4Text.TryParse(_token.Text, out var mask, out _))
        {
            Unexpected("a mask such as 255.255.255.0");
            return null;
        }

        Advance();
        return mask;
    }

    private int? PrefixLength(int bitsMax)
    {
        if (_token.Kind != TokenKind.Number || _token.Number > bitsMax)
        {
            Unexpected($"a prefix length up to {bitsMax}");
            return null;
        }

        var length = (int)_token.Number;
        Advance();
        return length;
    }

    private FilterNode? Address6(Qualifiers qualifiers, in Token start)
    {
        var mask = UInt128.MaxValue;
        if (_token.Is(Symbol.Slash))
        {
            Advance();
            if (PrefixLength(128) is not { } length)
            {
                return null;
            }

            mask = length == 0 ? 0 : UInt128.MaxValue << (128 - length);
            if (length < 128 && qualifiers.Subject != Subject.Net)
            {
                return Mistake(start, "only `net` takes a prefix length", "net");
            }
        }

        if ((start.Address & ~mask) != 0)
        {
            return Mistake(start, "the address has bits set that the prefix length leaves out");
        }

        if (qualifiers.Subject is not (Subject.Default or Subject.Host or Subject.Net))
        {
            return Mistake(start, $"{start.Text} is an address, and `{qualifiers.Text}` does not take one", $"host {start.Text}");
        }

        return qualifiers.Protocol is ProtocolWord.None or ProtocolWord.Ip6
            ? new FilterNode.Host6(qualifiers.Direction, start.Address, mask, start.Start)
            : Mistake(start, $"`{Prefix(qualifiers.Protocol).Trim()}` carries no IPv6 address", $"ip6 host {start.Text}");
    }

    private FilterNode? Host4(Qualifiers qualifiers, uint address, uint mask, in Token start) =>
        qualifiers.Protocol is ProtocolWord.None or ProtocolWord.Ip or ProtocolWord.Arp or ProtocolWord.Rarp
            ? new FilterNode.Host4(qualifiers.Protocol, qualifiers.Direction, address, mask, start.Start)
            : Mistake(
                start, $"`{Prefix(qualifiers.Protocol).Trim()}` carries no IPv4 address",
                qualifiers.Protocol is ProtocolWord.Tcp or ProtocolWord.Udp or ProtocolWord.Sctp or ProtocolWord.Icmp
                    ? $"{Prefix(qualifiers.Protocol)}and host {start.Text}" : null);

    private FilterNode? Port(Qualifiers qualifiers, ProtocolWord protocol, ushort low, ushort high, in Token start) =>
        protocol is ProtocolWord.None or ProtocolWord.Tcp or ProtocolWord.Udp or ProtocolWord.Sctp
            ? new FilterNode.Port(protocol, qualifiers.Direction, low, high, start.Start)
            {
                IsRange = qualifiers.Subject == Subject.PortRange,
            }
            : Mistake(start, $"`{Prefix(protocol).Trim()}` has no ports; `tcp`, `udp` and `sctp` have");

    private FilterNode? Protocol(Qualifiers qualifiers, uint number, in Token start) =>
        qualifiers.Protocol is ProtocolWord.None or ProtocolWord.Ether or ProtocolWord.Ip or ProtocolWord.Ip6
            or ProtocolWord.Iso or ProtocolWord.Isis
            ? new FilterNode.ProtocolNumber(qualifiers.Protocol, number, start.Start)
            : Mistake(start, $"`{Prefix(qualifiers.Protocol).Trim()}` does not number other protocols; `ip`, `ip6` and `ether` do");

    private FilterNode? WordName(Qualifiers qualifiers, in Token start) => qualifiers.Subject switch
    {
        Subject.Port => PortName(qualifiers, start),
        Subject.PortRange => PortRange(qualifiers, start),
        Subject.Protocol => ProtocolName(qualifiers, start),
        Subject.Net => Mistake(start, $"network names are not looked up; write the address of `{Shown(start)}`"),
        _ => Mistake(start, $"host names are not looked up; write the address of `{Shown(start)}`"),
    };

    private FilterNode? ProtocolName(Qualifiers qualifiers, in Token start)
    {
        if (ProtocolNames.Of(qualifiers.Protocol) is not { } names)
        {
            return Protocol(qualifiers with { Protocol = ProtocolWord.Tcp }, 0, start);
        }

        return names.TryGetValue(start.Text, out var number)
            ? Protocol(qualifiers, number, start)
            : Mistake(start, $"no protocol is named `{Shown(start)}` here; its number will do", Suggestion.For(start.Text, names.Keys));
    }

    private FilterNode? PortName(Qualifiers qualifiers, in Token start) =>
        TryService(qualifiers, start.Text, start, out var port, out var protocol)
            ? Port(qualifiers, protocol, port, port, start)
            : null;

    private FilterNode? PortRange(Qualifiers qualifiers, in Token start)
    {
        var dash = start.Text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0)
        {
            return PortName(qualifiers, start);
        }

        if (!TryService(qualifiers, start.Text[..dash], start, out var low, out var lowProtocol)
            || !TryService(qualifiers, start.Text[(dash + 1)..], start, out var high, out var highProtocol))
        {
            return null;
        }

        var protocol = lowProtocol == highProtocol ? lowProtocol : qualifiers.Protocol;
        return Port(qualifiers, protocol, Math.Min(low, high), Math.Max(low, high), start);
    }

    // A service of one protocol narrows the primitive to it; against another qualifier it is a mistake.
    private bool TryService(Qualifiers qualifiers, string name, in Token start, out ushort port, out ProtocolWord protocol)
    {
        protocol = qualifiers.Protocol;
        if (ushort.TryParse(name, System.Globalization.NumberStyles.None, null, out port))
        {
            return true;
        }

        if (!PortNames.TryFind(name, out port, out var service))
        {
            Mistake(
                start, $"no service is named `{FilterMistake.Printable(name)}`; its port will do",
                Suggestion.For(name, PortNames.All));
            return false;
        }

        if (service != ProtocolWord.None && protocol != ProtocolWord.None && service != protocol)
        {
            Mistake(start, $"`{name}` is a service of {Prefix(service).Trim()}", $"{Prefix(service)}port {name}");
            return false;
        }

        protocol = service == ProtocolWord.None ? protocol : service;
        return true;
    }

    private static string Text(uint address) => $"{address >> 24}.{(byte)(address >> 16)}.{(byte)(address >> 8)}.{(byte)address}";
}

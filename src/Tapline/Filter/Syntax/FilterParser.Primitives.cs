// Primitives: protocol words, qualifiers, and the words that stand for themselves.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

internal sealed partial class FilterParser
{
    private const uint VlanMax = 0xfff;
    private const uint MplsLabelMax = 0xfffff;
    private const uint VniMax = 0xffffff;

    private FilterNode? Primitive(ref Qualifiers qualifiers)
    {
        var start = _token;
        if (start.Kind is TokenKind.Address4 or TokenKind.Address6)
        {
            return Mistake(start, "an address needs a word before it that says what it is", $"host {start.Text}");
        }

        if (start.Kind == TokenKind.MacAddress)
        {
            return Mistake(start, "an address needs a word before it that says what it is", $"ether host {start.Text}");
        }

        if (start.Kind != TokenKind.Word)
        {
            return Unexpected("a condition");
        }

        if (Words.Protocol(start) != ProtocolWord.None)
        {
            return Head(ref qualifiers);
        }

        switch (start.Text)
        {
            case "src" or "dst" or "host" or "net" or "port" or "portrange" or "proto" or "protochain" or "gateway"
                or "broadcast" or "multicast":
                return Head(ref qualifiers);
            case "less" or "greater":
                Advance();
                return LengthLimit(start);
            case "byte":
                Advance();
                return Byte(start);
            case "inbound" or "outbound":
                Advance();
                return new FilterNode.Bound(start.Text == "outbound", start.Start);
            case "ifindex":
                Advance();
                return Numbered(start, uint.MaxValue) is { } index ? new FilterNode.InterfaceIndex(index, start.Start) : null;
            case "pppoed":
                Advance();
                return new FilterNode.PppoeDiscovery(start.Start);
            case "vlan" or "mpls" or "pppoes" or "geneve":
                Advance();
                return Encapsulation(start);
            case "llc":
                Advance();
                return Llc(start);
            default:
                return Metadata(start, ref qualifiers) ?? (IsMetadata(start) ? null : Unknown(start));
        }
    }

    private FilterNode? Unknown(in Token start)
    {
        if (Words.IsOtherLinks(start.Text))
        {
            return Mistake(start, $"`{start.Text}` asks for a link layer that carries no Ethernet and is not supported");
        }

        if (Words.IsReserved(start.Text))
        {
            return Mistake(start, $"`{start.Text}` cannot begin a condition");
        }

        var suggestion = Suggestion.For(start.Text, Words.All)
            ?? (PortNames.TryFind(start.Text, out _, out _) ? "port " + start.Text : null);
        return Mistake(start, $"`{Shown(start)}` is no word of the language", suggestion);
    }

    // head: protocol direction subject, each of which may be missing; but not all but the protocol, when a name follows.
    private FilterNode? Head(ref Qualifiers qualifiers)
    {
        var start = _token;
        var protocol = Words.Protocol(start);
        if (protocol != ProtocolWord.None)
        {
            Advance();
        }

        if (_token.IsWord("broadcast") || _token.IsWord("multicast"))
        {
            return Cast(protocol, start);
        }

        if (_token.IsWord("proto"))
        {
            Advance();
            qualifiers = new Qualifiers(protocol, Direction.Either, Subject.Protocol);
            return Name(qualifiers);
        }

        if (_token.IsWord("protochain"))
        {
            return Mistake(_token, "`protochain` follows headers in a loop, which no filter may", $"{Prefix(protocol)}proto");
        }

        if (_token.IsWord("gateway"))
        {
            return Mistake(
                _token, "`gateway` needs host names to be looked up; write `ether host MAC and not host ADDRESS` instead");
        }

        var hasDirection = TryDirection(out var direction);
        if (hasDirection && IsMetadata(_token))
        {
            return MetadataWithDirection(direction, ref qualifiers);
        }

        var subject = _token.Kind != TokenKind.Word ? Subject.Undefined : _token.Text switch
        {
            "host" => Subject.Host,
            "net" => Subject.Net,
            "port" => Subject.Port,
            "portrange" => Subject.PortRange,
            _ => Subject.Undefined,
        };
        if (subject != Subject.Undefined)
        {
            Advance();
        }
        else if (!hasDirection)
        {
            return ProtocolAlone(protocol, start);
        }

        qualifiers = new Qualifiers(protocol, direction, subject == Subject.Undefined ? Subject.Default : subject);
        return Name(qualifiers);
    }

    private static string Prefix(ProtocolWord protocol) =>
        protocol == ProtocolWord.None ? "" : protocol.ToString().ToLowerInvariant() + " ";

    private FilterNode? ProtocolAlone(ProtocolWord protocol, in Token start)
    {
        var isName = _token.Kind is TokenKind.Number or TokenKind.Address4 or TokenKind.Address6 or TokenKind.MacAddress;
        if (isName)
        {
            var word = _token.Kind == TokenKind.Number ? "port" : "host";
            return Mistake(
                _token, $"between `{start.Text}` and `{Shown(_token)}` a word such as `{word}` is missing",
                $"{start.Text} {word} {Shown(_token)}");
        }

        return protocol == ProtocolWord.Ether
            ? Mistake(start, $"`{start.Text}` alone says nothing; write `{start.Text} host`, `{start.Text} proto` or `{start.Text}[…]`")
            : new FilterNode.Protocol(protocol, start.Start);
    }

    private bool TryDirection(out Direction direction)
    {
        direction = Direction.Either;
        if (!_token.IsWord("src") && !_token.IsWord("dst"))
        {
            return false;
        }

        var first = _token.Text;
        direction = first == "src" ? Direction.Source : Direction.Destination;
        Advance();
        if (Joiner() is not { } isAnd || !Lexer.Next(_text, _next).IsWord(first == "src" ? "dst" : "src"))
        {
            return true;
        }

        Advance();
        Advance();
        direction = isAnd ? Direction.Both : Direction.Either;
        return true;
    }

    private FilterNode? Cast(ProtocolWord protocol, in Token start)
    {
        var word = _token;
        Advance();
        if (word.Text == "multicast")
        {
            return protocol is ProtocolWord.None or ProtocolWord.Ether or ProtocolWord.Ip or ProtocolWord.Ip6
                ? new FilterNode.Multicast(protocol, start.Start)
                : Mistake(start, "only `ether`, `ip` and `ip6` know `multicast`", "ip multicast");
        }

        return protocol switch
        {
            ProtocolWord.None or ProtocolWord.Ether => new FilterNode.Broadcast(start.Start),
            ProtocolWord.Ip => Mistake(
                start, "`ip broadcast` needs the netmask of an interface, which a tapped port has none of", "ether broadcast"),
            _ => Mistake(start, "only `ether` knows `broadcast`", "ether broadcast"),
        };
    }

    // less N: at most; greater N: at least.
    private FilterNode? LengthLimit(Token start)
    {
        if (Numbered(start, uint.MaxValue) is not { } number)
        {
            return null;
        }

        var comparison = start.Text == "less" ? Comparison.LessOrEqual : Comparison.GreaterOrEqual;
        return new FilterNode.Relation(
            new FilterValue.Length(start.Start), comparison, new FilterValue.Number(number, start.Start), start.Start);
    }

    // byte N op N, of which libpcap's manual says nothing: a byte of the link header.
    private FilterNode? Byte(Token start)
    {
        if (Numbered(start, int.MaxValue) is not { } index)
        {
            return null;
        }

        var symbol = _token.Kind == TokenKind.Symbol ? _token.Symbol : Symbol.None;
        if (symbol is not (Symbol.Equal or Symbol.Less or Symbol.Greater or Symbol.Ampersand or Symbol.Bar))
        {
            return Unexpected("`=`, `<`, `>`, `&` or `|`");
        }

        Advance();
        if (Numbered(start, uint.MaxValue) is not { } number)
        {
            return null;
        }

        var column = start.Start;
        FilterValue bytes = new FilterValue.Bytes(ProtocolWord.Ether, new FilterValue.Number(index, column), 1, column);
        var value = new FilterValue.Number(number, column);
        var nothing = new FilterValue.Number(0, column);
        return symbol switch
        {
            Symbol.Equal => new FilterNode.Relation(bytes, Comparison.Equal, value, column),
            Symbol.Less => new FilterNode.Relation(bytes, Comparison.Less, value, column),
            Symbol.Greater => new FilterNode.Relation(bytes, Comparison.Greater, value, column),
            _ => new FilterNode.Relation(
                new FilterValue.Binary(symbol == Symbol.Bar ? Arithmetic.Or : Arithmetic.And, bytes, value, column),
                Comparison.NotEqual, nothing, column),
        };
    }

    private uint? Numbered(Token word, uint numberMax)
    {
        if (!Words.TryNumber(_token, out var number))
        {
            Unexpected($"a number after `{word.Text}`");
            return null;
        }

        if (number > numberMax)
        {
            Mistake(_token, $"`{word.Text}` goes up to {numberMax}");
            return null;
        }

        Advance();
        return number;
    }

    private FilterNode? Encapsulation(Token start)
    {
        uint? number = null;
        if (TryPlainNumber(out var value))
        {
            var numberMax = start.Text switch
            {
                "vlan" => VlanMax,
                "mpls" => MplsLabelMax,
                "pppoes" => ushort.MaxValue,
                _ => VniMax,
            };
            if (value > numberMax)
            {
                return Mistake(start, $"`{start.Text}` goes up to {numberMax}");
            }

            number = value;
        }

        return start.Text switch
        {
            "vlan" => new FilterNode.Vlan(number, start.Start),
            "mpls" => new FilterNode.Mpls(number, start.Start),
            "pppoes" => new FilterNode.PppoeSession(number, start.Start),
            _ => new FilterNode.Geneve(number, start.Start),
        };
    }

    // pnum: a number, also in parentheses.
    private bool TryPlainNumber(out uint number)
    {
        var (token, next) = (_token, _next);
        var open = 0;
        while (_token.Is(Symbol.OpenParenthesis))
        {
            open++;
            Advance();
        }

        if (Words.TryNumber(_token, out number))
        {
            Advance();
            for (; open > 0 && _token.Is(Symbol.CloseParenthesis); open--)
            {
                Advance();
            }

            if (open == 0)
            {
                return true;
            }
        }

        (_token, _next) = (token, next);
        return false;
    }

    private FilterNode? Llc(Token start)
    {
        if (_token.Kind == TokenKind.Word && Words.LlcKinds.TryGetValue(_token.Text.ToLowerInvariant(), out var kind))
        {
            Advance();
            return new FilterNode.Llc(kind, start.Start);
        }

        return _token.Kind == TokenKind.Word && Joiner() is null
            ? Mistake(_token, $"`{Shown(_token)}` is no type of LLC frame", Suggestion.For(_token.Text, Words.LlcKinds.Keys))
            : new FilterNode.Llc(LlcKind.Any, start.Start);
    }
}

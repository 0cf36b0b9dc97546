// Tapline's own terms: what the observation point, the directory and the decoder know of a frame, and the fields of flows.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

internal sealed partial class FilterParser
{
    private const int NameCharactersMax = 256;

    private static bool IsMetadata(in Token token) => token.Kind == TokenKind.Word
        && (token.Text is "vm" or "point" or "tag" or "tunnel" or "vni" or "inner" or "gso"
            || FlowField.Find(token.Text) is not null);

    // Null without a mistake for words of others.
    private FilterNode? Metadata(in Token start, ref Qualifiers qualifiers)
    {
        switch (start.Text)
        {
            case "vm" or "tag" or "point":
                return NamedThing(start, Direction.Either, ref qualifiers);
            case "tunnel":
                Advance();
                return Tunnel(start);
            case "vni":
                Advance();
                return Numbered(start, uint.MaxValue) is { } number ? new FilterNode.Vni(number, start.Start) : null;
            case "gso":
                Advance();
                return new FilterNode.Gso(start.Start);
            case "inner":
                Advance();
                return Inner(start);
            default:
                return FlowField.Find(start.Text) is { } field ? Field(field, start) : null;
        }
    }

    private FilterNode? MetadataWithDirection(Direction direction, ref Qualifiers qualifiers) => _token.Text switch
    {
        "vm" or "tag" => NamedThing(_token, direction, ref qualifiers),
        _ => Mistake(_token, $"`{_token.Text}` has no source and destination"),
    };

    private FilterNode? NamedThing(Token word, Direction direction, ref Qualifiers qualifiers)
    {
        var subject = word.Text switch
        {
            "vm" => Subject.Vm,
            "tag" => Subject.Tag,
            _ => Subject.Point,
        };
        qualifiers = new Qualifiers(ProtocolWord.None, direction, subject);
        if (Lexer.Next(_text, _next).Is(Symbol.OpenParenthesis))
        {
            Advance();
            return Name(qualifiers);
        }

        return NameAfter(word) is { } name ? Thing(qualifiers, name, word.Start) : null;
    }

    // A name that stands alone and inherits what it names; the current token is its beginning.
    private FilterNode? ThingName(Qualifiers qualifiers)
    {
        var start = _token;
        _token = Lexer.Name(_text, start.Start);
        _next = _token.End;
        return NameHere(qualifiers.Text) is { } name ? Thing(qualifiers, name, start.Start) : null;
    }

    private static FilterNode Thing(Qualifiers qualifiers, string name, int column) => qualifiers.Subject switch
    {
        Subject.Vm => new FilterNode.Vm(qualifiers.Direction, name, column),
        Subject.Tag => new FilterNode.Tag(qualifiers.Direction, name, column),
        _ => new FilterNode.Point(name, column),
    };

    // The current token is the word before the name.
    private string? NameAfter(Token word)
    {
        AdvanceToName();
        return NameHere(word.Text);
    }

    private string? NameHere(string word)
    {
        var name = _token;
        if (name.Kind == TokenKind.Word && (IsLanguage(name.Text) || Lexer.Next(_text, name.Start).Is(Symbol.And)
            || Lexer.Next(_text, name.Start).Is(Symbol.Or)))
        {
            Mistake(name, $"`{word}` needs a name; one that is a word of the language stands in quotation marks",
                $"{word} \"{name.Text}\"");
            return null;
        }

        if (name.Kind is not (TokenKind.Word or TokenKind.Quoted) || name.Text.Length == 0)
        {
            Unexpected($"a name after `{word}`");
            return null;
        }

        if (name.Text.Length > NameCharactersMax)
        {
            Mistake(name, $"a name has at most {NameCharactersMax} characters");
            return null;
        }

        Advance();
        return name.Text;
    }

    private FilterNode? Tunnel(in Token start)
    {
        if (_token.Kind != TokenKind.Word || Joiner() is not null || IsNot())
        {
            return new FilterNode.Tunnel(null, start.Start);
        }

        if (Words.Tunnels.TryGetValue(_token.Text, out var kind))
        {
            Advance();
            return new FilterNode.Tunnel(kind, start.Start);
        }

        return Mistake(_token, $"`{Shown(_token)}` is no kind of tunnel", Suggestion.For(_token.Text, Words.Tunnels.Keys));
    }

    private FilterNode? Inner(in Token start)
    {
        if (Term(default, out _) is not { } operand)
        {
            return null;
        }

        return FindOutside(operand) is { } other
            ? Mistake(
                Lexer.Next(_text, other.Column),
                "`inner` asks for addresses, ports and protocols of the innermost packet, and nothing else")
            : new FilterNode.Inner(operand, start.Start);
    }

    // The first condition that cannot be asked of the innermost packet. Chains lean to the left and may be long.
    private static FilterNode? FindOutside(FilterNode node)
    {
        while (true)
        {
            var (left, right) = node switch
            {
                FilterNode.And and => (and.Left, and.Right),
                FilterNode.Or or => (or.Left, or.Right),
                FilterNode.Not not => (not.Operand, null),
                _ => (null, null),
            };
            if (left is null)
            {
                return IsOutside(node) ? node : null;
            }

            if (right is not null && FindOutside(right) is { } outside)
            {
                return outside;
            }

            node = left;
        }
    }

    private static bool IsOutside(FilterNode node) => node switch
    {
        FilterNode.Host4 or FilterNode.Host6 or FilterNode.Port or FilterNode.Mac => false,
        FilterNode.Protocol { Word: ProtocolWord.Ip or ProtocolWord.Ip6 or ProtocolWord.Arp or ProtocolWord.Rarp
            or ProtocolWord.Tcp or ProtocolWord.Udp or ProtocolWord.Sctp or ProtocolWord.Icmp or ProtocolWord.Icmp6
            or ProtocolWord.Igmp or ProtocolWord.Pim or ProtocolWord.Ah or ProtocolWord.Esp or ProtocolWord.Vrrp } => false,
        FilterNode.ProtocolNumber { Qualifier: ProtocolWord.None or ProtocolWord.Ip or ProtocolWord.Ip6
            or ProtocolWord.Ether } => false,
        _ => true,
    };

    private FilterNode? Field(FlowField field, Token start)
    {
        var comparison = FieldComparison.Equal;
        var peeked = Lexer.Next(_text, _next);
        if (ComparisonOf(peeked) is { } given)
        {
            comparison = (FieldComparison)given;
            Advance();
        }
        else if (peeked.IsWord("contains"))
        {
            comparison = FieldComparison.Contains;
            Advance();
        }
        else if (field.Kind != FieldKind.Text)
        {
            return Mistake(start, $"`{field.Name}` needs a comparison", $"{field.Name} > {Example(field.Kind)}");
        }

        if (field.Kind == FieldKind.Text
            ? comparison is not (FieldComparison.Equal or FieldComparison.NotEqual or FieldComparison.Contains)
            : comparison == FieldComparison.Contains)
        {
            return Mistake(peeked, field.Kind == FieldKind.Text
                ? $"`{field.Name}` is a text: it can be equal or contain one"
                : $"`{field.Name}` is a number and contains no text");
        }

        if (NameAfter(start) is not { } value)
        {
            return null;
        }

        if (field.Kind == FieldKind.Text)
        {
            return new FilterNode.Flow(field, comparison, value, 0, start.Start);
        }

        return Quantities.TryParse(value, field.Kind, out var number)
            ? new FilterNode.Flow(field, comparison, value, number, start.Start)
            : Mistake(start, $"`{Printable(value)}` is no value of `{field.Name}`", $"{field.Name} > {Example(field.Kind)}");
    }

    private static string Printable(string value) => FilterMistake.Printable(value.Length > 40 ? value[..40] : value);

    private static string Example(FieldKind kind) => kind switch
    {
        FieldKind.Duration => "200ms",
        FieldKind.Size => "10MiB",
        _ => "3",
    };
}

// Recursive descent over the tokens of one expression. In: text. Out: a typed tree, or all mistakes with their places.
// The grammar is pcap-filter(7)'s: `and` and `or` bind equally and to the left, `not` binds tighter, and what has no
// qualifiers of its own inherits those on its left. Where a parenthesis may open a list of names, arithmetic or an
// expression, the parser tries them in this order and goes back.
//
// Bounded: text and terms by limits, nesting by Depth, so that hostile text ends in a mistake and never on the stack's end.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

/// <summary>Parses one expression; used once.</summary>
internal sealed partial class FilterParser
{
    public const int CharactersMax = 64 * 1024;
    private const int NestingMax = 100;
    private const int MistakesMax = 10;

    /// <summary>Words that may follow a protocol word or a whole term.</summary>
    private static readonly string[] s_followers =
        ["and", "or", "host", "net", "port", "portrange", "proto", "src", "dst", "broadcast", "multicast"];

    private readonly string _text;
    private readonly List<FilterMistake> _mistakes = [];
    private Token _token;
    private int _next;
    private int _nesting;
    private int _trials;

    private FilterParser(string text) => _text = text;

    /// <summary>The tree; null with at least one mistake.</summary>
    public static FilterNode? Parse(string text, out IReadOnlyList<FilterMistake> mistakes)
    {
        if (text.Length > CharactersMax)
        {
            mistakes = [new FilterMistake(CharactersMax, 1, $"an expression has at most {CharactersMax} characters")];
            return null;
        }

        var parser = new FilterParser(text);
        parser.Advance();
        var tree = parser.Expression(default);
        while (parser._token.Kind != TokenKind.End && parser._mistakes.Count < MistakesMax)
        {
            parser.UnexpectedAtEnd();
            parser.Advance();
            parser.SkipTerm();
            if (parser.Joiner() is not null)
            {
                parser.Advance();
                parser.Expression(default);
            }
        }

        mistakes = parser._mistakes;
        return parser._mistakes.Count == 0 ? tree : null;
    }

    // expr: term | expr (and|or) (term | id). A mistake in one term does not hide those in the next.
    private FilterNode? Expression(Qualifiers inherited)
    {
        var isSound = true;
        if (Term(inherited, out var qualifiers) is not { } left)
        {
            SkipTerm();
            (isSound, left) = (false, new FilterNode.Gso(0));
        }

        while (Joiner() is { } isAnd && _mistakes.Count < MistakesMax)
        {
            var column = _token.Start;
            Advance();
            var inheritsMistake = !isSound && MayBeginName() && !MayBeginTerm();
            if (inheritsMistake || Operand(ref qualifiers) is not { } right)
            {
                SkipTerm();
                isSound = false;
                continue;
            }

            left = isAnd ? new FilterNode.And(left, right, column) : new FilterNode.Or(left, right, column);
        }

        return isSound ? left : null;
    }

    // What follows `and` or `or`: a name that inherits the qualifiers, or a term with its own.
    private FilterNode? Operand(ref Qualifiers qualifiers)
    {
        if (MayBeginName())
        {
            var inherited = qualifiers;
            if (Try(() => NameThatNoArithmeticFollows(inherited)) is { } name)
            {
                return name;
            }

            // Not even the beginning of a term: the mistake is the name's.
            if (qualifiers.IsDefined && !MayBeginTerm())
            {
                return Name(qualifiers);
            }
        }

        return Term(qualifiers, out qualifiers);
    }

    private FilterNode? NameThatNoArithmeticFollows(Qualifiers inherited) =>
        Name(inherited) is { } name && !IsArithmetic(_token) ? name : null;

    private FilterNode? Term(Qualifiers inherited, out Qualifiers qualifiers)
    {
        qualifiers = default;
        if (_nesting >= NestingMax)
        {
            return Mistake(_token, $"parentheses and `not` nest at most {NestingMax} deep");
        }

        _nesting++;
        var node = UnguardedTerm(inherited, ref qualifiers);
        _nesting--;
        return node;
    }

    private FilterNode? UnguardedTerm(Qualifiers inherited, ref Qualifiers qualifiers)
    {
        var start = _token;
        if (IsNot())
        {
            Advance();
            return Term(inherited, out qualifiers) is { } operand ? new FilterNode.Not(operand, start.Start) : null;
        }

        if (start.Is(Symbol.OpenParenthesis))
        {
            if (Try(Relation) is { } relation)
            {
                return relation;
            }

            Advance();
            var inside = Expression(inherited);
            qualifiers = inherited;
            return Close(start) ? inside : null;
        }

        return BeginsArithmetic() ? Relation() : Primitive(ref qualifiers);
    }

    private bool Close(in Token open)
    {
        if (_token.Is(Symbol.CloseParenthesis))
        {
            Advance();
            return true;
        }

        if (_token.Kind == TokenKind.End)
        {
            Mistake(open, "this parenthesis is never closed");
        }
        else
        {
            Unexpected("`and`, `or` or a closing parenthesis");
        }

        return false;
    }

    private bool? Joiner() =>
        _token.Is(Symbol.And) || _token.IsWord("and") ? true
        : _token.Is(Symbol.Or) || _token.IsWord("or") ? false
        : null;

    private bool IsNot() => _token.Is(Symbol.Not) || _token.IsWord("not");

    private bool BeginsArithmetic() =>
        Words.TryNumber(_token, out _) || _token.IsWord("len") || _token.IsWord("length") || _token.Is(Symbol.Minus)
        || (Words.Protocol(_token) != ProtocolWord.None && Lexer.Next(_text, _next).Is(Symbol.OpenBracket));

    // A word of the language is never a name: `port 80 or udp` begins a new term.
    private bool MayBeginName() =>
        _token.Kind is TokenKind.EscapedWord or TokenKind.Quoted or TokenKind.Number or TokenKind.Address4 or TokenKind.Address6
            or TokenKind.MacAddress
        || Words.TryNumber(_token, out _)
        || (_token.Kind == TokenKind.Word && !IsLanguage(_token.Text))
        || _token.Is(Symbol.OpenParenthesis) || IsNot();

    private bool MayBeginTerm() =>
        BeginsArithmetic() || _token.Is(Symbol.OpenParenthesis) || IsNot()
        || (_token.Kind == TokenKind.Word && IsLanguage(_token.Text));

    private static bool IsLanguage(string word) => Words.IsReserved(word) || Words.IsOtherLinks(word);

    // Runs a rule whose failure is no mistake; on failure all is as before.
    private FilterNode? Try(Func<FilterNode?> rule)
    {
        var (token, next, nesting, mistakes) = (_token, _next, _nesting, _mistakes.Count);
        _trials++;
        var node = rule();
        _trials--;
        if (node is null || _mistakes.Count > mistakes)
        {
            (_token, _next, _nesting) = (token, next, nesting);
            _mistakes.RemoveRange(mistakes, _mistakes.Count - mistakes);
            return null;
        }

        return node;
    }

    private void Advance()
    {
        _token = Lexer.Next(_text, _next);
        _next = _token.End;
    }

    /// <summary>Reads the token behind the current one as a name with wildcards.</summary>
    private void AdvanceToName()
    {
        _token = Lexer.Name(_text, _next);
        _next = _token.End;
    }

    // After a mistake: to the next `and`, `or` or closing parenthesis of the same level.
    private void SkipTerm()
    {
        if (_trials > 0)
        {
            return;
        }

        for (var open = 0; _token.Kind != TokenKind.End; Advance())
        {
            if (open == 0 && (Joiner() is not null || _token.Is(Symbol.CloseParenthesis)))
            {
                return;
            }

            open += _token.Is(Symbol.OpenParenthesis) ? 1 : _token.Is(Symbol.CloseParenthesis) ? -1 : 0;
        }
    }

    private FilterNode? Mistake(in Token at, string message, string? suggestion = null)
    {
        var column = Math.Min(at.Start, _text.Length);
        if (_mistakes.Count < MistakesMax)
        {
            _mistakes.Add(new FilterMistake(column, at.Length, message, suggestion));
        }

        return null;
    }

    private FilterNode? Unexpected(string expected, string? suggestion = null) => _token.Kind switch
    {
        TokenKind.Bad => Mistake(_token, _token.Text, suggestion),
        TokenKind.End => Mistake(_token, $"the expression ends where {expected} should follow", suggestion),
        _ => Mistake(_token, $"{expected} should stand here instead of `{Shown(_token)}`", suggestion),
    };

    // The whole text should have been read.
    private void UnexpectedAtEnd()
    {
        if (_token.Is(Symbol.CloseParenthesis))
        {
            Mistake(_token, "this parenthesis was never opened");
            return;
        }

        Unexpected("`and` or `or`", _token.Kind == TokenKind.Word ? Suggestion.For(_token.Text, s_followers) : null);
    }

    private string Shown(in Token token)
    {
        var text = _text.AsSpan(token.Start, Math.Min(token.End - token.Start, 40)).ToString();
        return FilterMistake.Printable(text);
    }
}

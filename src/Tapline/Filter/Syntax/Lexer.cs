// Text becomes tokens, by the rules of pcap-filter(7): the longest match wins, so `80-90` is one word and a MAC address
// is not six numbers. In: the text and a position. Out: the next token. Pure and without state, so that the parser may go
// back. Hostile text costs at most its length for each token.
using System.Globalization;

namespace Tapline.Filter.Syntax;

/// <summary>The tokens of the expression language.</summary>
internal static class Lexer
{
    private const int Address6CharactersMax = 64;

    /// <summary>The token that begins at or after <paramref name="position"/>.</summary>
    public static Token Next(string text, int position)
    {
        while (position < text.Length && text[position] is ' ' or '\t' or '\r' or '\n')
        {
            position++;
        }

        if (position == text.Length)
        {
            return new Token(TokenKind.End, position, position);
        }

        var rest = text.AsSpan(position);
        return Operator(rest, position)
            ?? Escaped(text, position)
            ?? Quoted(text, position)
            ?? Longest(text, position)
            ?? new Token(TokenKind.Bad, position, position + 1, $"the character {Visible(text[position])} has no meaning here");
    }

    /// <summary>
    /// A name of the operator's own (a VM, point or tag), which may hold wildcards: a quoted text, or all up to a blank or
    /// parenthesis.
    /// </summary>
    public static Token Name(string text, int position)
    {
        while (position < text.Length && text[position] is ' ' or '\t' or '\r' or '\n')
        {
            position++;
        }

        if (position < text.Length && text[position] == '"')
        {
            return Quoted(text, position)!.Value;
        }

        var end = position;
        while (end < text.Length && text[end] is not (' ' or '\t' or '\r' or '\n' or '(' or ')' or '"'))
        {
            end++;
        }

        return end == position
            ? new Token(TokenKind.End, position, position)
            : new Token(TokenKind.Word, position, end, text[position..end]);
    }

    private static Token? Operator(ReadOnlySpan<char> rest, int at)
    {
        var second = rest.Length > 1 ? rest[1] : '\0';
        var (symbol, length) = (rest[0], second) switch
        {
            ('&', '&') => (Symbol.And, 2),
            ('|', '|') => (Symbol.Or, 2),
            ('=', '=') => (Symbol.Equal, 2),
            ('!', '=') => (Symbol.NotEqual, 2),
            ('>', '=') => (Symbol.GreaterOrEqual, 2),
            ('<', '=') => (Symbol.LessOrEqual, 2),
            ('<', '<') => (Symbol.ShiftLeft, 2),
            ('>', '>') => (Symbol.ShiftRight, 2),
            ('(', _) => (Symbol.OpenParenthesis, 1),
            (')', _) => (Symbol.CloseParenthesis, 1),
            ('[', _) => (Symbol.OpenBracket, 1),
            (']', _) => (Symbol.CloseBracket, 1),
            ('!', _) => (Symbol.Not, 1),
            ('=', _) => (Symbol.Equal, 1),
            ('>', _) => (Symbol.Greater, 1),
            ('<', _) => (Symbol.Less, 1),
            ('+', _) => (Symbol.Plus, 1),
            ('-', _) => (Symbol.Minus, 1),
            ('*', _) => (Symbol.Star, 1),
            ('/', _) => (Symbol.Slash, 1),
            ('%', _) => (Symbol.Percent, 1),
            ('&', _) => (Symbol.Ampersand, 1),
            ('|', _) => (Symbol.Bar, 1),
            ('^', _) => (Symbol.Caret, 1),
            _ => (Symbol.None, 0),
        };
        return length == 0 ? null : new Token(TokenKind.Symbol, at, at + length, rest[..length].ToString(), symbol);
    }

    private static Token? Escaped(string text, int at)
    {
        if (text[at] != '\\')
        {
            return null;
        }

        var end = at + 1;
        while (end < text.Length && text[end] is not (' ' or '!' or '(' or ')' or '\n' or '\t'))
        {
            end++;
        }

        return end == at + 1
            ? new Token(TokenKind.Bad, at, end, "a backslash must stand before a name")
            : new Token(TokenKind.EscapedWord, at, end, text[(at + 1)..end]);
    }

    private static Token? Quoted(string text, int at)
    {
        if (text[at] != '"')
        {
            return null;
        }

        var end = text.IndexOf('"', at + 1);
        return end < 0
            ? new Token(TokenKind.Bad, at, text.Length, "the closing quotation mark is missing")
            : new Token(TokenKind.Quoted, at, end + 1, text[(at + 1)..end]);
    }

    // Of equally long matches the first wins: MAC address, number, IPv4 address, IPv6 address, word.
    private static Token? Longest(string text, int at)
    {
        var rest = text.AsSpan(at);
        var mac = MacText.Match(rest, out var macValue);
        var number = NumberLength(rest);
        var dotted = DottedLength(rest);
        var v6 = Address6(rest, out var address);
        var word = WordLength(rest);
        var longest = Math.Max(Math.Max(Math.Max(mac, number), Math.Max(dotted, v6)), word);
        if (longest == 0)
        {
            return rest[0] == ':' ? new Token(TokenKind.Symbol, at, at + 1, ":", Symbol.Colon) : null;
        }

        var end = at + longest;
        var found = text[at..end];
        if (longest == mac)
        {
            return new Token(TokenKind.MacAddress, at, end, found, Address: macValue);
        }

        if (longest == number)
        {
            return Number(found, at, end);
        }

        return longest == dotted ? new Token(TokenKind.Address4, at, end, found)
            : longest == v6 ? new Token(TokenKind.Address6, at, end, found, Address: address)
            : new Token(TokenKind.Word, at, end, found);
    }

    // A leading 0 means octal and 0x hexadecimal, as in C.
    private static Token Number(string found, int at, int end)
    {
        ulong value = 0;
        var isHex = found.Length > 2 && found[1] is 'x' or 'X';
        var radix = isHex ? 16u : found[0] == '0' ? 8u : 10u;
        foreach (var c in found.AsSpan(isHex ? 2 : 0))
        {
            var digit = (uint)HexValue(c);
            if (digit >= radix)
            {
                return new Token(TokenKind.Bad, at, end, $"{found} begins with 0, so it is octal, which has no digit {c}");
            }

            value = (value * radix) + digit;
            if (value > uint.MaxValue)
            {
                return new Token(TokenKind.Bad, at, end, $"the number {found} does not fit 32 bits");
            }
        }

        return new Token(TokenKind.Number, at, end, found, Number: (uint)value);
    }

    private static int NumberLength(ReadOnlySpan<char> rest)
    {
        var length = 0;
        if (rest.Length > 2 && rest[0] == '0' && rest[1] is 'x' or 'X' && char.IsAsciiHexDigit(rest[2]))
        {
            length = 2;
            while (length < rest.Length && char.IsAsciiHexDigit(rest[length]))
            {
                length++;
            }

            return length;
        }

        while (length < rest.Length && char.IsAsciiDigit(rest[length]))
        {
            length++;
        }

        return length;
    }

    private static int DottedLength(ReadOnlySpan<char> rest)
    {
        var length = DigitsLength(rest);
        var parts = length > 0 ? 1 : 0;
        while (parts is > 0 and < 4 && length < rest.Length && rest[length] == '.')
        {
            var next = DigitsLength(rest[(length + 1)..]);
            if (next == 0)
            {
                break;
            }

            length += next + 1;
            parts++;
        }

        return parts >= 2 ? length : 0;
    }

    private static int DigitsLength(ReadOnlySpan<char> rest)
    {
        var length = 0;
        while (length < rest.Length && char.IsAsciiDigit(rest[length]))
        {
            length++;
        }

        return length;
    }

    // The longest beginning that is an IPv6 address. Needs two colons at least, so `ip[2:2]` is none.
    private static int Address6(ReadOnlySpan<char> rest, out UInt128 address)
    {
        var run = 0;
        var colons = 0;
        while (run < rest.Length && run < Address6CharactersMax && (char.IsAsciiHexDigit(rest[run]) || rest[run] is ':' or '.'))
        {
            colons += rest[run++] == ':' ? 1 : 0;
        }

        for (var length = colons < 2 ? 0 : run; length >= 2; length--)
        {
            if (Ipv6Text.TryParse(rest[..length], out address))
            {
                return length;
            }
        }

        address = 0;
        return 0;
    }

    // [A-Za-z0-9]([-_.A-Za-z0-9]*[.A-Za-z0-9])?
    private static int WordLength(ReadOnlySpan<char> rest)
    {
        if (!char.IsAsciiLetterOrDigit(rest[0]))
        {
            return 0;
        }

        var end = 1;
        while (end < rest.Length && (char.IsAsciiLetterOrDigit(rest[end]) || rest[end] is '-' or '_' or '.'))
        {
            end++;
        }

        while (rest[end - 1] is '-' or '_')
        {
            end--;
        }

        return end;
    }

    private static int HexValue(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;

    private static string Visible(char c) =>
        c is > ' ' and < '\u007f' ? $"`{c}`" : "U+" + ((int)c).ToString("X4", CultureInfo.InvariantCulture);
}

// Relations and their values. `|` binds loosest, then `&`, shifts, sums, products. `%` and `^` have no rank of their own
// in libpcap's grammar: they take all that follows for their right side. So they do here, because the same text must select
// the same frames.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

internal sealed partial class FilterParser
{
    private const int ValuesMax = 500;
    private const int LoosestRank = 1;
    private const int TightestRank = 6;
    private int _values;

    // arth relop arth
    private FilterNode? Relation()
    {
        var start = _token;
        _values = 0;
        if (Value(LoosestRank) is not { } left)
        {
            return null;
        }

        var comparison = ComparisonOf(_token);
        if (comparison is null)
        {
            return Unexpected("a comparison such as `=` or `>`");
        }

        Advance();
        return Value(LoosestRank) is { } right
            ? new FilterNode.Relation(left, comparison.Value, right, start.Start)
            : null;
    }

    private FilterValue? Value(int rankMin)
    {
        if (_nesting >= NestingMax)
        {
            Mistake(_token, $"values nest at most {NestingMax} deep");
            return null;
        }

        _nesting++;
        var value = Operand(rankMin);
        _nesting--;
        return value;
    }

    private FilterValue? Operand(int rankMin)
    {
        var left = Unary();
        while (left is not null && OperationOf(_token) is { } operation)
        {
            var rank = Rank(operation);
            if (rank > 0 && rank < rankMin)
            {
                break;
            }

            var at = _token;
            Advance();
            var right = Value(rank == 0 ? LoosestRank : rank + 1);
            left = right is null ? null : Combine(operation, left, right, at);
        }

        return left;
    }

    private FilterValue? Unary()
    {
        var start = _token;
        if (++_values > ValuesMax)
        {
            Mistake(start, $"a relation has at most {ValuesMax} values");
            return null;
        }

        if (start.Is(Symbol.Minus))
        {
            Advance();
            return Value(TightestRank) switch
            {
                null => null,
                FilterValue.Number number => new FilterValue.Number(0 - number.Value, start.Start),
                var operand => new FilterValue.Negate(operand, start.Start),
            };
        }

        if (start.Is(Symbol.OpenParenthesis))
        {
            Advance();
            var inside = Value(LoosestRank);
            return inside is not null && Close(start) ? inside : null;
        }

        if (Words.TryNumber(start, out var value))
        {
            Advance();
            return new FilterValue.Number(value, start.Start);
        }

        if (start.IsWord("len") || start.IsWord("length"))
        {
            Advance();
            return new FilterValue.Length(start.Start);
        }

        if (Words.Protocol(start) is not ProtocolWord.None and var protocol)
        {
            Advance();
            return Bytes(protocol, start);
        }

        Unexpected("a number, `len` or bytes such as `ip[8]`");
        return null;
    }

    private FilterValue? Bytes(ProtocolWord protocol, in Token start)
    {
        if (!_token.Is(Symbol.OpenBracket))
        {
            Unexpected($"`[` and an offset after `{start.Text}`");
            return null;
        }

        Advance();
        if (Value(LoosestRank) is not { } index)
        {
            return null;
        }

        var size = 1u;
        if (_token.Is(Symbol.Colon))
        {
            Advance();
            if (!Words.TryNumber(_token, out size) || size is not (1 or 2 or 4))
            {
                Unexpected("1, 2 or 4, the number of bytes,");
                return null;
            }

            Advance();
        }

        if (!_token.Is(Symbol.CloseBracket))
        {
            Unexpected("a closing bracket");
            return null;
        }

        if (!HasBytes(protocol))
        {
            Mistake(start, $"bytes of `{start.Text}` cannot be asked for; count them from a header that stands before it");
            return null;
        }

        Advance();
        return new FilterValue.Bytes(protocol, index, (int)size, start.Start);
    }

    private static bool HasBytes(ProtocolWord protocol) => protocol is ProtocolWord.Ether or ProtocolWord.Ip
        or ProtocolWord.Ip6 or ProtocolWord.Arp or ProtocolWord.Rarp or ProtocolWord.Tcp or ProtocolWord.Udp
        or ProtocolWord.Sctp or ProtocolWord.Icmp or ProtocolWord.Icmp6 or ProtocolWord.Igmp or ProtocolWord.Igrp
        or ProtocolWord.Pim or ProtocolWord.Vrrp or ProtocolWord.Carp or ProtocolWord.Atalk or ProtocolWord.Decnet
        or ProtocolWord.Sca or ProtocolWord.Lat or ProtocolWord.Moprc or ProtocolWord.Mopdl;

    private FilterValue? Combine(Arithmetic operation, FilterValue left, FilterValue right, in Token at)
    {
        if (right is FilterValue.Number { Value: 0 } && operation is Arithmetic.Divide or Arithmetic.Modulo)
        {
            Mistake(at, "this divides by zero");
            return null;
        }

        if (right is FilterValue.Number { Value: > 31 } && operation is Arithmetic.ShiftLeft or Arithmetic.ShiftRight)
        {
            Mistake(at, "this shifts by more than 31 bits");
            return null;
        }

        return left is FilterValue.Number a && right is FilterValue.Number b
            ? new FilterValue.Number(Calculation.Of(operation, a.Value, b.Value), left.Column)
            : new FilterValue.Binary(operation, left, right, left.Column);
    }

    private static bool IsArithmetic(in Token token) => ComparisonOf(token) is not null || OperationOf(token) is not null;

    private static int Rank(Arithmetic operation) => operation switch
    {
        Arithmetic.Or => LoosestRank,
        Arithmetic.And => 2,
        Arithmetic.ShiftLeft or Arithmetic.ShiftRight => 3,
        Arithmetic.Add or Arithmetic.Subtract => 4,
        Arithmetic.Multiply or Arithmetic.Divide => 5,
        _ => 0,
    };

    private static Comparison? ComparisonOf(in Token token) => token.Kind != TokenKind.Symbol ? null : token.Symbol switch
    {
        Symbol.Equal => Comparison.Equal,
        Symbol.NotEqual => Comparison.NotEqual,
        Symbol.Greater => Comparison.Greater,
        Symbol.GreaterOrEqual => Comparison.GreaterOrEqual,
        Symbol.Less => Comparison.Less,
        Symbol.LessOrEqual => Comparison.LessOrEqual,
        _ => null,
    };

    private static Arithmetic? OperationOf(in Token token) => token.Kind != TokenKind.Symbol ? null : token.Symbol switch
    {
        Symbol.Plus => Arithmetic.Add,
        Symbol.Minus => Arithmetic.Subtract,
        Symbol.Star => Arithmetic.Multiply,
        Symbol.Slash => Arithmetic.Divide,
        Symbol.Percent => Arithmetic.Modulo,
        Symbol.Ampersand => Arithmetic.And,
        Symbol.Bar => Arithmetic.Or,
        Symbol.Caret => Arithmetic.Xor,
        Symbol.ShiftLeft => Arithmetic.ShiftLeft,
        Symbol.ShiftRight => Arithmetic.ShiftRight,
        _ => null,
    };
}

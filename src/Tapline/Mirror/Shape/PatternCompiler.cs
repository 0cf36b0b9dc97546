// The small expression language of masks becomes a ByteMachine. It knows literals, `.`, classes [a-z^], \d \w \s and
// \xHH, groups, |, *, +, ? and {m,n}; (=...) marks the part that is masked, without it all of the match is. No anchors,
// no back references: nothing that would need to try again. Hostile text is bounded by its length, the depth of its
// groups and the 64 places of a machine. In: text. Out: a machine or one sentence. Pure.
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Tapline.Mirror.Shape;

/// <summary>Compiles one pattern. Lives for one call.</summary>
internal sealed class PatternCompiler
{
    private const int BytesMax = 512;
    private const int DepthMax = 16;
    private const int AtomsMax = 1024;
    private const int ByteValues = 256;

    private readonly byte[] _text;
    private readonly bool _ignoresCase;
    private readonly List<bool[]> _classes = [];
    private readonly ulong[] _follow = new ulong[ByteMachine.PlacesMax];
    private ulong _secret;
    private int _at;
    private int _atoms;
    private int _depth;

    private PatternCompiler(string text, bool ignoresCase)
    {
        _text = Encoding.UTF8.GetBytes(text);
        _ignoresCase = ignoresCase;
    }

    private readonly record struct Piece(ulong First, ulong Last, bool IsEmpty);

    /// <summary>Null and a sentence when the text is no pattern.</summary>
    public static ByteMachine? Compile(string text, bool ignoresCase, out string? mistake)
    {
        mistake = null;
        var compiler = new PatternCompiler(text, ignoresCase);
        try
        {
            if (compiler._text.Length > BytesMax)
            {
                throw new FormatException($"is longer than {BytesMax} bytes; split it into several.");
            }

            var all = compiler.Alternatives();
            if (compiler._at < compiler._text.Length)
            {
                throw new FormatException("has a ) without its (; write \\) for the character.");
            }

            if (all.IsEmpty)
            {
                throw new FormatException("matches nothing at all too; make one part of it obligatory (+ instead of *).");
            }

            return new ByteMachine(text, all.First, all.Last, compiler._secret == 0 ? ulong.MaxValue : compiler._secret,
                compiler._follow, [.. compiler._classes]);
        }
        catch (FormatException e)
        {
            mistake = $"The pattern \"{text}\" {e.Message}";
            return null;
        }
    }

    private bool Has => _at < _text.Length;

    private bool Take(char c)
    {
        if (!Has || _text[_at] != c)
        {
            return false;
        }

        _at++;
        return true;
    }

    private Piece Alternatives()
    {
        if (++_depth > DepthMax)
        {
            throw new FormatException($"nests more than {DepthMax} groups.");
        }

        var all = Sequence();
        while (Take('|'))
        {
            var next = Sequence();
            all = new Piece(all.First | next.First, all.Last | next.Last, all.IsEmpty || next.IsEmpty);
        }

        _depth--;
        return all;
    }

    private Piece Sequence()
    {
        var all = new Piece(0, 0, true);
        while (Has && _text[_at] is not ((byte)'|' or (byte)')'))
        {
            all = Join(all, Repeated());
        }

        return all;
    }

    private Piece Join(in Piece left, in Piece right)
    {
        Connect(left.Last, right.First);
        return new Piece(
            left.First | (left.IsEmpty ? right.First : 0),
            right.Last | (right.IsEmpty ? left.Last : 0),
            left.IsEmpty && right.IsEmpty);
    }

    private void Connect(ulong from, ulong to)
    {
        for (; from != 0; from &= from - 1)
        {
            _follow[BitOperations.TrailingZeroCount(from)] |= to;
        }
    }

    private Piece Repeated()
    {
        var start = _at;
        var piece = Atom();
        while (Has)
        {
            if (Take('*'))
            {
                Connect(piece.Last, piece.First);
                piece = piece with { IsEmpty = true };
            }
            else if (Take('+'))
            {
                Connect(piece.Last, piece.First);
            }
            else if (Take('?'))
            {
                piece = piece with { IsEmpty = true };
            }
            else if (Take('{'))
            {
                piece = Counted(piece, start);
            }
            else
            {
                break;
            }
        }

        return piece;
    }

    // x{2,4} is x x x? x?, each with places of its own: the text is read again.
    private Piece Counted(Piece piece, int start)
    {
        var least = Number();
        var most = !Take(',') ? least : Has && _text[_at] == '}' ? -1 : Number();
        if (!Take('}') || (most >= 0 && most < Math.Max(1, least)))
        {
            throw new FormatException("has a count that is none; write {3}, {2,5} or {2,}, or \\{ for the character.");
        }

        var end = _at;
        var all = piece with { IsEmpty = piece.IsEmpty || least == 0 };
        for (var i = 1; i < Math.Max(least, most); i++)
        {
            _at = start;
            var copy = Atom();
            all = Join(all, copy with { IsEmpty = copy.IsEmpty || i >= least });
            piece = copy;
        }

        if (most < 0)
        {
            Connect(piece.Last, piece.First);
        }

        _at = end;
        return all;
    }

    private int Number()
    {
        var value = -1;
        while (Has && char.IsAsciiDigit((char)_text[_at]) && value < 1000)
        {
            value = (Math.Max(0, value) * 10) + _text[_at++] - '0';
        }

        return value is >= 0 and <= ByteMachine.PlacesMax ? value
            : throw new FormatException($"has a count that is not a number from 0 to {ByteMachine.PlacesMax}.");
    }

    private Piece Atom()
    {
        // Empty groups take no place, so places alone would not bound a count of a count of nothing.
        if (++_atoms > AtomsMax)
        {
            throw new FormatException("repeats too much; count less.");
        }

        if (Take('('))
        {
            var isSecret = Take('=');
            var from = _classes.Count;
            var inside = Alternatives();
            if (!Take(')'))
            {
                throw new FormatException("has a ( without its ); write \\( for the character.");
            }

            for (var place = from; isSecret && place < _classes.Count; place++)
            {
                _secret |= 1UL << place;
            }

            return inside;
        }

        if (_text[_at] is (byte)'*' or (byte)'+' or (byte)'?' or (byte)'{')
        {
            throw new FormatException($"repeats nothing at byte {_at + 1}; write \\{(char)_text[_at]} for the character.");
        }

        var set = new bool[ByteValues];
        if (Take('['))
        {
            Class(set);
        }
        else if (Take('.'))
        {
            Array.Fill(set, true);
            set['\n'] = false;
        }
        else
        {
            One(set);
        }

        return Place(set);
    }

    private Piece Place(bool[] set)
    {
        if (_classes.Count == ByteMachine.PlacesMax)
        {
            throw new FormatException($"has more than {ByteMachine.PlacesMax} places; make it shorter or count less.");
        }

        for (var c = 'a'; _ignoresCase && c <= 'z'; c++)
        {
            set[c] = set[c - 32] = set[c] | set[c - 32];
        }

        var bit = 1UL << _classes.Count;
        _classes.Add(set);
        return new Piece(bit, bit, false);
    }

    private void Class(bool[] set)
    {
        var isNegated = Take('^');
        var isFirst = true;
        while (true)
        {
            if (!Has)
            {
                throw new FormatException("has a [ without its ]; write \\[ for the character.");
            }

            if (!isFirst && Take(']'))
            {
                break;
            }

            isFirst = false;
            var low = One(set);
            if (low >= 0 && _at + 1 < _text.Length && _text[_at] == '-' && _text[_at + 1] != ']')
            {
                _at++;
                var high = One(set);
                if (high < low)
                {
                    throw new FormatException("has a range that runs backwards.");
                }

                Array.Fill(set, true, low, high - low + 1);
            }
        }

        for (var i = 0; isNegated && i < ByteValues; i++)
        {
            set[i] = !set[i];
        }
    }

    // One character, escaped or not, into the set; its value, or -1 for a class.
    private int One(bool[] set)
    {
        int value = _text[_at++];
        if (value == '\\')
        {
            if (!Has)
            {
                throw new FormatException("ends with a \\; write \\\\ for the character.");
            }

            value = _text[_at++];
            switch (value)
            {
                case 'd' or 'w' or 's':
                    for (var c = 0; c < 128; c++)
                    {
                        set[c] |= value == 's' ? char.IsWhiteSpace((char)c)
                            : char.IsAsciiDigit((char)c) || (value == 'w' && (char.IsAsciiLetter((char)c) || c == '_'));
                    }

                    return -1;
                case 'r': value = '\r'; break;
                case 'n': value = '\n'; break;
                case 't': value = '\t'; break;
                case 'x': value = Hex(); break;
                default:
                    if (char.IsAsciiLetterOrDigit((char)value))
                    {
                        throw new FormatException($"has \\{(char)value}, which is none of \\d \\w \\s \\r \\n \\t \\xHH.");
                    }

                    break;
            }
        }

        set[value] = true;
        return value;
    }

    private int Hex()
    {
        if (_at + 2 > _text.Length || !byte.TryParse(_text.AsSpan(_at, 2), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out var value))
        {
            throw new FormatException("has a \\x without two hexadecimal digits.");
        }

        _at += 2;
        return value;
    }
}

// A pattern over bytes as a position automaton (Glushkov): one bit for each place of the pattern, at most 64, all
// places followed at once. A byte costs the same whatever the pattern and the text: there is nothing to go back to, so
// no input is slow. Some places are secret: a byte that stands there is masked. Immutable; any thread.
using System.Buffers;

namespace Tapline.Mirror.Shape;

/// <summary>A compiled pattern.</summary>
public sealed class ByteMachine
{
    /// <summary>Places that a pattern may have.</summary>
    public const int PlacesMax = 64;

    private const int ByteValues = 256;

    private readonly ulong[] _places = new ulong[ByteValues];
    private readonly ulong[] _follow;
    private readonly ulong[] _precede;
    private readonly int _groups;
    private readonly SearchValues<byte> _starts;

    internal ByteMachine(
        string text, ulong first, ulong last, ulong secret, ReadOnlySpan<ulong> follow, bool[][] classes)
    {
        Text = text;
        First = first;
        Last = last;
        Secret = secret;
        for (var place = 0; place < classes.Length; place++)
        {
            for (var value = 0; value < ByteValues; value++)
            {
                _places[value] |= classes[place][value] ? 1UL << place : 0;
            }
        }

        var precede = new ulong[PlacesMax];
        for (var place = 0; place < classes.Length; place++)
        {
            for (var next = 0; next < classes.Length; next++)
            {
                precede[next] |= (follow[place] >> next & 1) << place;
            }
        }

        _groups = (classes.Length + 7) / 8;
        _follow = Table(follow);
        _precede = Table(precede);
        var starts = new List<byte>();
        for (var value = 0; value < ByteValues; value++)
        {
            if ((_places[value] & first) != 0)
            {
                starts.Add((byte)value);
            }
        }

        _starts = SearchValues.Create(starts.ToArray());
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Places at which a match begins.</summary>
    internal ulong First { get; }

    /// <summary>Places at which a match may end.</summary>
    internal ulong Last { get; }

    /// <summary>Places whose bytes are masked.</summary>
    internal ulong Secret { get; }

    /// <summary>
    /// Runs over a piece of a stream and marks bytes as soon as they stand at a secret place. For patterns whose secret
    /// is known by what stands before it. Returns the state behind the piece.
    /// </summary>
    internal ulong Stream(ReadOnlySpan<byte> data, ulong state, Span<byte> marks, ref bool isMarked)
    {
        for (var i = 0; i < data.Length; i++)
        {
            if (state == 0)
            {
                var skip = data[i..].IndexOfAny(_starts);
                if (skip < 0)
                {
                    return 0;
                }

                i += skip;
            }

            state = (Step(_follow, state) | First) & _places[data[i]];
            if ((state & Secret) != 0)
            {
                marks[i] = 1;
                isMarked = true;
            }
        }

        return state;
    }

    /// <summary>
    /// Marks the secret bytes of all matches in the data, overlapping ones included: forwards for the places that can be
    /// reached, backwards for those from which a match is completed. <paramref name="states"/> is as long as the data.
    /// </summary>
    internal void Search(ReadOnlySpan<byte> data, Span<ulong> states, Span<byte> marks, ref bool isMarked)
    {
        var from = data.IndexOfAny(_starts);
        if (from < 0)
        {
            return;
        }

        ulong state = 0;
        var lastEnd = -1;
        for (var i = from; i < data.Length; i++)
        {
            state = (Step(_follow, state) | First) & _places[data[i]];
            states[i] = state;
            lastEnd = (state & Last) != 0 ? i : lastEnd;
        }

        state = 0;
        for (var i = lastEnd; i >= from; i--)
        {
            state = states[i] & (Step(_precede, state) | Last);
            if ((state & Secret) != 0)
            {
                marks[i] = 1;
                isMarked = true;
            }
        }
    }

    // For each eight places, what their 256 combinations lead to.
    private ulong[] Table(ReadOnlySpan<ulong> edges)
    {
        var table = new ulong[_groups * ByteValues];
        for (var group = 0; group < _groups; group++)
        {
            for (var set = 0; set < ByteValues; set++)
            {
                for (var bit = 0; bit < 8; bit++)
                {
                    table[(group * ByteValues) + set] |= (set >> bit & 1) != 0 ? edges[(group * 8) + bit] : 0;
                }
            }
        }

        return table;
    }

    private static ulong Step(ulong[] table, ulong state)
    {
        ulong next = 0;
        for (var group = 0; state != 0; group += ByteValues, state >>= 8)
        {
            next |= table[group + (int)(state & 0xFF)];
        }

        return next;
    }
}

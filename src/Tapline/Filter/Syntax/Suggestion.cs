// What somebody may have meant: the known word with the fewest edits. Damerau-Levenshtein distance without repeated
// edits; words are short, so the whole matrix is kept on the stack.
namespace Tapline.Filter.Syntax;

/// <summary>Finds the nearest of some words.</summary>
internal static class Suggestion
{
    private const int CharactersMax = 24;

    /// <summary>The nearest word; null when none is near: one edit for each three characters, at most three.</summary>
    public static string? For(string word, IEnumerable<string> known)
    {
        if (word.Length is < 2 or > CharactersMax)
        {
            return null;
        }

        string? best = null;
        var least = Math.Min((word.Length / 3) + 1, 3);
        foreach (var candidate in known)
        {
            if (candidate.Length > CharactersMax || Math.Abs(candidate.Length - word.Length) > least || candidate == word)
            {
                continue;
            }

            var distance = Distance(word, candidate);
            if (distance < least || (distance == least && best is null))
            {
                (best, least) = (candidate, distance);
            }
        }

        return best;
    }

    private static int Distance(string a, string b)
    {
        var width = b.Length + 1;
        Span<byte> cells = stackalloc byte[(CharactersMax + 1) * (CharactersMax + 1)];
        for (var i = 0; i <= a.Length; i++)
        {
            cells[i * width] = (byte)i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            cells[j] = (byte)j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var same = char.ToLowerInvariant(a[i - 1]) == b[j - 1];
                var cost = Math.Min(cells[((i - 1) * width) + j], cells[(i * width) + j - 1]) + 1;
                cost = Math.Min(cost, cells[((i - 1) * width) + j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    cost = Math.Min(cost, cells[((i - 2) * width) + j - 2] + 1);
                }

                cells[(i * width) + j] = (byte)cost;
            }
        }

        return cells[(a.Length * width) + b.Length];
    }
}

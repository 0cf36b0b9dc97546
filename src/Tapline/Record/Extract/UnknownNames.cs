// Names in an expression that nothing in the recording bears: most often a slip of the pen, whose empty answer looks like "nothing
// happened". A name that a pattern matches is known. Names are hostile text: whoever prints the sentences cleans them. Pure.
using Tapline.Filter;
using Tapline.Filter.Matching;
using Tapline.Filter.Syntax;
using Tapline.Filter.Tree;

namespace Tapline.Record.Extract;

/// <summary>Tells of names that stand for nothing.</summary>
internal static class UnknownNames
{
    private const int NamedMax = 8;

    /// <summary>A sentence for each.</summary>
    /// <param name="root">The expression.</param>
    /// <param name="directory">All machines and points that the query met.</param>
    public static IReadOnlyList<string> Of(FilterNode? root, FilterDirectory directory)
    {
        var sentences = new List<string>();
        if (root is not null)
        {
            // Once for all terms: there may be many of both.
            var machines = Known(directory.Machines.Select(m => m.Name));
            var tags = Known(directory.Machines.SelectMany(m => m.Tags));
            var points = Known(directory.Points.Select(p => p.Name));
            TreeWalk.Visit(root, node => Add(sentences, node switch
            {
                FilterNode.Vm vm => Sentence("machine is called", vm.Pattern, machines),
                FilterNode.Tag tag => Sentence("machine has the tag", tag.Name, tags),
                FilterNode.Point point => Sentence("point is called", point.Pattern, points),
                _ => null,
            }));
        }

        return sentences;
    }

    private static void Add(List<string> sentences, string? sentence)
    {
        if (sentence is not null && !sentences.Contains(sentence))
        {
            sentences.Add(sentence);
        }
    }

    private static List<string> Known(IEnumerable<string> names) => [.. names.Distinct().Order(StringComparer.Ordinal)];

    private static string? Sentence(string what, string name, List<string> known)
    {
        if (known.Exists(k => NamePattern.Matches(name, k)))
        {
            return null;
        }

        var more = known.Count > NamedMax ? $" and {known.Count - NamedMax} more" : "";
        return $"No {what} `{name}` in these segments; " + (Suggestion.For(name, known) is { } near ? $"did you mean `{near}`?"
            : known.Count == 0 ? "they name none."
            : $"there are {string.Join(", ", known.Take(NamedMax))}{more}.");
    }
}

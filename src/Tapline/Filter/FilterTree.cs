// One expression, parsed: what every back end starts from. In: the operator's text. Out: a tree, or all mistakes with
// their places. Immutable; any thread.
using Tapline.Base;
using Tapline.Filter.Syntax;
using Tapline.Filter.Tree;

namespace Tapline.Filter;

/// <summary>A parsed filter expression.</summary>
public sealed class FilterTree
{
    private FilterTree(string text, FilterNode? root)
    {
        Text = text;
        Root = root;
    }

    /// <summary>Selects every frame.</summary>
    public static FilterTree Everything { get; } = new("", null);

    /// <summary>The text as given, without blanks around it; empty = everything.</summary>
    public string Text { get; }

    /// <summary>The condition; null = everything.</summary>
    public FilterNode? Root { get; }

    /// <summary>True when every frame is selected without looking.</summary>
    public bool IsEverything => Root is null;

    /// <summary>The same text with another condition: one whose terms of flows were answered.</summary>
    public FilterTree With(FilterNode root) => new(Text, root);

    /// <summary>
    /// Parses a text; an empty one selects everything. Null with at least one mistake when it is wrong. Columns count in
    /// the text without the blanks around it.
    /// </summary>
    public static FilterTree? Parse(string? expression, out IReadOnlyList<FilterMistake> mistakes)
    {
        mistakes = [];
        var text = expression?.Trim() ?? "";
        if (text.Length == 0)
        {
            return Everything;
        }

        var root = FilterParser.Parse(text, out mistakes);
        Invariant.Check(root is null == mistakes.Count > 0);
        return root is null ? null : new FilterTree(text, root);
    }
}

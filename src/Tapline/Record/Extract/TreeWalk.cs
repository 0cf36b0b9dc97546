// Walks over expressions' trees. Chains of `and` and `or` lean to the left and may be thousands long: they are followed in a
// loop, the rest by recursion, whose depth the parser bounds.
using Tapline.Filter.Tree;

namespace Tapline.Record.Extract;

/// <summary>Visits and rewrites trees. Pure.</summary>
internal static class TreeWalk
{
    /// <summary>Calls <paramref name="visit"/> for every node.</summary>
    public static void Visit(FilterNode node, Action<FilterNode> visit)
    {
        while (true)
        {
            visit(node);
            switch (node)
            {
                case FilterNode.And and:
                    Visit(and.Right, visit);
                    node = and.Left;
                    break;
                case FilterNode.Or or:
                    Visit(or.Right, visit);
                    node = or.Left;
                    break;
                case FilterNode.Not not:
                    node = not.Operand;
                    break;
                case FilterNode.Inner inner:
                    node = inner.Operand;
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>The tree with each flow term replaced.</summary>
    public static FilterNode Replace(FilterNode root, Func<FilterNode.Flow, FilterNode> replace)
    {
        var spine = new Stack<FilterNode>();
        var node = root;
        while (node is FilterNode.And or FilterNode.Or)
        {
            spine.Push(node);
            node = node is FilterNode.And and ? and.Left : ((FilterNode.Or)node).Left;
        }

        var result = node switch
        {
            FilterNode.Not not => not with { Operand = Replace(not.Operand, replace) },
            FilterNode.Inner inner => inner with { Operand = Replace(inner.Operand, replace) },
            FilterNode.Flow flow => replace(flow),
            _ => node,
        };
        while (spine.TryPop(out var parent))
        {
            result = parent is FilterNode.And and
                ? and with { Left = result, Right = Replace(and.Right, replace) }
                : (FilterNode.Or)parent with { Left = result, Right = Replace(((FilterNode.Or)parent).Right, replace) };
        }

        return result;
    }
}

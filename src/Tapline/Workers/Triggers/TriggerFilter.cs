// What sets a trigger off, split in two: terms of flows are judged as a flow's counters change, the rest of each frame. The two are joined
// by `and` alone: what else would a frame mean whose flow is not known yet? Immutable after the start but for names, which the
// control thread binds.
using Tapline.Base;
using Tapline.Filter;
using Tapline.Filter.Tree;
using Tapline.Record.Extract;

namespace Tapline.Workers.Triggers;

/// <summary>A compiled trigger. Shared by workers.</summary>
internal sealed class TriggerFilter
{
    private TriggerFilter(CompiledFilter frames, FlowTerms? flows, bool isOfFlow)
    {
        Frames = frames;
        Flows = flows is null ? null : new TriggerTerms(flows);
        IsOfFlow = isOfFlow;
    }

    /// <summary>What is asked of a frame.</summary>
    public CompiledFilter Frames { get; }

    /// <summary>What is asked of its flow; null = nothing.</summary>
    public TriggerTerms? Flows { get; }

    /// <summary>What it protects is the whole flow.</summary>
    public bool IsOfFlow { get; }

    /// <summary>Compiles an expression; null with one sentence when it can't set anything off.</summary>
    public static TriggerFilter? Compile(string expression, out string? error, bool isOfFlow = false)
    {
        if (FilterTree.Parse(expression, out var mistakes) is not { } tree)
        {
            error = FilterMistake.Sentence(expression.Trim(), mistakes);
            return null;
        }

        if (tree.Root is not { } root)
        {
            error = "a trigger needs an expression: one without would be set off by every frame.";
            return null;
        }

        if (FlowTerms.Find(root, out error) is not { } flows)
        {
            return null;
        }

        if (flows.Count == 0)
        {
            return CompiledFilter.Compile(tree, LinkType.Ethernet, out error) is { } plain
                ? new TriggerFilter(plain, null, isOfFlow) : null;
        }

        if (flows.AsksText("community_id") || !AreJoinedByAnd(root))
        {
            error = "in a trigger, facts of flows are joined to the rest by `and` alone, and community_id can't be asked: "
                + "name addresses and ports.";
            return null;
        }

        // A term of flows is taken for true here, as a comparison of two numbers, so that what stands beside it keeps its place.
        var rest = tree.With(TreeWalk.Replace(root, term => new FilterNode.Relation(
            new FilterValue.Number(0, term.Column), Comparison.Equal, new FilterValue.Number(0, term.Column), term.Column)));
        return CompiledFilter.Compile(rest, LinkType.Ethernet, out error) is { } frames
            ? new TriggerFilter(frames, flows, isOfFlow) : null;
    }

    // True when each term of flows stands in the chain of `and`s from the root.
    private static bool AreJoinedByAnd(FilterNode root)
    {
        var node = root;
        while (node is FilterNode.And and)
        {
            if (!AreJoinedByAnd(and.Right))
            {
                return false;
            }

            node = and.Left;
        }

        var hasInside = false;
        TreeWalk.Visit(node, inside => hasInside |= inside is FilterNode.Flow && !ReferenceEquals(inside, node));
        return !hasInside;
    }
}

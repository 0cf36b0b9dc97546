// Judges an expression on the flows of one index: which of them can have a frame that it selects. Sound in one direction only,
// on purpose: a flow that is refused has none; any other is read and its frames decide. The tree is walked once, each term
// over all flows, so that a hundred thousand of them cost a few passes over some columns.
//
// What a term means of a frame is libpcap's: the first headers. Outside of tunnels these are the flow's; of flows in tunnels, of MAC
// addresses, points and VLANs the index says what all frames showed, where it knows (IndexColumn.Marks). Words that move
// others to another place in the frame (`mpls`, `geneve`, …) leave those to the frames. One thread.
using System.Buffers;
using Tapline.Filter.Tree;
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Judges the flows of one index.</summary>
internal sealed class FlowJudge
{
    private readonly FlowTerms _terms;
    private readonly FilterNode? _root;
    private readonly ulong[]? _truths;
    private readonly bool _isPlain;
    private readonly SegmentJudge _segment;
    private readonly TermJudge _judge;
    private readonly Stack<FilterNode> _chain = new();

    /// <summary>For an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="filter">The expression.</param>
    /// <param name="names">What names in it can mean in this segment; null = nothing is known of them.</param>
    /// <param name="truths">Which flow terms hold, by flow; null = the expression has none.</param>
    public FlowJudge(SegmentIndex index, ExtractFilter filter, SegmentNames? names, ulong[]? truths)
    {
        _terms = filter.Terms;
        _root = filter.Root;
        _truths = truths;
        _isPlain = _root is not null && IsPlain(_root);
        _segment = new SegmentJudge(index, _isPlain, names);
        _judge = new TermJudge(index, names);
    }

    /// <summary>False when no flow of the index can have a selected frame: told by its bounds and small filter alone.</summary>
    public bool MayHaveAny() => _root is null || _segment.MayHave(_root);

    /// <summary>What becomes of each flow; [0] means nothing.</summary>
    public void Judge(Span<sbyte> verdicts)
    {
        verdicts.Fill((sbyte)Judgement.Yes);
        if (_root is not null)
        {
            Judge(_root, verdicts, isInner: false);
        }
    }

    private static bool IsPlain(FilterNode root)
    {
        var moves = false;
        var branches = false;
        var tags = false;
        TreeWalk.Visit(root, node =>
        {
            moves |= node is FilterNode.Mpls or FilterNode.PppoeDiscovery or FilterNode.PppoeSession or FilterNode.Geneve;
            tags |= node is FilterNode.Vlan;
            branches |= node is FilterNode.Or or FilterNode.Not;
        });
        return !moves && !(tags && branches);
    }

    // Down the chain to its first member, then up again.
    private void Judge(FilterNode node, Span<sbyte> verdicts, bool isInner)
    {
        var bottom = _chain.Count;
        while (node is FilterNode.And or FilterNode.Or)
        {
            _chain.Push(node);
            node = node is FilterNode.And and ? and.Left : ((FilterNode.Or)node).Left;
        }

        JudgeMember(node, verdicts, isInner);
        while (_chain.Count > bottom)
        {
            var parent = _chain.Pop();
            var isAnd = parent is FilterNode.And;
            if (verdicts.IndexOfAnyExcept(isAnd ? (sbyte)Judgement.No : (sbyte)Judgement.Yes) < 0)
            {
                continue;
            }

            var other = isAnd ? ((FilterNode.And)parent).Right : ((FilterNode.Or)parent).Right;
            if (isAnd && IsTerm(other))
            {
                // What is refused already is not looked at again.
                foreach (ref var verdict in verdicts)
                {
                    verdict = Math.Min(verdict, (sbyte)Judgement.Maybe);
                }

                Refuse(other, verdicts, isInner);
                continue;
            }

            var rented = ArrayPool<sbyte>.Shared.Rent(verdicts.Length);
            var right = rented.AsSpan(0, verdicts.Length);
            Judge(other, right, isInner);
            for (var flow = 0; flow < verdicts.Length; flow++)
            {
                verdicts[flow] = isAnd ? Math.Min(verdicts[flow], right[flow]) : Math.Max(verdicts[flow], right[flow]);
            }

            ArrayPool<sbyte>.Shared.Return(rented);
        }
    }

    private void JudgeMember(FilterNode node, Span<sbyte> verdicts, bool isInner)
    {
        switch (node)
        {
            case FilterNode.Not not:
                Judge(not.Operand, verdicts, isInner);
                foreach (ref var verdict in verdicts)
                {
                    verdict = (sbyte)-verdict;
                }

                break;
            case FilterNode.Flow term:
                var bit = _terms.BitOf(term);
                for (var flow = 0; flow < verdicts.Length; flow++)
                {
                    verdicts[flow] = (_truths![flow] & bit) != 0 ? (sbyte)Judgement.Yes : (sbyte)Judgement.No;
                }

                break;
            case FilterNode.Inner inner:
                Judge(inner.Operand, verdicts, isInner: true);
                break;
            default:
                verdicts.Clear(); // maybe
                Refuse(node, verdicts, isInner);
                break;
        }
    }

    private static bool IsTerm(FilterNode node) =>
        node is not (FilterNode.And or FilterNode.Or or FilterNode.Not or FilterNode.Flow or FilterNode.Inner);

    private void Refuse(FilterNode term, Span<sbyte> verdicts, bool isInner)
    {
        if (_isPlain || isInner || SegmentJudge.IsOfNoPlace(term))
        {
            _judge.Refuse(term, verdicts, isInner);
        }
    }
}

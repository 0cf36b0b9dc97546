// The expression of a query, split in two: terms that ask for facts of flows are answered by the index, once for each flow;
// what is left is compiled for frames, once for each combination of answers that occurs. In: the operator's text. A few
// dozen combinations are kept; more are compiled again. One thread.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Filter.Tree;

namespace Tapline.Record.Extract;

/// <summary>A query's expression.</summary>
public sealed class ExtractFilter
{
    private const int ResidualsMax = 64;
    private readonly FilterTree _tree;
    private readonly Dictionary<ulong, CompiledFilter?> _residuals = [];
    private FilterDirectory _directory = FilterDirectory.Empty;
    private ulong _lastTruths;
    private CompiledFilter? _last;

    private ExtractFilter(FilterTree tree, FlowTerms terms, bool needsDirectory)
    {
        _tree = tree;
        Terms = terms;
        NeedsDirectory = needsDirectory;
        _last = Of(0);
    }

    /// <summary>Selects every frame.</summary>
    public static ExtractFilter Everything => new(FilterTree.Everything, FlowTerms.Find(null, out _)!, needsDirectory: false);

    /// <summary>True when every frame is selected without looking.</summary>
    public bool IsEverything => _tree.IsEverything;

    /// <summary>True when it asks for facts of flows.</summary>
    public bool AsksFlows => Terms.Count > 0;

    /// <summary>True when it names machines, points or tags.</summary>
    public bool NeedsDirectory { get; }

    internal FilterNode? Root => _tree.Root;

    internal FlowTerms Terms { get; }

    /// <summary>Compiles a text; null with one sentence when it is wrong, or asks for what recordings do not know.</summary>
    public static ExtractFilter? Compile(string expression, out string? error)
    {
        if (FilterTree.Parse(expression, out var mistakes) is not { } tree)
        {
            error = FilterMistake.Sentence(expression.Trim(), mistakes);
            return null;
        }

        if (FlowTerms.Find(tree.Root, out error) is not { } terms)
        {
            return null;
        }

        // Whether the rest makes sense is judged with terms that some frames satisfy, each by itself: a rest that selects nothing for
        // certain answers is no mistake.
        var bit = 0;
        var probe = Compile(tree, terms, term => new FilterNode.Relation(
            new FilterValue.Binary(
                Arithmetic.And, new FilterValue.Length(term.Column), new FilterValue.Number(1u << (bit++ % 32), term.Column), term.Column),
            Comparison.NotEqual, new FilterValue.Number(0, term.Column), term.Column), out error);
        return probe is null ? null : new ExtractFilter(tree, terms, probe.NeedsDirectory);
    }

    /// <summary>Lets names stand for what the directory says.</summary>
    internal void Bind(FilterDirectory directory)
    {
        _directory = directory;
        foreach (var residual in _residuals.Values)
        {
            residual?.Bind(directory);
        }
    }

    /// <summary>True when the frame is selected, for these truths of its flow.</summary>
    internal bool Matches(ulong truths, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (truths != _lastTruths)
        {
            _last = Of(truths);
            _lastTruths = truths;
        }

        return _last is not null && _last.Matches(meta, layout, frame);
    }

    // Null = nothing is selected with these answers.
    private CompiledFilter? Of(ulong truths)
    {
        if (_residuals.TryGetValue(truths, out var known))
        {
            return known;
        }

        if (_residuals.Count >= ResidualsMax)
        {
            _residuals.Clear();
        }

        // An answered term stays in the tree as a comparison of two numbers, so that what stands beside it keeps its place.
        var residual = Compile(_tree, Terms, term => new FilterNode.Relation(
            new FilterValue.Number(0, term.Column), Comparison.Equal,
            new FilterValue.Number((truths & Terms.BitOf(term)) != 0 ? 0u : 1u, term.Column), term.Column), out _);
        residual?.Bind(_directory);
        _residuals.Add(truths, residual);
        return residual;
    }

    private static CompiledFilter? Compile(
        FilterTree tree, FlowTerms terms, Func<FilterNode.Flow, FilterNode> answer, out string? error) => CompiledFilter.Compile(
            terms.Count == 0 ? tree : tree.With(TreeWalk.Replace(tree.Root!, answer)), LinkType.Ethernet, out error);
}

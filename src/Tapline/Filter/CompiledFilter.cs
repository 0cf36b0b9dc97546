// From the operator's text to a yes or no for each frame. One program per link type, because an expression's offsets
// differ by link type; all are made at once, so that a worker never compiles. Programs are immutable and shared by the
// workers; what names stand for is a binding that the control thread swaps while they run.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter.Lowering;
using Tapline.Filter.Matching;
using Tapline.Filter.Tree;

namespace Tapline.Filter;

/// <summary>A filter expression, compiled. Any thread; no allocation per frame.</summary>
public sealed class CompiledFilter
{
    private static readonly LinkType[] s_linkTypes = Enum.GetValues<LinkType>();

    private readonly LinkType _linkType;
    private readonly FrameMatcher? _matcher;
    private readonly FrameMatcher?[] _others;
    private readonly List<FilterNode> _names;
    private DirectoryBinding _binding;

    private CompiledFilter(
        FilterTree tree, LinkType linkType, FrameMatcher? matcher, FrameMatcher?[] others, List<FilterNode> names)
    {
        Tree = tree;
        _linkType = linkType;
        _matcher = matcher;
        _others = others;
        _names = names;
        _binding = DirectoryBinding.Make(names, FilterDirectory.Empty);
    }

    /// <summary>Selects every frame.</summary>
    public static CompiledFilter Everything { get; } = new(FilterTree.Everything, LinkType.Ethernet, null, [], []);

    /// <summary>The parsed text, for back ends in the kernel and for later stages.</summary>
    public FilterTree Tree { get; }

    /// <summary>The text as given, without blanks around it; empty = everything.</summary>
    public string Expression => Tree.Text;

    /// <summary>True when every frame is selected without looking.</summary>
    public bool IsEverything => _matcher is null;

    /// <summary>True when it names machines, points or tags: until a directory is bound they stand for nothing.</summary>
    public bool NeedsDirectory => _names.Count > 0;

    /// <summary>
    /// Compiles <paramref name="expression"/>. An empty one selects everything. Null and one sentence in
    /// <paramref name="error"/> when the text is wrong or asks for what no frame tells.
    /// </summary>
    /// <param name="expression">Text of the language (docs/operator/09-expressions.md).</param>
    /// <param name="linkType">
    /// The link type for which the text must make sense. Frames of another link type are matched too where the
    /// text makes sense for them; where it does not, they are not selected.
    /// </param>
    /// <param name="error">What is wrong, as a sentence that names all mistakes and their columns.</param>
    public static CompiledFilter? Compile(string? expression, LinkType linkType, out string? error)
    {
        error = null;
        if (FilterTree.Parse(expression, out var mistakes) is not { } tree)
        {
            error = FilterMistake.Sentence(expression!.Trim(), mistakes);
            return null;
        }

        return Compile(tree, linkType, out error);
    }

    /// <summary>Compiles a tree, likewise.</summary>
    public static CompiledFilter? Compile(FilterTree tree, LinkType linkType, out string? error)
    {
        ArgumentNullException.ThrowIfNull(tree);
        error = null;
        if (tree.IsEverything)
        {
            return Everything;
        }

        var names = new List<FilterNode>();
        if (Make(tree, linkType, names, out var mistake) is not { } matcher)
        {
            error = FilterMistake.Sentence(tree.Text, [mistake!]);
            return null;
        }

        var others = new FrameMatcher?[s_linkTypes.Length];
        for (var i = 0; i < others.Length; i++)
        {
            others[i] = s_linkTypes[i] == linkType ? matcher : Make(tree, s_linkTypes[i], names, out _);
        }

        return new CompiledFilter(tree, linkType, matcher, others, names);
    }

    /// <summary>
    /// Lets names stand for what the directory says from the next frame on. Control thread; nothing is compiled anew.
    /// </summary>
    public void Bind(FilterDirectory directory)
    {
        if (NeedsDirectory)
        {
            Volatile.Write(ref _binding, DirectoryBinding.Make(_names, directory));
        }
    }

    /// <summary>True when the frame is selected.</summary>
    public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var matcher = _matcher;
        if (matcher is null)
        {
            return true;
        }

        if (meta.LinkType != _linkType && (matcher = MatcherFor(meta.LinkType)) is null)
        {
            return false;
        }

        // `len` is the length that the frame had, not what was kept of it; for a super-frame the length of the whole.
        return matcher.Matches(meta, layout, frame, Volatile.Read(ref _binding));
    }

    private static FrameMatcher? Make(FilterTree tree, LinkType linkType, List<FilterNode> names, out FilterMistake? mistake) =>
        FilterProgram.Make(tree, linkType, out mistake) is { } program ? new FrameMatcher(program, names) : null;

    private FrameMatcher? MatcherFor(LinkType linkType)
    {
        for (var i = 0; i < s_linkTypes.Length; i++)
        {
            if (s_linkTypes[i] == linkType)
            {
                return _others[i];
            }
        }

        return null;
    }
}

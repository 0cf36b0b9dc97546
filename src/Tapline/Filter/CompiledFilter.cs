// From the operator's text to a yes or no for each frame. For now libpcap compiles pcap-filter(7) text to classic BPF
// and our own machine runs it; the seam (`Matches`) stays when Tapline's own language replaces the compiler. One
// program per link type, because an expression's offsets differ by link type. Immutable: workers share one instance.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Filter;

/// <summary>A filter expression, compiled. Any thread; no allocation per frame.</summary>
public sealed class CompiledFilter
{
    private static readonly LinkType[] s_linkTypes = Enum.GetValues<LinkType>();

    private readonly LinkType _linkType;
    private readonly CbpfProgram? _program;
    private readonly CbpfProgram?[] _others;

    private CompiledFilter(string expression, LinkType linkType, CbpfProgram? program, CbpfProgram?[] others)
    {
        Expression = expression;
        _linkType = linkType;
        _program = program;
        _others = others;
    }

    /// <summary>Selects every frame.</summary>
    public static CompiledFilter Everything { get; } = new("", LinkType.Ethernet, null, []);

    /// <summary>The text as given, without blanks around it; empty = everything.</summary>
    public string Expression { get; }

    /// <summary>True when every frame is selected without looking.</summary>
    public bool IsEverything => _program is null;

    /// <summary>
    /// Compiles <paramref name="expression"/>. An empty one selects everything. Null and one sentence in
    /// <paramref name="error"/> when the text is wrong or the compiler is missing.
    /// </summary>
    /// <param name="expression">pcap-filter(7) text.</param>
    /// <param name="linkType">
    /// The link type for which the text must make sense. Frames of another link type are matched too where the
    /// text makes sense for them; where it does not, they are not selected.
    /// </param>
    /// <param name="error">What is wrong, as a sentence.</param>
    public static CompiledFilter? Compile(string? expression, LinkType linkType, out string? error)
    {
        error = null;
        var text = expression?.Trim() ?? "";
        if (text.Length == 0)
        {
            return Everything;
        }

        if (CompileOne(text, linkType, out error) is not { } program)
        {
            return null;
        }

        var others = new CbpfProgram?[s_linkTypes.Length];
        for (var i = 0; i < others.Length; i++)
        {
            others[i] = s_linkTypes[i] == linkType ? program : CompileOne(text, s_linkTypes[i], out _);
        }

        return new CompiledFilter(text, linkType, program, others);
    }

    /// <summary>True when the frame is selected.</summary>
    public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var program = _program;
        if (program is null)
        {
            return true;
        }

        if (meta.LinkType != _linkType && (program = ProgramFor(meta.LinkType)) is null)
        {
            return false;
        }

        // `len` is the length that the frame had, not what was kept of it; for a super-frame the length of the whole.
        return CbpfInterpreter.Run(program, frame, (uint)meta.OriginalLength) != 0;
    }

    private CbpfProgram? ProgramFor(LinkType linkType)
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

    private static CbpfProgram? CompileOne(string text, LinkType linkType, out string? error)
    {
        var instructions = Libpcap.Compile(text, ToDlt(linkType), out error);
        return instructions is null ? null : CbpfProgram.TryLoad(instructions, out error);
    }

    // Files number link types as LINKTYPE_, libpcap's calls as DLT_; of ours only raw IP differs (DLT_RAW is 12 on
    // Linux).
    private static int ToDlt(LinkType linkType) => linkType == LinkType.Raw ? 12 : (int)linkType;
}

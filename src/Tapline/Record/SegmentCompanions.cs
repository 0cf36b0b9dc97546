// The files that belong to a segment: same name, another ending. They count in the budget and go with it. A companion
// becomes visible before its segment, so that whoever finds the segment finds them too.
namespace Tapline.Record;

/// <summary>Endings of companion files.</summary>
internal static class SegmentCompanions
{
    /// <summary>The flow index of a segment.</summary>
    public static ReadOnlySpan<byte> Index => ".tlx"u8;

    /// <summary>The signed seal of a segment (Record/Evidence).</summary>
    public static ReadOnlySpan<byte> Seal => ".sig"u8;

    /// <summary>How many kinds there are.</summary>
    public const int Kinds = 2;

    /// <summary>The ending of a kind.</summary>
    public static ReadOnlySpan<byte> Ending(int kind) => kind == 0 ? Index : Seal;

    /// <summary>Reads a companion's name; false for other files. The segment may be gone.</summary>
    public static bool TryParse(string fileName, out SegmentName segment)
    {
        segment = default;
        var dot = fileName.LastIndexOf('.');
        return dot > 0 && fileName.AsSpan(dot) is ".tlx" or ".sig"
            && SegmentName.TryParse(string.Concat(fileName.AsSpan(0, dot), SegmentName.Extension), out segment, out var isHidden)
            && !isHidden;
    }
}

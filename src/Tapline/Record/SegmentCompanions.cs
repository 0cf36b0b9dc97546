// The files that belong to a segment: same name, another ending. They count in the budget and go with it. A companion
// becomes visible before its segment, so that whoever finds the segment finds them too.
using Tapline.Base;
using Tapline.Base.Native;

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

    /// <summary>What a segment's companions take on disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="name">The segment.</param>
    /// <param name="path">A path in its folder, changed.</param>
    /// <param name="indexBytes">Of it, the index.</param>
    public static long BytesOf(DiskCalls disk, in SegmentName name, PathBuffer path, out long indexBytes)
    {
        long bytes = indexBytes = 0;
        for (var kind = 0; kind < Kinds; kind++)
        {
            name.AddTo(path.Reset(), isHidden: false, Ending(kind));
            var length = Math.Max(0, disk.LengthOf(path.Path));
            bytes += length;
            indexBytes = Ending(kind).SequenceEqual(Index) ? length : indexBytes;
        }

        return bytes;
    }

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

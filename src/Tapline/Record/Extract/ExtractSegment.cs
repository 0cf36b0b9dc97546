// One segment of a recording as a query plans it: its file, its name, what its end says.
using Tapline.Record.Summary;

namespace Tapline.Record.Extract;

/// <summary>A segment that a query may have to read. Immutable but for its path, which a rename changes.</summary>
internal sealed class ExtractSegment
{
    public required string Folder { get; init; }

    public required string File { get; init; }

    /// <summary>The class whose segment it is; empty = the default one.</summary>
    public string Class { get; init; } = "";

    public required SegmentName Name { get; init; }

    /// <summary>It is under way: its end is not written yet.</summary>
    public required bool IsHidden { get; init; }

    /// <summary>Length when it was listed, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Its own account; null = none (under way, or cut short).</summary>
    public SegmentEnd? End { get; init; }

    /// <summary>What the folder's summary says of it; null = nothing.</summary>
    public SegmentSummary? Summary { get; init; }

    public string Path => System.IO.Path.Combine(Folder, File);

    /// <summary>Where it is after it was finished while the query ran.</summary>
    public string PathWhenFinished => System.IO.Path.Combine(Folder, File.TrimStart('.'));

    /// <summary>The latest time that a frame of it can have, as far as it says so.</summary>
    public long LatestNs => End is { IsRecovered: false } end ? end.EndNs : long.MaxValue;
}

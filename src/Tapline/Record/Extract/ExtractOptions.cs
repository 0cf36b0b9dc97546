// What is to be taken out of a recording.
namespace Tapline.Record.Extract;

/// <summary>A query over a recording.</summary>
public sealed record ExtractOptions
{
    /// <summary>The recording's folder (DATA/recording).</summary>
    public required string Folder { get; init; }

    /// <summary>Frames that are wanted.</summary>
    public ExtractFilter Filter { get; init; } = ExtractFilter.Everything;

    /// <summary>Indexes are used where they are sound; false = every packet of the window is read.</summary>
    public bool UseIndex { get; init; } = true;

    /// <summary>Makes the index of a finished segment that has none (its path), where the expression asks for facts of flows;
    /// false when it can't. Null = such segments can't be judged.</summary>
    public Func<string, bool>? MakeIndex { get; init; }

    /// <summary>The first time that is wanted, ns since the epoch.</summary>
    public long SinceNs { get; init; } = long.MinValue;

    /// <summary>The first time that is not wanted any more.</summary>
    public long UntilNs { get; init; } = long.MaxValue;

    /// <summary>Frames after which the query ends.</summary>
    public long Limit { get; init; } = long.MaxValue;

    /// <summary>Frames come in the order of time; false = in any order, which is faster.</summary>
    public bool IsOrdered { get; init; } = true;

    /// <summary>How far behind its segment's latest frame one may stand and still find its place, ns. Also the margin by
    /// which segments are read beyond the window.</summary>
    public long DisorderNs { get; init; } = 2_000_000_000;

    /// <summary>Memory for frames that wait for their place, in bytes.</summary>
    public int WaitingBytesMax { get; init; } = 64 << 20;
}

// One thing that is not as it was sealed, with its place.
namespace Tapline.Record.Evidence;

/// <summary>What kind of thing.</summary>
public enum FindingKind
{
    /// <summary>Bytes of a segment differ.</summary>
    Altered,

    /// <summary>A segment is shorter than it was.</summary>
    Cut,

    /// <summary>A segment is longer than it was.</summary>
    Grown,

    /// <summary>A segment is gone, and no rule removed it.</summary>
    Missing,

    /// <summary>A segment has no seal.</summary>
    Unsealed,

    /// <summary>A seal can't be believed: its text, signature or key.</summary>
    Seal,

    /// <summary>A sealed segment that is not of this recording, or not at its place in it.</summary>
    Foreign,

    /// <summary>An index that its segment's packets do not give.</summary>
    Index,

    /// <summary>The folder's summary says something else than a segment and its index: queries may not find what is there.</summary>
    Summary,

    /// <summary>The journal is missing, can't be believed, or is an older one.</summary>
    Journal,

    /// <summary>Something could not be read.</summary>
    Unreadable,
}

/// <summary>What was found.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Sentence">What, and what it may mean.</param>
public sealed record VerifyFinding(FindingKind Kind, string Sentence)
{
    /// <summary>The file, relative to the recording; null = none.</summary>
    public string? File { get; init; }

    /// <summary>Where in the file it begins and ends; null = not known, or everywhere.</summary>
    public long? OffsetFirst { get; init; }

    /// <summary>The last byte.</summary>
    public long? OffsetLast { get; init; }

    /// <summary>The time that is concerned, ns since the epoch; null = not known.</summary>
    public long? SinceNs { get; init; }

    /// <summary>Its end.</summary>
    public long? UntilNs { get; init; }
}

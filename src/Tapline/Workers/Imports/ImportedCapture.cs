// One capture of an import: which file it was, what was in it, what of it could not be read. Goes into the import's own account.
namespace Tapline.Workers.Imports;

/// <summary>A capture that was, or is being, imported. Names are hostile text.</summary>
public sealed record ImportedCapture
{
    /// <summary>Its path as given, or "-".</summary>
    public required string File { get; init; }

    /// <summary>Length of the file, bytes; 0 for standard input.</summary>
    public long Bytes { get; init; }

    /// <summary>SHA-256 of the file, hexadecimal; null for standard input.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Frames that could be read, wanted or not.</summary>
    public long Frames { get; init; }

    /// <summary>Of these: wanted.</summary>
    public long Wanted { get; init; }

    /// <summary>Of the frames: those behind a later one in the file.</summary>
    public long OutOfOrder { get; init; }

    /// <summary>Time of the earliest and of the latest frame, ns; without frames the latest is before the earliest.</summary>
    public long FirstNs { get; init; } = long.MaxValue;

    public long LastNs { get; init; } = long.MinValue;

    /// <summary>What its wanted frames will take of a segment, bytes.</summary>
    public long SegmentBytes { get; init; }

    /// <summary>Why the rest can't be read, as one sentence; null = nothing is missing.</summary>
    public string? Fault { get; init; }

    /// <summary>True when it comes by a pipe: it can be read once, and nothing is known of it beforehand.</summary>
    public bool IsPipe => File == "-";
}

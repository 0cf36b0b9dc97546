// What is to be verified, and by whose keys.
namespace Tapline.Record.Evidence;

/// <summary>How a recording is verified.</summary>
public sealed record VerifyOptions
{
    /// <summary>The recording's folder; folders in it that hold segments are verified too.</summary>
    public required string Folder { get; init; }

    /// <summary>Keys that are trusted.</summary>
    public required PublicKeys Keys { get; init; }

    /// <summary>Packets from this time on are checked, ns since the epoch. Seals and chains always are, as a whole.</summary>
    public long SinceNs { get; init; } = long.MinValue;

    /// <summary>The first time that is not wanted any more.</summary>
    public long UntilNs { get; init; } = long.MaxValue;

    /// <summary>A journal that was kept elsewhere: the recording must go on from it. Null = none.</summary>
    public string? Anchor { get; init; }

    /// <summary>Makes the index of a segment (its path) anew at another path, so that one that no seal covers is compared;
    /// null = such indexes are not checked.</summary>
    public Func<string, string, bool>? MakeIndex { get; init; }

    /// <summary>Segments that are read at once.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;
}

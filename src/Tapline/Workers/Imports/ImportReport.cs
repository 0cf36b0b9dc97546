// What an import came to: what the terminal, --json and the import's own account (import.json) say.
namespace Tapline.Workers.Imports;

/// <summary>The account of a finished import. Immutable.</summary>
public sealed record ImportReport
{
    /// <summary>Its name, which is that of its folder.</summary>
    public required string Name { get; init; }

    /// <summary>When it was made, ns since the epoch.</summary>
    public required long MadeNs { get; init; }

    /// <summary>How long it is kept from then on, ns; 0 = until somebody removes it.</summary>
    public long KeepNs { get; init; }

    /// <summary>The filter that chose the frames; null = everything.</summary>
    public string? Filter { get; init; }

    /// <summary>The captures, in the order in which they were named.</summary>
    public required IReadOnlyList<ImportedCapture> Captures { get; init; }

    /// <summary>Frames in the recording now.</summary>
    public long Frames { get; init; }

    /// <summary>Frames that were not wanted.</summary>
    public long Filtered { get; init; }

    /// <summary>Frames that stand behind a later one nevertheless: so far behind that they lie in segments of their own.</summary>
    public long TimeSteps { get; init; }

    public int Segments { get; init; }

    public int Points { get; init; }

    /// <summary>Bytes of segments and indexes.</summary>
    public long Bytes { get; init; }

    /// <summary>Time of the earliest and of the latest frame imported, ns; both 0 without frames.</summary>
    public long FirstNs { get; init; }

    public long LastNs { get; init; }
}

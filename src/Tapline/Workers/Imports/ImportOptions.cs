// What an import of captures is to do, as the command line decided it. Plain data.
using Tapline.Filter;
using Tapline.Record.Evidence;

namespace Tapline.Workers.Imports;

/// <summary>Orders for <see cref="CaptureImport"/>.</summary>
public sealed record ImportOptions
{
    /// <summary>Captures in any order; "-" is standard input.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>The recording's folder (DATA/recording); made where it is missing.</summary>
    public required string Recording { get; init; }

    /// <summary>The import's name; null = made of the first capture's.</summary>
    public string? Name { get; init; }

    /// <summary>Disk space that all imports of the recording may take together; 0 = what the disk has.</summary>
    public long BudgetBytes { get; init; }

    /// <summary>How long the import is kept from now on, ns; 0 = until somebody removes it.</summary>
    public long KeepNs { get; init; }

    /// <summary>Frames that are wanted.</summary>
    public CompiledFilter Filter { get; init; } = CompiledFilter.Everything;

    /// <summary>The filter as text; null = everything.</summary>
    public string? FilterText { get; init; }

    /// <summary>How its segments are sealed; null = they are not.</summary>
    public EvidenceOptions? Evidence { get; init; }

    /// <summary>Captures that were imported before are taken again.</summary>
    public bool TakesAgain { get; init; }
}

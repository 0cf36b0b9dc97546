// One chain of seals: those of one worker in one folder, over all restarts. Its last link stands in the journal, so that a tail
// that was cut off is missed. Owned by FolderEvidence, under its lock.
namespace Tapline.Record.Evidence;

/// <summary>Where a chain stands.</summary>
internal sealed class SealChain
{
    /// <summary>A random number that tells this chain from those of other folders and nodes.</summary>
    public required UInt128 Id { get; init; }

    public required ushort Worker { get; init; }

    /// <summary>The first sequence for whose removals the journal vouches; above 1 when the journal was lost and made anew.</summary>
    public long From { get; init; } = 1;

    /// <summary>When the chain, or its journal, began; ns since the epoch.</summary>
    public required long BeganNs { get; init; }

    /// <summary>Sequence of the next seal.</summary>
    public long Next { get; set; } = 1;

    /// <summary>Link of the last seal; zeros when there is none.</summary>
    public Hash256 Tip { get; set; }
}

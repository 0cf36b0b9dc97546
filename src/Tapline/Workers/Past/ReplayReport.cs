// What a replay came to. Figures move while it runs; read = offered + unplayed, and offered is the ledger's.
using Tapline.Mirror;
using Tapline.Store;

namespace Tapline.Workers.Past;

/// <summary>The account of a replay. Frames as recorded; times in ns.</summary>
public sealed record ReplayReport
{
    /// <summary>Frames that were read and selected.</summary>
    public long Read { get; init; }

    /// <summary>Frames that were looked at: more than were read where the expression or the window left some out.</summary>
    public long Examined { get; init; }

    /// <summary>Bytes of the source that were read, and of all of it (0 = unknown).</summary>
    public long ReadBytes { get; init; }

    public long TotalBytes { get; init; }

    /// <summary>Passes that were begun.</summary>
    public int Passes { get; init; }

    /// <summary>What became of what was read.</summary>
    public MirrorLedgerRecord Ledger { get; init; }

    /// <summary>Read, of a point that was not wanted.</summary>
    public long OtherPoints { get; init; }

    /// <summary>Read and not offered to the target any more: it was stopped.</summary>
    public long Unplayed => Read - OtherPoints - Ledger.Offered;

    /// <summary>How much later than due frames were offered; 0 without a pace.</summary>
    public long LateMaxNs { get; init; }

    public long LateMeanNs { get; init; }

    public long DurationNs { get; init; }

    /// <summary>Recorded frames that stand behind a later one, because putting them right took more memory than allowed.</summary>
    public long OutOfOrder { get; init; }

    /// <summary>A signal ended it, or the target went for good.</summary>
    public bool IsStopped { get; init; }

    public bool IsLimited { get; init; }

    /// <summary>Managed bytes that the sending thread allocated while it played.</summary>
    public long SenderAllocatedBytes { get; init; }

    /// <summary>The target's clients at the end, where it serves some.</summary>
    public IReadOnlyList<StreamClient> Clients { get; init; } = [];

    /// <summary>What the source lacks of what was asked for, one sentence each.</summary>
    public IReadOnlyList<string> Holes { get; init; } = [];

    /// <summary>What could not be read, one sentence each.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];
}

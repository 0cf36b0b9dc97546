// A mirror session as the operator ordered it: from the command line, the configuration or the engine's socket.
using Tapline.Mirror.Kernel;

namespace Tapline.Workers;

/// <summary>One mirror session as ordered.</summary>
public sealed record MirrorPlan
{
    /// <summary>The session's name in ledgers (<c>m1</c>, …).</summary>
    public required string Session { get; init; }

    /// <summary>Source points; empty = all points of the engine.</summary>
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>The target, e.g. <c>nic:eth2</c>.</summary>
    public required string To { get; init; }

    /// <summary>Filter expression; null = every frame.</summary>
    public string? Filter { get; init; }

    /// <summary>Bytes kept of each frame; 0 = whole frames.</summary>
    public int SliceBytes { get; init; }

    /// <summary>Kernel path or user path.</summary>
    public MirrorMode Mode { get; init; }

    /// <summary>One frame in so many of those selected is copied; 1 = all.</summary>
    public int SampleOneIn { get; init; } = 1;

    /// <summary>True when both order the same: a session is left alone then.</summary>
    public bool Equals(MirrorPlan? other) => other is not null
        && Session == other.Session && To == other.To && Filter == other.Filter && SliceBytes == other.SliceBytes
        && Mode == other.Mode && SampleOneIn == other.SampleOneIn
        && From.SequenceEqual(other.From);

    public override int GetHashCode() => HashCode.Combine(Session, To, Filter, SliceBytes, Mode, SampleOneIn, From.Count);
}

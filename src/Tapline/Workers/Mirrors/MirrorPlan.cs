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

    /// <summary>
    /// What is done to each copy, in the words of <see cref="Mirror.Shape.ShapeParser"/> separated by semicolons, e.g.
    /// <c>slice=128;sample=flow:1/10</c>; null = nothing.
    /// </summary>
    public string? Shape { get; init; }

    /// <summary>Kernel path or user path.</summary>
    public MirrorMode Mode { get; init; }

    /// <summary>The moment from which the engine's own recording is played first, ns since the epoch; null = live only.</summary>
    public long? SinceNs { get; init; }

    /// <summary>When that was ordered: a frame of <see cref="SinceNs"/> is due then, so that a delay line has the delay that was asked for,
    /// however long the order took. 0 = when the session begins.</summary>
    public long OrderedNs { get; init; }

    /// <summary>How fast: 2 = twice as fast as it was, 0 = as fast as the target takes it. Up to 1 the session never gets to the
    /// present: it is a delay line.</summary>
    public double Speed { get; init; }

    /// <summary>True when both order the same: a session is left alone then.</summary>
    public bool Equals(MirrorPlan? other) => other is not null
        && Session == other.Session && To == other.To && Filter == other.Filter && Shape == other.Shape
        && Mode == other.Mode && SinceNs == other.SinceNs && Speed.Equals(other.Speed) && From.SequenceEqual(other.From);

    public override int GetHashCode() => HashCode.Combine(Session, To, Filter, Shape, Mode, From.Count);
}

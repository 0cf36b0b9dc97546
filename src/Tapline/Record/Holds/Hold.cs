// One hold: a window of time whose segments must stay, with who wants it and why. Immutable.
namespace Tapline.Record.Holds;

/// <summary>A window of a recording that retention leaves alone.</summary>
public sealed record Hold
{
    /// <summary>Its number; unique in the recording's life.</summary>
    public required long Id { get; init; }

    /// <summary>First moment, ns since the epoch.</summary>
    public required long SinceNs { get; init; }

    /// <summary>Last moment, ns since the epoch; may lie ahead.</summary>
    public required long UntilNs { get; init; }

    /// <summary>Who asked for it. Hostile text.</summary>
    public required string By { get; init; }

    /// <summary>What for. Hostile text.</summary>
    public required string Why { get; init; }

    /// <summary>When it was made, ns since the epoch.</summary>
    public required long AddedNs { get; init; }

    /// <summary>When it ceases to hold anything, ns since the epoch; 0 = never by itself.</summary>
    public long ExpiresNs { get; init; }

    /// <summary>True when it holds at this time.</summary>
    public bool IsInForce(long nowNs) => ExpiresNs == 0 || nowNs < ExpiresNs;
}

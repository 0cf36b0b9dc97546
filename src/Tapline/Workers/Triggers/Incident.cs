// One incident: a trigger rang, and the packets around that moment are to be kept and given out. Written beside its extract as JSON,
// so that nothing is forgotten when the engine ends before the window has passed.
namespace Tapline.Workers.Triggers;

/// <summary>How far an incident has got.</summary>
public enum IncidentState
{
    /// <summary>The window has not passed, or the extract is still being made.</summary>
    Open,

    /// <summary>The extract lies beside it.</summary>
    Extracted,

    /// <summary>There is no extract; <see cref="Incident.Problem"/> says why. The hold protects the packets.</summary>
    Failed,
}

/// <summary>One incident. Immutable; times in ns since the epoch.</summary>
public sealed record Incident
{
    /// <summary>File name without ending: the trigger and the time.</summary>
    public required string Name { get; init; }

    public required string Trigger { get; init; }

    /// <summary>The expression that rang. Hostile text for whoever prints it.</summary>
    public required string When { get; init; }

    /// <summary>Time of the frame that rang.</summary>
    public required long AtNs { get; init; }

    /// <summary>First moment that is given out.</summary>
    public required long SinceNs { get; init; }

    /// <summary>First moment that is not.</summary>
    public required long UntilNs { get; init; }

    /// <summary>Which packets of the window: an expression; empty = all.</summary>
    public required string Query { get; init; }

    /// <summary>The flow that rang, for people; null = none.</summary>
    public string? Flow { get; init; }

    /// <summary>Its hold; 0 = none could be made, <see cref="Problem"/> says why.</summary>
    public long Hold { get; init; }

    public IncidentState State { get; init; }

    /// <summary>What went wrong, one sentence; null = nothing.</summary>
    public string? Problem { get; init; }
}

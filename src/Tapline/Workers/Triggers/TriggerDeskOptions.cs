// What a trigger desk works with.
namespace Tapline.Workers.Triggers;

/// <summary>Makes an incident's extract; null = done, else one sentence. Called on the desk's thread, and ends when asked to.</summary>
/// <param name="incident">The window and the expression.</param>
/// <param name="file">The pcapng file to make.</param>
/// <param name="stop">Signalled when the engine ends.</param>
public delegate string? IncidentExtract(Incident incident, string file, WaitHandle stop);

/// <summary>The desk's surroundings. Immutable.</summary>
internal sealed record TriggerDeskOptions
{
    public required IReadOnlyList<TriggerPlan> Plans { get; init; }

    /// <summary>The recording whose windows are held.</summary>
    public required string Recording { get; init; }

    /// <summary>Where incidents and extracts go.</summary>
    public required string Folder { get; init; }

    public required IncidentExtract Extract { get; init; }

    /// <summary>One sentence for the operator, hostile text included.</summary>
    public required Action<string> Tell { get; init; }
}

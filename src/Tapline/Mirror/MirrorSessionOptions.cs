// What one mirror session is to do. Made once per session, shared by the workers' instances.
using Tapline.Filter;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror;

/// <summary>A mirror session as decided by the operator.</summary>
public sealed record MirrorSessionOptions
{
    /// <summary>Number of the session in ledger rows.</summary>
    public required ushort Id { get; init; }

    /// <summary>Name of the session in ledgers and messages.</summary>
    public required string Name { get; init; }

    /// <summary>Where the copies go.</summary>
    public required MirrorTarget Target { get; init; }

    /// <summary>Which frames are copied.</summary>
    public CompiledFilter Filter { get; init; } = CompiledFilter.Everything;

    /// <summary>Secret of the engine's canaries; 0 = none are known.</summary>
    public ulong CanarySecret { get; init; }

    /// <summary>What is done to a copy on its way; null = nothing.</summary>
    public ShapePlan? Shape { get; init; }

    /// <summary>
    /// False: only frames of points named by <see cref="MirrorSession.SelectPoint"/> are offered. True: all points.
    /// </summary>
    public bool AllPoints { get; init; } = true;
}

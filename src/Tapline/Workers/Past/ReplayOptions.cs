// What is to be replayed, how fast and where to. Plain data.
namespace Tapline.Workers.Past;

/// <summary>The orders of a replay.</summary>
public sealed record ReplayOptions
{
    /// <summary>Folder of a recording (DATA/recording); null = <see cref="Files"/>.</summary>
    public string? Recording { get; init; }

    /// <summary>Capture files, one after the other; "-" is standard input.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Source points whose frames are wanted; empty = all.</summary>
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>The target, in the words of a mirror session.</summary>
    public required string To { get; init; }

    /// <summary>Frames that are wanted; null = all.</summary>
    public string? Filter { get; init; }

    /// <summary>What is done to each, in the words of a mirror session; null = nothing.</summary>
    public string? Shape { get; init; }

    /// <summary>1 = as it was, 2 = twice as fast; 0 = as fast as the target takes it.</summary>
    public double Speed { get; init; } = 1;

    /// <summary>The first time that is wanted, ns since the epoch.</summary>
    public long SinceNs { get; init; } = long.MinValue;

    /// <summary>The first time that is not wanted any more.</summary>
    public long UntilNs { get; init; } = long.MaxValue;

    /// <summary>How often it is played; 0 = until it is stopped.</summary>
    public int Passes { get; init; } = 1;

    /// <summary>Frames after which it ends, over all passes.</summary>
    public long Limit { get; init; } = long.MaxValue;

    /// <summary>Makes the index that a finished segment lacks (its path), where the expression asks for facts of flows.</summary>
    public Func<string, bool>? MakeIndex { get; init; }

    /// <summary>Ends early when the target has gone for good.</summary>
    internal bool IsStandardInput => Files.Contains("-");
}

// A trigger of a recording, as the command line or the configuration decided it: what sets it off, and what is protected then.
using Tapline.Base;
using Tapline.Record;

namespace Tapline.Workers.Triggers;

/// <summary>The orders for one trigger.</summary>
public sealed record TriggerPlan
{
    /// <summary>Its name, as strict as a class's: it becomes a part of file names.</summary>
    public required string Name { get; init; }

    /// <summary>Expression over frames, with terms of flows joined by `and`.</summary>
    public required string When { get; init; }

    /// <summary>Time before the match that is protected, ns.</summary>
    public long BeforeNs { get; init; } = 10 * Clock.SecondNs;

    /// <summary>Time after it.</summary>
    public long AfterNs { get; init; } = 30 * Clock.SecondNs;

    /// <summary>The window is the whole flow that matched, and the file has its packets alone; false = all of the window.</summary>
    public bool IsOfFlow { get; init; }

    /// <summary>How long it rests after a match, ns.</summary>
    public long PauseNs { get; init; } = 60 * Clock.SecondNs;

    /// <summary>Matches in an hour that are answered; more are counted as suppressed.</summary>
    public int HourlyMax { get; init; } = 20;

    /// <summary>Holds that it may have at once; beyond, matches are refused until some have expired or been removed.</summary>
    public int HoldsMax { get; init; } = 100;

    /// <summary>How long its holds hold, ns; 0 = until somebody removes them.</summary>
    public long HoldForNs { get; init; } = 30 * 86_400 * Clock.SecondNs;

    /// <summary>Who its holds are by.</summary>
    public string By => $"trigger {Name}";

    /// <summary>What is wrong with a name, or null.</summary>
    public static string? MistakeInName(string name) => ClassFolders.MistakeInName(name, "a trigger's");
}

// One trigger of a recording, as the command line or the configuration decided it: what rings it, and which packets around that
// moment are protected and given out. Plain data.
using Tapline.Base;
using Tapline.Record.Extract;

namespace Tapline.Workers.Triggers;

/// <summary>What of the recording an incident concerns.</summary>
public enum TriggerScope
{
    /// <summary>Every packet of the window.</summary>
    Window,

    /// <summary>The packets of the flow that rang, from its beginning on.</summary>
    Flow,
}

/// <summary>The orders for one trigger. Immutable.</summary>
public sealed record TriggerPlan
{
    /// <summary>Terms of flows that one trigger can have: each combination of their answers is compiled beforehand.</summary>
    public const int FlowTermsMax = 4;

    private const int NameCharactersMax = 32;

    /// <summary>Its name, and the beginning of its files' names; see <see cref="MistakeInName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>What rings it: an expression over frames and over the flow so far (<c>port 5432 and retransmissions > 3</c>).</summary>
    public required string When { get; init; }

    /// <summary>The window begins so long before the frame that rang, ns.</summary>
    public long BeforeNs { get; init; } = 10 * Clock.SecondNs;

    /// <summary>And ends so long after it, ns. Frames that match meanwhile belong to the same incident.</summary>
    public long AfterNs { get; init; } = 30 * Clock.SecondNs;

    /// <summary>What is given out.</summary>
    public TriggerScope Scope { get; init; }

    /// <summary>How long the window is held in the recording, ns; the extract stays as long as its folder's budget allows.</summary>
    public long HoldNs { get; init; } = 24 * 3600 * Clock.SecondNs;

    /// <summary>What is wrong with a name, or null. It becomes a part of a file's name, so it can't be just any text.</summary>
    public static string? MistakeInName(string name) =>
        name.Length is > 0 and <= NameCharactersMax
            && !name.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-_") && name[0] != '-'
            ? null : $"a trigger's name has 1 to {NameCharactersMax} small letters, digits, - and _.";

    /// <summary>What is wrong with the orders, as one sentence; null when nothing is.</summary>
    public string? Mistake()
    {
        if (MistakeInName(Name) is { } mistake)
        {
            return mistake;
        }

        if (ExtractFilter.Compile(When, out var error) is not { } filter)
        {
            return error;
        }

        return filter.IsEverything
                ? $"the trigger {Name} needs an expression that says when it rings, e.g. when=tcp[tcpflags] & tcp-rst != 0."
            : filter.Terms.Count > FlowTermsMax
                ? $"the trigger {Name} asks for {filter.Terms.Count} facts of flows; {FlowTermsMax} are possible."
            : BeforeNs < 0 || AfterNs <= 0 || BeforeNs > Limits.TriggerSpanNsMax || AfterNs > Limits.TriggerSpanNsMax
                ? $"the window of the trigger {Name} reaches from 0 s to an hour before, and from above 0 s to an hour after."
            : null;
    }
}

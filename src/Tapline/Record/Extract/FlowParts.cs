// The parts of one long flow as several indexes know them, by number: what was said of a part first counts, and they add up.
// One thread.
namespace Tapline.Record.Extract;

/// <summary>A part of a flow, and those behind it.</summary>
internal sealed class FlowParts
{
    private readonly FlowFacts _facts;
    private FlowParts? _next;

    private FlowParts(FlowFacts facts, FlowParts? next) => (_facts, _next) = (facts, next);

    /// <summary>True when a part is among them.</summary>
    public static bool Has(FlowParts? first, byte number)
    {
        var part = first;
        while (part is not null && part._facts.Part < number)
        {
            part = part._next;
        }

        return part?._facts.Part == number;
    }

    /// <summary>The parts with one more, if that is new; returns the first.</summary>
    public static FlowParts With(FlowParts? first, FlowFacts facts)
    {
        if (first is null || facts.Part < first._facts.Part)
        {
            return new FlowParts(facts, first);
        }

        if (facts.Part > first._facts.Part)
        {
            first._next = With(first._next, facts);
        }

        return first;
    }

    /// <summary>The whole flow's facts. Once: they are added up in place.</summary>
    public FlowFacts Join(FlowTerms terms)
    {
        for (var part = _next; part is not null; part = part._next)
        {
            terms.Join(_facts, part._facts);
        }

        return _facts;
    }
}

// Leads steps past tests whose outcome is known already: after "the type is IPv4" no second test of the type is made, and
// none for IPv6. Such a test is skipped only where the same bytes have been read on every way that leads to it, so that
// bytes which are missing end the program as before. Skipped too are tests whose both ways lead to the same step, though
// their bytes may be missing: libpcap's optimiser does so, and the same text is to select the same frames.
// Passes go in order of the steps, since they lead forward only.
using Tapline.Base;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Lowering;

/// <summary>Shortens a list of steps in place.</summary>
internal static class StepThreading
{
    // Both bound the time that a text of thousands of terms takes; beyond them a few tests are made twice.
    private const int FactsMax = 24;
    private const int WalkMax = 64;
    private const int PassesMax = 4;

    /// <summary>Threads all steps and leaves out those that no way leads to.</summary>
    public static (List<FilterStep> Steps, int Entry) Run(List<FilterStep> steps)
    {
        var entry = 0;
        for (var pass = 0; pass < PassesMax; pass++)
        {
            (steps, entry) = Shorten(steps, entry);
            if (!DropPointless(steps, ref entry))
            {
                break;
            }
        }

        return Shorten(steps, entry);
    }

    // A step whose ways lead to the same place asks for nothing. From the back, so that its own way is final.
    private static bool DropPointless(List<FilterStep> steps, ref int entry)
    {
        var ways = new int[steps.Count];
        var hasDropped = false;
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var step = steps[i];
            step.WhenTrue = Way(step.WhenTrue);
            step.WhenFalse = Way(step.WhenFalse);
            var isPointless = step.WhenTrue == step.WhenFalse && step.AssignedValue is null;
            ways[i] = isPointless ? step.WhenTrue : i;
            hasDropped |= isPointless;
        }

        entry = Way(entry);
        return hasDropped;

        int Way(int target) => FilterStep.IsExit(target) ? target : ways[target];
    }

    private static (List<FilterStep> Steps, int Entry) Shorten(List<FilterStep> steps, int entry)
    {
        var facts = new Fact[]?[steps.Count];
        var numbers = new Dictionary<CodeValue, int>();
        entry = Walk(steps, entry, [], numbers);
        if (!FilterStep.IsExit(entry))
        {
            facts[entry] = [];
        }

        for (var i = 0; i < steps.Count; i++)
        {
            if (facts[i] is not { } known)
            {
                continue;
            }

            var step = steps[i];
            step.WhenTrue = Follow(steps, step.WhenTrue, Learn(known, step, true, numbers), facts, numbers);
            step.WhenFalse = step.AssignedValue is not null
                ? step.WhenTrue : Follow(steps, step.WhenFalse, Learn(known, step, false, numbers), facts, numbers);
            Invariant.Check(step.WhenTrue > i && step.WhenFalse > i);
        }

        return Reached(steps, entry, facts);
    }

    private static int Follow(
        List<FilterStep> steps, int target, Fact[] known, Fact[]?[] facts, Dictionary<CodeValue, int> numbers)
    {
        target = Walk(steps, target, known, numbers);
        if (!FilterStep.IsExit(target))
        {
            facts[target] = facts[target] is { } others ? Common(others, known) : known;
        }

        return target;
    }

    private static int Walk(List<FilterStep> steps, int target, Fact[] known, Dictionary<CodeValue, int> numbers)
    {
        for (var walked = 0; walked < WalkMax && !FilterStep.IsExit(target); walked++)
        {
            if (Decide(steps[target], known, numbers) is not { } outcome)
            {
                break;
            }

            target = outcome ? steps[target].WhenTrue : steps[target].WhenFalse;
        }

        return target;
    }

    private static bool? Decide(FilterStep step, Fact[] known, Dictionary<CodeValue, int> numbers)
    {
        if (step.Right is not CodeValue.Constant right)
        {
            return null;
        }

        if (step.Left is CodeValue.Constant left)
        {
            return Holds(step.Kind, left.Value, right.Value);
        }

        var number = Number(step.Left!, numbers);
        foreach (var fact in known)
        {
            if (fact.Value != number)
            {
                continue;
            }

            if (fact.Kind == step.Kind && fact.Constant == right.Value)
            {
                return fact.Outcome;
            }

            if (fact is { Kind: TestKind.Equal, Outcome: true })
            {
                return Holds(step.Kind, fact.Constant, right.Value);
            }
        }

        return null;
    }

    /// <summary>The outcome of a test.</summary>
    public static bool Holds(TestKind kind, uint left, uint right) => kind switch
    {
        TestKind.Equal => left == right,
        TestKind.Greater => left > right,
        TestKind.GreaterOrEqual => left >= right,
        _ => (left & right) != 0,
    };

    private static Fact[] Learn(Fact[] known, FilterStep step, bool outcome, Dictionary<CodeValue, int> numbers)
    {
        if (step.Left is null || step.Right is not CodeValue.Constant constant)
        {
            return known;
        }

        var fact = new Fact(Number(step.Left, numbers), step.Kind, constant.Value, outcome);
        return known.Length < FactsMax ? [.. known, fact] : [.. known.AsSpan(1), fact];
    }

    private static Fact[] Common(Fact[] a, Fact[] b)
    {
        var common = new List<Fact>(a.Length);
        foreach (var fact in a)
        {
            if (Array.IndexOf(b, fact) >= 0)
            {
                common.Add(fact);
            }
        }

        return common.Count == a.Length ? a : [.. common];
    }

    private static int Number(CodeValue value, Dictionary<CodeValue, int> numbers)
    {
        if (!numbers.TryGetValue(value, out var number))
        {
            numbers.Add(value, number = numbers.Count);
        }

        return number;
    }

    private static (List<FilterStep> Steps, int Entry) Reached(List<FilterStep> steps, int entry, Fact[]?[] facts)
    {
        var places = new int[steps.Count];
        var reached = new List<FilterStep>();
        for (var i = 0; i < steps.Count; i++)
        {
            places[i] = reached.Count;
            if (facts[i] is not null)
            {
                reached.Add(steps[i]);
            }
        }

        foreach (var step in reached)
        {
            step.WhenTrue = Place(step.WhenTrue);
            step.WhenFalse = Place(step.WhenFalse);
        }

        return (reached, Place(entry));

        int Place(int target) => FilterStep.IsExit(target) ? target : places[target];
    }

    // How a test of a value with a constant ended.
    private readonly record struct Fact(int Value, TestKind Kind, uint Constant, bool Outcome);
}

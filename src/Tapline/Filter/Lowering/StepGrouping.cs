// Puts tests of the same value side by side, so that its bytes are loaded once: of `host a or host b` both sources, then
// both destinations. Done in chains whose steps all leave to the same place on one outcome and go on to the next on the
// other, and which nothing else enters. libpcap's optimiser does the same; only a frame whose later bytes are missing could
// tell the difference.
namespace Tapline.Filter.Lowering;

/// <summary>Sorts chains of tests in place.</summary>
internal static class StepGrouping
{
    private const int ChainMin = 3;

    public static void Run(List<FilterStep> steps, int entry)
    {
        var entrances = Entrances(steps, entry);
        var isDone = new bool[steps.Count];
        for (var i = 0; i < steps.Count; i++)
        {
            if (!isDone[i] && IsSimple(steps[i]))
            {
                Sort(steps, Longer(Chain(steps, entrances, i, true), Chain(steps, entrances, i, false)), isDone);
            }
        }
    }

    private static int[] Entrances(List<FilterStep> steps, int entry)
    {
        var entrances = new int[steps.Count];
        Count(entry);
        foreach (var step in steps)
        {
            Count(step.WhenTrue);
            if (step.WhenFalse != step.WhenTrue)
            {
                Count(step.WhenFalse);
            }
        }

        return entrances;

        void Count(int target)
        {
            if (!FilterStep.IsExit(target))
            {
                entrances[target]++;
            }
        }
    }

    private static bool IsSimple(FilterStep step) => step.Left is not null && step.Right is CodeValue.Constant;

    private static List<int> Longer(List<int> a, List<int> b) => a.Count >= b.Count ? a : b;

    // The steps from here on that leave to the same place when they hold (or when not).
    private static List<int> Chain(List<FilterStep> steps, int[] entrances, int first, bool leavesWhenTrue)
    {
        var exit = leavesWhenTrue ? steps[first].WhenTrue : steps[first].WhenFalse;
        var chain = new List<int> { first };
        while (true)
        {
            var last = steps[chain[^1]];
            var next = leavesWhenTrue ? last.WhenFalse : last.WhenTrue;
            if (FilterStep.IsExit(next) || entrances[next] != 1 || !IsSimple(steps[next])
                || (leavesWhenTrue ? steps[next].WhenTrue : steps[next].WhenFalse) != exit)
            {
                return chain;
            }

            chain.Add(next);
        }
    }

    private static void Sort(List<FilterStep> steps, List<int> chain, bool[] isDone)
    {
        if (chain.Count < ChainMin)
        {
            return;
        }

        var groups = new Dictionary<CodeValue, List<FilterStep>>();
        var order = new List<List<FilterStep>>();
        foreach (var place in chain)
        {
            isDone[place] = true;
            if (!groups.TryGetValue(steps[place].Left!, out var group))
            {
                groups.Add(steps[place].Left!, group = []);
                order.Add(group);
            }

            group.Add(steps[place]);
        }

        var next = 0;
        foreach (var group in order)
        {
            foreach (var step in group)
            {
                // The place keeps its ways; what is tested there changes.
                var place = chain[next++];
                (var whenTrue, var whenFalse) = (steps[place].WhenTrue, steps[place].WhenFalse);
                steps[place] = new FilterStep
                {
                    Left = step.Left, Kind = step.Kind, Right = step.Right, WhenTrue = whenTrue, WhenFalse = whenFalse,
                };
            }
        }
    }
}

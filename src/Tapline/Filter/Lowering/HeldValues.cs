// Which value the accumulator holds when a step begins, whichever way led there: that value is not loaded again.
namespace Tapline.Filter.Lowering;

/// <summary>Finds values that need no second load.</summary>
internal static class HeldValues
{
    /// <summary>One entry for each step; null = not known.</summary>
    public static CodeValue?[] Find(FilterProgram program)
    {
        var held = new CodeValue?[program.Steps.Count];
        var isReached = new bool[program.Steps.Count];
        for (var i = 0; i < held.Length; i++)
        {
            var step = program.Steps[i];
            var after = step.AssignedValue ?? step.Left;
            foreach (var target in (ReadOnlySpan<int>)[step.WhenTrue, step.WhenFalse])
            {
                if (!FilterStep.IsExit(target))
                {
                    held[target] = !isReached[target] || (held[target]?.Equals(after) ?? false) ? after : null;
                    isReached[target] = true;
                }
            }
        }

        return held;
    }
}

// A lowered expression as a list of steps, ready for every back end. In: a tree and a link type. Out: steps that lead
// forward only, so that a program ends after at most as many as there are. Immutable once made.
using Tapline.Base;
using Tapline.Base.Kernel;

namespace Tapline.Filter.Lowering;

/// <summary>The steps of one expression for one link type.</summary>
internal sealed class FilterProgram
{
    /// <summary>More than any expression of <see cref="Syntax.FilterParser.CharactersMax"/> that people write.</summary>
    public const int StepsMax = 200_000;

    /// <summary>Words for variables and for values on the way: as many as classic BPF has.</summary>
    public const int WordsMax = LinuxFilter.BPF_MEMWORDS;

    private FilterProgram(IReadOnlyList<FilterStep> steps, int entry, int slots)
    {
        Steps = steps;
        Entry = entry;
        Slots = slots;
    }

    public IReadOnlyList<FilterStep> Steps { get; }

    /// <summary>The first step, or an exit where nothing needs to be asked.</summary>
    public int Entry { get; }

    /// <summary>Number of variables.</summary>
    public int Slots { get; }

    /// <summary>Makes the program. Null and a mistake when the link type cannot carry what the tree asks.</summary>
    public static FilterProgram? Make(FilterTree tree, LinkType linkType, out FilterMistake? mistake)
    {
        mistake = null;
        if (tree.Root is null)
        {
            return new FilterProgram([], FilterStep.Accept, 0);
        }

        if (FilterLowering.Lower(tree.Root, linkType, out var slots, out mistake) is not { } condition)
        {
            return null;
        }

        var steps = StepBuilder.Build(condition);
        if (steps.Count > StepsMax)
        {
            mistake = new FilterMistake(0, 1, $"the expression takes {steps.Count} steps; {StepsMax} are possible");
            return null;
        }

        (steps, var entry) = StepThreading.Run(steps);
        StepGrouping.Run(steps, entry);
        foreach (var step in steps)
        {
            var words = Math.Max(
                Math.Max(ValueShape.Words(step.Left), step.Left is null ? 0 : 1 + ValueShape.Words(step.Right)),
                ValueShape.Words(step.AssignedValue));
            if (words + slots > WordsMax)
            {
                mistake = new FilterMistake(0, 1, "a calculation or the tunnels in it nest too deeply");
                return null;
            }
        }

        var program = new FilterProgram(steps, entry, slots);
        if (program.AcceptsNothing())
        {
            mistake = new FilterMistake(0, tree.Text.Length, $"no frame of link type {linkType} can match it");
            return null;
        }

        return program;
    }

    private bool AcceptsNothing()
    {
        foreach (var step in Steps)
        {
            if (step.WhenTrue == FilterStep.Accept || step.WhenFalse == FilterStep.Accept)
            {
                return false;
            }
        }

        return Entry != FilterStep.Accept;
    }
}

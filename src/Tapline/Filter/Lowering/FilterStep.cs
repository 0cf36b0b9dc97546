// One step of a program: a test with two ways on, or something done on the way. Steps lead forward only.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Lowering;

/// <summary>A step. Exactly one of Left, AssignedValue and Question is there.</summary>
internal sealed class FilterStep
{
    /// <summary>The exits, as targets.</summary>
    public const int Accept = int.MaxValue;
    public const int Reject = int.MaxValue - 1;

    public CodeValue? Left { get; init; }

    public TestKind Kind { get; init; }

    public CodeValue? Right { get; init; }

    public CodeValue? AssignedValue { get; init; }

    public int Slot { get; init; }

    public FilterNode? Question { get; init; }

    /// <summary>The next step when it holds (or always), and when it does not.</summary>
    public int WhenTrue { get; set; }

    public int WhenFalse { get; set; }

    public static bool IsExit(int target) => target >= Reject;
}

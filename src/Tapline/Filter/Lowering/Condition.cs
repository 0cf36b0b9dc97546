// Conditions of a lowered expression, still a tree. Left is judged before right; bytes that are missing end everything.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Lowering;

/// <summary>What a lowered expression asks.</summary>
internal abstract record Condition
{
    public static readonly Condition Always = new Truth(true);
    public static readonly Condition Never = new Truth(false);

    public sealed record Truth(bool Value) : Condition;

    public sealed record Test(CodeValue Left, TestKind Kind, CodeValue Right) : Condition;

    /// <summary>Keeps a value for later loads; holds always.</summary>
    public sealed record Assign(int Slot, CodeValue Value) : Condition;

    /// <summary>A term that no byte at a fixed place decides: Tapline's metadata.</summary>
    public sealed record Ask(FilterNode Node) : Condition;

    public sealed record Not(Condition Operand) : Condition;

    public sealed record And(Condition Left, Condition Right) : Condition;

    public sealed record Or(Condition Left, Condition Right) : Condition;
}

// How much room a value needs while it is calculated, and whether it is one of the shapes that back ends do in one go.
namespace Tapline.Filter.Lowering;

/// <summary>Measures values.</summary>
internal static class ValueShape
{
    /// <summary>Words that are alive at once, the result included. Left operands are calculated first.</summary>
    public static int Words(CodeValue? value) => value switch
    {
        CodeValue.Load { Index: { } index } => Words(index),
        CodeValue.Binary binary => Math.Max(Words(binary.Left), Math.Max(1 + Words(binary.Right), ShiftWords(binary))),
        CodeValue.Negate negate => Words(negate.Operand),
        null => 0,
        _ => 1,
    };

    // Classic BPF keeps both sides of a shift and a factor.
    private static int ShiftWords(CodeValue.Binary binary) =>
        binary.Operation is Tree.Arithmetic.ShiftLeft or Tree.Arithmetic.ShiftRight ? 3 : 0;

    /// <summary>Splits `value &amp; constant`; the mask is all ones where there is none.</summary>
    public static CodeValue Unmasked(CodeValue value, out uint mask)
    {
        if (value is CodeValue.Binary { Operation: Tree.Arithmetic.And, Right: CodeValue.Constant constant } binary)
        {
            mask = constant.Value;
            return binary.Left;
        }

        mask = uint.MaxValue;
        return value;
    }
}

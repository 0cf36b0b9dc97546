// The arithmetic of expressions, in one place for all who calculate: 32 bits, unsigned, wrapping.
namespace Tapline.Filter.Tree;

/// <summary>Calculates.</summary>
internal static class Calculation
{
    /// <summary>The result. The right side of a division is not zero; a shift by more than 31 bits leaves nothing.</summary>
    public static uint Of(Arithmetic operation, uint left, uint right) => operation switch
    {
        Arithmetic.Add => left + right,
        Arithmetic.Subtract => left - right,
        Arithmetic.Multiply => left * right,
        Arithmetic.Divide => left / right,
        Arithmetic.Modulo => left % right,
        Arithmetic.And => left & right,
        Arithmetic.Or => left | right,
        Arithmetic.Xor => left ^ right,
        Arithmetic.ShiftLeft => right < 32 ? left << (int)right : 0,
        _ => right < 32 ? left >> (int)right : 0,
    };

    public static bool Holds(Comparison comparison, uint left, uint right) => comparison switch
    {
        Comparison.Equal => left == right,
        Comparison.NotEqual => left != right,
        Comparison.Greater => left > right,
        Comparison.GreaterOrEqual => left >= right,
        Comparison.Less => left < right,
        _ => left <= right,
    };
}

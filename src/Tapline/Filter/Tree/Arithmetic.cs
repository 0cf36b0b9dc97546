// Operations on values: 32 bits, unsigned, wrapping, as in classic BPF.
namespace Tapline.Filter.Tree;

/// <summary>An operation of two values.</summary>
public enum Arithmetic : byte
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

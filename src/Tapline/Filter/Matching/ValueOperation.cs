// Calculations as postfix code for a stack of words.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>What a value operation does with the stack.</summary>
internal enum ValueCode : byte
{
    /// <summary>The calculation is over.</summary>
    End,
    Constant,
    Length,
    Variable,
    Load,

    /// <summary>Takes the index from the stack.</summary>
    LoadIndexed,
    HeaderLength,
    Binary,

    /// <summary>The right side is the number, and not zero where it divides.</summary>
    BinaryConstant,
    Negate,
}

/// <summary>One operation.</summary>
internal readonly record struct ValueOperation(ValueCode Code, uint Number = 0, byte Size = 0, Arithmetic Operation = default);

// The classic BPF instruction set with each meaningful combination of class, size, mode and source as one dense number,
// so that the interpreter's switch becomes one jump table.
namespace Tapline.Tests.Filter.Witness;

/// <summary>
/// A decoded classic BPF operation. A = accumulator, X = index register, K = the instruction's constant.
/// </summary>
internal enum CbpfOp : byte
{
    ReturnK,
    ReturnA,

    LoadWordAbsolute,
    LoadHalfAbsolute,
    LoadByteAbsolute,
    LoadWordIndexed,
    LoadHalfIndexed,
    LoadByteIndexed,
    LoadLength,
    LoadImmediate,
    LoadMemory,
    LoadXImmediate,
    LoadXMemory,
    LoadXLength,

    /// <summary>X = 4 * (byte at K and 0xf): the length of an IPv4 header.</summary>
    LoadXHeaderLength,
    StoreA,
    StoreX,

    AddK,
    SubK,
    MulK,
    DivK,
    ModK,
    OrK,
    AndK,
    XorK,
    ShiftLeftK,
    ShiftRightK,
    AddX,
    SubX,
    MulX,
    DivX,
    ModX,
    OrX,
    AndX,
    XorX,
    ShiftLeftX,
    ShiftRightX,
    Negate,

    Jump,
    JumpEqualK,
    JumpGreaterK,
    JumpGreaterOrEqualK,
    JumpSetK,
    JumpEqualX,
    JumpGreaterX,
    JumpGreaterOrEqualX,
    JumpSetX,

    TransferAToX,
    TransferXToA,
}

// Values of a lowered expression: what a back end calculates from a frame's bytes. All 32 bits, unsigned. Records, so that
// equal calculations are found by comparing them.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Lowering;

/// <summary>A calculation over a frame.</summary>
internal abstract record CodeValue
{
    /// <summary>Beyond any frame: a load here always ends the program with "no".</summary>
    public const uint OffsetMax = 0x7fff_ffff;

    public sealed record Constant(uint Value) : CodeValue;

    /// <summary>The frame's own length.</summary>
    public sealed record Length : CodeValue;

    /// <summary>What an <see cref="Condition.Assign"/> left; 0 before.</summary>
    public sealed record Variable(int Slot) : CodeValue;

    /// <summary>
    /// Bytes, big-endian, at Offset + Index. Bytes that are not there end the program with "no", whatever else holds.
    /// Bytes that the text itself asks for (`ether[12:2]`) are not taken for those that a primitive reads: libpcap does not
    /// conclude from one to the other, and so reads more.
    /// </summary>
    public sealed record Load(int Size, CodeValue? Index, uint Offset, bool IsAsked = false) : CodeValue;

    /// <summary>Four times the low nibble of a byte: the length of an IPv4 header.</summary>
    public sealed record HeaderLength(uint Offset) : CodeValue;

    /// <summary>A division by zero ends the program with "no".</summary>
    public sealed record Binary(Arithmetic Operation, CodeValue Left, CodeValue Right) : CodeValue;

    public sealed record Negate(CodeValue Operand) : CodeValue;
}

// One operation of the frame matcher: load, mask, compare and jump in one. Targets are absolute.
using Tapline.Filter.Lowering;

namespace Tapline.Filter.Matching;

/// <summary>Where an operation's value comes from.</summary>
internal enum MatchSource : byte
{
    Byte,
    Half,
    Word,

    /// <summary>As above, behind an IPv4 header whose first byte is at <see cref="MatchOperation.Base"/>.</summary>
    ByteBehindHeader,
    HalfBehindHeader,
    WordBehindHeader,
    Length,

    /// <summary>The value of the test before, whichever way led here.</summary>
    Held,

    /// <summary>The same, and the whole of it is compared for equality: lists of addresses and ports.</summary>
    HeldEqual,

    /// <summary>Two calculations, compared.</summary>
    Calculation,
    Assignment,
    Question,
}

/// <summary>An operation of 32 bytes; which fields count depends on the source.</summary>
internal struct MatchOperation
{
    public MatchSource Source;
    public TestKind Kind;
    public uint Offset;
    public uint Base;
    public uint Mask;
    public uint Value;

    /// <summary>Calculation: where the left one begins; the right one follows it. Question: which.</summary>
    public int Begin;
    public int WhenTrue;
    public int WhenFalse;
}

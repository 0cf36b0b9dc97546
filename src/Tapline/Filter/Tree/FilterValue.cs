// Values of a relation: numbers, the length, bytes of a header, arithmetic. Immutable records.
namespace Tapline.Filter.Tree;

/// <summary>A 32-bit unsigned value of a frame.</summary>
public abstract record FilterValue(int Column)
{
    public sealed record Number(uint Value, int Column) : FilterValue(Column);

    /// <summary>`len`: the frame's own length, whatever was kept of it.</summary>
    public sealed record Length(int Column) : FilterValue(Column);

    /// <summary>`ip[6:2]`: 1, 2 or 4 bytes at an offset in the protocol's header, big-endian.</summary>
    public sealed record Bytes(ProtocolWord Protocol, FilterValue Index, int Size, int Column) : FilterValue(Column);

    public sealed record Binary(Arithmetic Operation, FilterValue Left, FilterValue Right, int Column) : FilterValue(Column);

    public sealed record Negate(FilterValue Operand, int Column) : FilterValue(Column);
}

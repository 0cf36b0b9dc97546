// Where a header begins: a constant, plus a variable behind headers whose length only the frame tells.
namespace Tapline.Filter.Lowering;

/// <summary>An offset; Slot below 0 = no variable part.</summary>
internal readonly record struct HeaderOffset(uint Constant, int Slot = -1)
{
    public bool IsVariable => Slot >= 0;

    public HeaderOffset Plus(uint bytes) => this with { Constant = Constant + bytes };

    /// <summary>A load relative to here.</summary>
    public CodeValue Load(uint offset, int size) =>
        new CodeValue.Load(size, IsVariable ? new CodeValue.Variable(Slot) : null, Math.Min(Constant + offset, CodeValue.OffsetMax));
}

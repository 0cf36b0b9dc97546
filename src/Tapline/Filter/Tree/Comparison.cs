// How two values are compared; unsigned.
namespace Tapline.Filter.Tree;

/// <summary>A comparison.</summary>
public enum Comparison : byte
{
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

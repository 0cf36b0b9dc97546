// How a field of a flow is compared.
namespace Tapline.Filter.Tree;

/// <summary>Comparisons of flow fields; text compares without regard to case.</summary>
public enum FieldComparison : byte
{
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,

    /// <summary>The text occurs in the field.</summary>
    Contains,
}

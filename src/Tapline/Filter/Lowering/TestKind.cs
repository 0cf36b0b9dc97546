// The four comparisons that classic BPF has; others are their negations.
namespace Tapline.Filter.Lowering;

/// <summary>A comparison of two unsigned values.</summary>
internal enum TestKind : byte
{
    Equal,
    Greater,
    GreaterOrEqual,

    /// <summary>They have a bit in common.</summary>
    AnySet,
}

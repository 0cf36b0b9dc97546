// A flow of one segment that may lie in others as well, as its index knows it.
namespace Tapline.Record.Extract;

/// <summary>One such flow. Plain data.</summary>
/// <param name="Flow">Its number in the index.</param>
/// <param name="Id">Its id in its worker's run.</param>
/// <param name="Truths">Which terms hold by what the index knows; a bit for each.</param>
/// <param name="IsPart">A part of it has a record of its own, somewhere.</param>
internal readonly record struct SpanningFlow(int Flow, ulong Id, ulong Truths, bool IsPart)
{
    /// <summary>Facts of the part that the index has, for flows in parts.</summary>
    public FlowFacts? Facts { get; init; }
}

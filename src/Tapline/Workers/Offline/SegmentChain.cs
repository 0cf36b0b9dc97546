// The segments of one worker of a recording that continue each other: its flows are whole in them.
namespace Tapline.Workers.Offline;

/// <summary>Segment files in the order of time. Immutable.</summary>
/// <param name="Files">Their paths; a hidden name is a segment that is being written.</param>
public sealed record SegmentChain(IReadOnlyList<string> Files);

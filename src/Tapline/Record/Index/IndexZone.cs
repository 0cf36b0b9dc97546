// The smallest and the largest value of a column in one segment: what a query looks at before it reads any flow.
namespace Tapline.Record.Index;

/// <summary>Bounds of a column over all flows of a segment but the first, which is no flow; both inclusive.</summary>
public readonly record struct IndexZone(long Min, long Max);

// A run of packets that follow each other in the file, with the times that they lie between: where a time window begins
// and ends. Frames of several points are not strictly in the order of time, so blocks may overlap.
namespace Tapline.Record.Index;

/// <summary>Some hundred packets of a segment.</summary>
/// <param name="Offset">Of the first packet's block in the segment, in bytes.</param>
/// <param name="Packets">How many.</param>
/// <param name="FirstNs">The earliest of their times, ns since the epoch.</param>
/// <param name="LastNs">The latest.</param>
public readonly record struct TimeBlock(long Offset, int Packets, long FirstNs, long LastNs);

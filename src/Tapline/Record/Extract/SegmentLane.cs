// One segment being read for a query: its blocks become frames of the answer's points. The whole file in pieces, so that
// the lanes of several workers go forward side by side in time. One thread; owns the file.
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>An open segment.</summary>
internal sealed class SegmentLane : IDisposable
{
    private readonly SegmentCursor _cursor;
    private readonly List<ExtractPoint?> _interfaces = [];

    private SegmentLane(ExtractSegment segment, SegmentCursor cursor)
    {
        Segment = segment;
        _cursor = cursor;
        FrontierNs = segment.Name.StartNs;
    }

    /// <summary>What a lane meets on its way.</summary>
    public enum Step
    {
        /// <summary>Nothing that concerns a query.</summary>
        Other,

        /// <summary>A frame: <see cref="Point"/>, <see cref="Block"/>.</summary>
        Packet,

        /// <summary>A list of machines: <see cref="Block"/>.</summary>
        Machines,

        /// <summary>A point met for the first time: <see cref="Point"/>.</summary>
        NewPoint,

        /// <summary>The segment's account: <see cref="Block"/>.</summary>
        Ledger,

        /// <summary>The end, or a fault.</summary>
        End,
    }

    public ExtractSegment Segment { get; }

    /// <summary>The latest time met so far.</summary>
    public long FrontierNs { get; set; }

    public ExtractPoint? Point { get; private set; }

    public ReadOnlySpan<byte> Block => _cursor.Block;

    public long ReadBytes => _cursor.ReadBytes;

    /// <summary>What ended the reading early, as a sentence; null = nothing did.</summary>
    public string? Fault { get; private set; }

    /// <summary>Opens the segment; null with a sentence when it is gone or can't be read.</summary>
    public static SegmentLane? TryOpen(ExtractSegment segment, out string? hole)
    {
        hole = null;
        try
        {
            try
            {
                return new SegmentLane(segment, SegmentCursor.Open(segment.Path));
            }
            catch (FileNotFoundException) when (segment.IsHidden)
            {
                return new SegmentLane(segment, SegmentCursor.Open(segment.PathWhenFinished));
            }
        }
        catch (FileNotFoundException)
        {
            hole = $"Segment {segment.File} was removed while the query ran (the recording's budget).";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            hole = $"Segment {segment.File} can't be read: {e.Message}";
        }

        return null;
    }

    /// <summary>The point of an interface of this segment; null = not described, or not to be read.</summary>
    public ExtractPoint? PointOf(uint number) => number < (uint)_interfaces.Count ? _interfaces[(int)number] : null;

    /// <summary>Goes to the next block.</summary>
    public Step Next(ExtractPoints points)
    {
        try
        {
            return _cursor.TryNext() ? Judge(points) : End(_cursor.Fault);
        }
        catch (IOException e)
        {
            return End(e.Message);
        }
    }

    public void Dispose() => _cursor.Dispose();

    private Step Judge(ExtractPoints points)
    {
        switch (_cursor.Type)
        {
            case PcapngWriter.EnhancedPacket:
                Point = PacketBlock.Interface(Block) is { } number ? PointOf(number) : null;
                return Point is null ? End("a packet of an interface that is not described") : Step.Packet;
            case PcapngWriter.InterfaceDescription:
                Point = points.Find(Block, out var isNew);
                if (Point is null || _interfaces.Count == Limits.SegmentInterfacesMax)
                {
                    return End("an interface that can't be taken (time unit, or too many)");
                }

                _interfaces.Add(Point);
                return isNew ? Step.NewPoint : Step.Other;
            case MachinesBlock.Type:
                return Step.Machines;
            case LedgerBlock.Type:
                return Step.Ledger;
            default:
                return Step.Other;
        }
    }

    private Step End(string? fault)
    {
        // A segment under way ends where its writer is; a finished one must end with a whole block.
        fault ??= _cursor.IsTorn && !Segment.IsHidden ? "it ends inside a block" : null;
        Fault = fault is null ? null : $"Segment {Segment.File} is damaged and was read only in part: {fault}.";
        return Step.End;
    }
}

// One segment being read for a query: its blocks become frames of the answer's points. The whole file in pieces, so that
// the lanes of several workers go forward side by side in time. One thread; owns the file.
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>An open segment.</summary>
internal sealed class SegmentLane : IDisposable
{
    private readonly SegmentCursor _cursor;
    private readonly List<ExtractPoint?> _interfaces = [];
    private readonly PacketChoice? _choice;
    private readonly long[] _places;
    private readonly ChosenAhead? _ahead;
    private int _place;
    private int _next;
    private int _readTo;
    private long _packets;
    private int _described;
    private DamageSkip? _skip;

    private SegmentLane(ExtractSegment segment, SegmentCursor cursor, PacketChoice? choice)
    {
        Segment = segment;
        _cursor = cursor;
        _choice = choice;
        _places = choice is { IsSparse: true } ? segment.End?.Places ?? [] : [];
        _ahead = _places.Length > 0 ? new ChosenAhead(choice!.Offsets, cursor) : null;
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

        /// <summary>The end, or a fault.</summary>
        End,
    }

    public ExtractSegment Segment { get; }

    /// <summary>The latest time met so far.</summary>
    public long FrontierNs { get; set; }

    public ExtractPoint? Point { get; private set; }

    /// <summary>Which of the expression's flow terms hold for the packet.</summary>
    public ulong Truths { get; private set; }

    public ReadOnlySpan<byte> Block => _cursor.Block;

    public long ReadBytes => _cursor.ReadBytes;

    /// <summary>How far it is in the file, bytes.</summary>
    public long Offset => _cursor.Offset;

    /// <summary>What ended the reading early, as a sentence; null = nothing did.</summary>
    public string? Fault { get; private set; }

    /// <summary>Opens the segment; null with a sentence when it is gone or can't be read.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="choice">The packets that are wanted; null = all.</param>
    /// <param name="hole">What is missing now.</param>
    public static SegmentLane? TryOpen(ExtractSegment segment, PacketChoice? choice, out string? hole)
    {
        hole = null;
        try
        {
            try
            {
                return new SegmentLane(segment, SegmentCursor.Open(segment.Path), choice);
            }
            catch (FileNotFoundException) when (segment.IsHidden)
            {
                return new SegmentLane(segment, SegmentCursor.Open(segment.PathWhenFinished), choice);
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
            return _places.Length > 0 ? NextPlace(points) : _cursor.TryNext() ? Judge(points) : GoOn();
        }
        catch (IOException e)
        {
            return End(e.Message);
        }
    }

    public void Dispose() => _cursor.Dispose();

    // Descriptions first, then the packets that were chosen, those near each other by one read.
    private Step NextPlace(ExtractPoints points)
    {
        var isPacket = _place == _places.Length;
        if (isPacket && _next == _choice!.Offsets.Length)
        {
            return End(null);
        }

        var offset = isPacket ? _choice!.Offsets[_next] : _places[_place++];
        if (isPacket)
        {
            _ahead!.At(_next);
        }

        _cursor.Seek(offset, isPacket ? ReadTo() : offset + ChosenAhead.LastBytes);
        if (_cursor.TryNext() && (isPacket
            ? _cursor.Type == PcapngWriter.EnhancedPacket
            : _cursor.Type is PcapngWriter.InterfaceDescription or MachinesBlock.Type))
        {
            return Judge(points);
        }

        var fault = _cursor.Fault ?? "index and segment do not belong together; remove the index, and it is made anew";
        if (!isPacket)
        {
            return End(fault);
        }

        Damaged(fault);
        _next++;
        return Step.Other;
    }

    // The walk can't go on from here. Behind a damaged place the index knows the next packet, as long as no description was in between.
    private Step GoOn()
    {
        var fault = _cursor.Fault ?? (_cursor.IsTorn && !Segment.IsHidden ? "it ends inside a block" : null);
        if (fault is null || Segment.End?.Places is not { } places)
        {
            return End(fault);
        }

        var next = (_skip ??= new DamageSkip(Segment)).After(_cursor.Offset);
        if (next < 0 || (_described < places.Length && places[_described] < next))
        {
            return End(fault);
        }

        Damaged(fault);
        _cursor.Seek(next);
        return Step.Other;
    }

    private void Damaged(string fault) => Fault ??= $"Segment {Segment.File} is damaged and was read only in part: {fault}.";

    // Descriptions that stand elsewhere than the segment says, or are missing, would give packets to points that are not theirs.
    private bool IsInPlace() => Segment.End?.Places is not { } places
        || (_described < places.Length && places[_described++] == _cursor.Offset);

    // Where the run of packets ends that lie near each other.
    private long ReadTo()
    {
        _readTo = _ahead!.EndOf(Math.Max(_readTo, _next), long.MaxValue);
        return _choice!.Offsets[_readTo] + ChosenAhead.LastBytes;
    }

    // True when the packet was chosen; chosen ones come in the order of the file.
    private bool IsChosen()
    {
        if (_choice is null)
        {
            return true;
        }

        var offsets = _choice.Offsets;
        while (_next < offsets.Length && offsets[_next] < _cursor.Offset)
        {
            _next++;
        }

        if (_next == offsets.Length || offsets[_next] != _cursor.Offset)
        {
            return false;
        }

        Truths = _choice.Truths is { } truths ? truths[_next] : 0;
        _next++;
        return true;
    }

    private Step Judge(ExtractPoints points)
    {
        switch (_cursor.Type)
        {
            case PcapngWriter.EnhancedPacket when !IsChosen():
                return Step.Other;
            case PcapngWriter.EnhancedPacket:
                _packets++;
                Point = PacketBlock.Interface(Block) is { } number ? PointOf(number) : null;
                if (Point is not null)
                {
                    return Step.Packet;
                }

                Damaged("a packet of an interface that is not described");
                return Step.Other;
            case PcapngWriter.InterfaceDescription or MachinesBlock.Type when !IsInPlace():
                return End("a description stands where none was written");
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
            default:
                return Step.Other;
        }
    }

    private Step End(string? fault)
    {
        // A segment under way ends where its writer is; a finished one must end with a whole block.
        fault ??= _cursor.IsTorn && !Segment.IsHidden ? "it ends inside a block" : null;
        fault ??= _choice is null && Segment.End is { } end && end.Rows.Sum(r => r.Recorded) != _packets
            ? "it has not the packets that its ledger counts" : null;
        if (fault is not null)
        {
            Damaged(fault);
        }

        return Step.End;
    }
}

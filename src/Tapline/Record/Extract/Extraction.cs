// A query over a recording: segments of the window are read side by side in time, each frame is decoded and judged, and the
// selected ones go to the sink in the order of time. A segment is opened when the others have come to its beginning, so
// memory does not depend on the length of the window. In: files, hostile. One thread; stops between two pieces.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Record.Extract;

/// <summary>Runs queries.</summary>
public sealed class Extraction
{
    private const int LanesMax = 256;
    private const int PieceBlocks = 512;
    private const int FaultsMax = 1000;
    private readonly ExtractOptions _options;
    private readonly IExtractSink _sink;
    private readonly ExtractReport _report;
    private readonly ExtractPoints _points = new();
    private readonly ExtractNames _names;
    private readonly ExtractIndexes _indexes;
    private readonly TimeOrder _order;
    private readonly List<SegmentLane> _lanes = [];
    private int _opened;
    private long _closedBytes;

    private Extraction(ExtractPlan plan, ExtractOptions options, IExtractSink sink)
    {
        _options = options;
        _sink = sink;
        _report = new ExtractReport { Plan = plan };
        _names = new ExtractNames(_points);
        _indexes = new ExtractIndexes(plan, options);
        _order = new TimeOrder(Deliver, options.WaitingBytesMax);
    }

    /// <summary>Runs a planned query to its end. What the sink throws passes through.</summary>
    /// <param name="plan">By <see cref="ExtractPlan.Make"/> for the same options.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="sink">Where it goes.</param>
    /// <param name="progress">Called now and then; may be null.</param>
    /// <param name="stop">Ends it early, with all that was read until then delivered.</param>
    public static ExtractReport Run(
        ExtractPlan plan, ExtractOptions options, IExtractSink sink, Action<ExtractReport>? progress, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(sink);
        var run = new Extraction(plan, options, sink);
        try
        {
            run.Run(progress, stop);
        }
        finally
        {
            run._lanes.ForEach(lane => lane.Dispose());
            run._indexes.Dispose();
        }

        return run._report;
    }

    private void Run(Action<ExtractReport>? progress, CancellationToken stop)
    {
        _sink.Begin(_report.Plan);
        var limit = _indexes.Prepare(
            asked =>
            {
                _report.SegmentsAsked = asked;
                progress?.Invoke(_report);
            }, stop);
        _report.SegmentsAsked = 0;
        if (limit is not null)
        {
            Note(limit);
        }

        while (!stop.IsCancellationRequested && !_report.IsLimited)
        {
            Open(stop);
            if (_lanes.Count == 0)
            {
                break;
            }

            var lane = Hindmost();
            var before = lane.ReadBytes;
            var isOver = !Advance(lane);
            _report.ReadBytes += lane.ReadBytes - before;
            if (isOver)
            {
                Close(lane);
            }

            Release();
            if (progress is not null)
            {
                _report.PassedBytes = _closedBytes + _lanes.Sum(l => Math.Min(l.Offset, l.Segment.Bytes));
                progress(_report);
            }
        }

        _order.ReleaseAll();
        _report.Machines = _names.Machines;
        _report.OutOfOrder = _order.OutOfOrder;
        _report.IsStopped = stop.IsCancellationRequested;
        if (_options.Filter.NeedsDirectory && !_report.IsStopped && !_report.IsLimited && _report.Plan.Segments.Count > 0)
        {
            _report.UnknownNames = UnknownNames.Of(_options.Filter.Root, _names.Make());
        }

        _sink.Rest();
    }

    // Opens the segments that begin before the hindmost open one has got to.
    private void Open(CancellationToken stop)
    {
        var segments = _report.Plan.Segments;
        while (_opened < segments.Count && _lanes.Count < LanesMax
            && (_lanes.Count == 0 || segments[_opened].Name.StartNs <= Hindmost().FrontierNs)
            && _indexes.Take(_opened, stop) is { } scout)
        {
            _opened++;
            if (scout.Hole is { } hole)
            {
                Note(hole);
                _closedBytes += scout.Segment.Bytes;
            }
            else if (scout.IsRefused)
            {
                PassOver(scout);
            }
            else if (SegmentLane.TryOpen(scout.Segment, scout.Choice, out hole) is { } lane)
            {
                _lanes.Add(lane);
                _report.SegmentsRead++;
                _report.SegmentsByIndex += scout.Choice is { IsSparse: true } ? 1 : 0;
            }
            else
            {
                Note(hole!);
                _closedBytes += scout.Segment.Bytes;
            }
        }
    }

    // Nothing of the segment is read but what it says of points and machines, which counts for the segments that follow.
    private void PassOver(SegmentScout scout)
    {
        var interfaces = new List<ExtractPoint?>();
        foreach (var block in scout.Descriptions!)
        {
            if (SegmentDescriptions.IsMachines(block))
            {
                Learn(block);
            }
            else
            {
                interfaces.Add(_points.Find(block, out var isNew));
                if (isNew)
                {
                    Meet(interfaces[^1]!);
                }
            }
        }

        Account(scout.Segment, number => number < (uint)interfaces.Count ? interfaces[(int)number] : null);
        _closedBytes += scout.Segment.Bytes;
        _report.SegmentsRefused++;
    }

    private SegmentLane Hindmost()
    {
        var hindmost = _lanes[0];
        foreach (var lane in CollectionsMarshal.AsSpan(_lanes))
        {
            hindmost = lane.FrontierNs < hindmost.FrontierNs ? lane : hindmost;
        }

        return hindmost;
    }

    // Reads a piece of a segment; false when there is nothing more to be had from it.
    private bool Advance(SegmentLane lane)
    {
        for (var i = 0; i < PieceBlocks && !_report.IsLimited; i++)
        {
            switch (lane.Next(_points))
            {
                case SegmentLane.Step.Packet:
                    Judge(lane);
                    break;
                case SegmentLane.Step.NewPoint:
                    Meet(lane.Point!);
                    break;
                case SegmentLane.Step.Machines:
                    Learn(lane.Block);
                    break;
                case SegmentLane.Step.End:
                    return false;
            }
        }

        return lane.FrontierNs < _options.UntilNs || lane.FrontierNs - _options.UntilNs < _options.DisorderNs;
    }

    private void Meet(ExtractPoint point)
    {
        _report.PointList.Add((point, new ExtractPointCounts()));
        _sink.AddPoint(point);
        Bind();
    }

    private void Learn(ReadOnlySpan<byte> machines)
    {
        if (_options.Filter.NeedsDirectory && _names.Take(machines[8..^4]))
        {
            Bind();
        }
    }

    private void Bind()
    {
        if (_options.Filter.NeedsDirectory)
        {
            _options.Filter.Bind(_names.Make());
        }
    }

    private void Judge(SegmentLane lane)
    {
        var block = lane.Block;
        if (!PacketBlock.TryRead(block, lane.Point!, out var meta))
        {
            Note($"Segment {lane.Segment.File} has a packet that contradicts itself; it was left out.");
            return;
        }

        if (meta.TimestampNs == long.MaxValue)
        {
            Note($"Segment {lane.Segment.File} has packets with times that can't be: a description in it is damaged; they were left out.");
            return;
        }

        lane.FrontierNs = Math.Max(lane.FrontierNs, meta.TimestampNs);
        _report.Examined++;
        if (meta.TimestampNs < _options.SinceNs || meta.TimestampNs >= _options.UntilNs)
        {
            return;
        }

        var frame = PacketBlock.Frame(block);
        if (!_options.Filter.IsEverything)
        {
            FrameDecoder.Decode(frame, meta, out var layout);
            if (!_options.Filter.Matches(lane.Truths, meta, layout, frame))
            {
                return;
            }
        }

        if (_options.IsOrdered)
        {
            _order.Put(meta, block);
        }
        else
        {
            Deliver(meta, block);
        }
    }

    private void Deliver(in FrameMeta meta, ReadOnlySpan<byte> block)
    {
        if (_report.IsLimited)
        {
            return;
        }

        _sink.Take(meta, block, PacketBlock.Frame(block));
        _report.Selected++;
        _report.SelectedBytes += meta.OriginalLength;
        _report.LatestNs = Math.Max(_report.LatestNs, meta.TimestampNs);
        _report.PointList[meta.PointId].Counts.Selected++;
        _report.IsLimited = _report.Selected >= _options.Limit;
    }

    private void Account(ExtractSegment segment, Func<uint, ExtractPoint?> pointOf)
    {
        if (segment.End is not { IsRecovered: false } end)
        {
            return;
        }

        foreach (var row in end.Rows)
        {
            if (pointOf(row.Interface) is { } point)
            {
                var counts = _report.PointList[point.Id].Counts;
                var ringDropped = counts.AddRingDropped(segment.Class, row.DroppedRing);
                counts.Arrived += ringDropped + row.Captured - row.OtherClass;
                counts.DroppedRecorder += row.DroppedRecorder;
                counts.Filtered += row.Filtered;
                counts.Recorded += row.Recorded;
                counts.Sliced += row.Sliced;
            }
        }
    }

    private void Close(SegmentLane lane)
    {
        if (lane.Fault is { } fault)
        {
            Note(fault);
        }

        Account(lane.Segment, lane.PointOf);
        _closedBytes += lane.Segment.Bytes;
        _lanes.Remove(lane);
        lane.Dispose();
    }

    // What no open or unopened segment can precede any more goes out.
    private void Release()
    {
        var segments = _report.Plan.Segments;
        var horizon = _opened < segments.Count ? segments[_opened].Name.StartNs : long.MaxValue;
        horizon = _lanes.Count > 0 ? Math.Min(horizon, Hindmost().FrontierNs) : horizon;
        _order.Release(horizon < long.MinValue + _options.DisorderNs ? long.MinValue : horizon - _options.DisorderNs);
        _sink.Rest();
    }

    private void Note(string what)
    {
        if (_report.FaultList.Count < FaultsMax && !_report.FaultList.Contains(what))
        {
            _report.FaultList.Add(what);
        }
    }
}

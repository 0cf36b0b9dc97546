// The captures of an import as one stream of frames in the order of time: those that overlap are read side by side, the others
// one after the other, and a capture is opened when time has come to its first frame. A capture that is out of order in itself
// goes through a sorter. One thread; as many captures are open as overlap, 256 at most.
using Tapline.Base;

namespace Tapline.Workers.Imports;

/// <summary>Merges captures by time.</summary>
internal sealed class ImportMerge
{
    /// <summary>Captures that may be open at once.</summary>
    public const int LanesMax = 256;

    private const int StopEvery = 1 << 10;
    private readonly IReadOnlyList<ImportedCapture> _captures;
    private readonly ImportPoints _points;
    private readonly PriorityQueue<Lane, (long TimeNs, int Number)> _lanes = new();
    private readonly int[] _order;
    private readonly List<string> _faults = [];
    private long _bytesDone;
    private int _next;

    public ImportMerge(IReadOnlyList<ImportedCapture> captures, ImportPoints points)
    {
        _captures = captures;
        _points = points;
        _order = [.. Enumerable.Range(0, captures.Count).OrderBy(i => StartOf(captures[i])).ThenBy(i => i)];
    }

    /// <summary>What could not be read now although it was there before, one sentence each.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>Frames read so far.</summary>
    public long Frames { get; private set; }

    /// <summary>How many captures overlap at the busiest moment.</summary>
    public static int Overlap(IReadOnlyList<ImportedCapture> captures)
    {
        var ends = captures
            .SelectMany(c => new[] { (TimeNs: StartOf(c), Step: 1), (TimeNs: c.IsPipe ? long.MaxValue : c.LastNs, Step: -1) })
            .OrderBy(e => e.TimeNs).ThenByDescending(e => e.Step);
        var (open, most) = (0, 0);
        foreach (var (_, step) in ends)
        {
            open += step;
            most = Math.Max(most, open);
        }

        return most;
    }

    /// <summary>Gives all frames to the taker; ends early when asked to, or when the taker says so.</summary>
    public void Run(IImportTaker taker, Func<bool> isOver, Action<long, long>? progress, CancellationToken stop)
    {
        var sorter = _captures.Any(c => c.IsPipe || c.OutOfOrder > 0) ? new ImportSorter(taker, Limits.ImportSortBytes) : null;
        try
        {
            while (TryOpen(stop) && _lanes.Count > 0)
            {
                var lane = _lanes.Dequeue();
                if (!Drain(lane, taker, sorter, isOver, progress, stop))
                {
                    _bytesDone += lane.Reader.PositionBytes;
                    Close(lane, stop);
                }
                else
                {
                    _lanes.Enqueue(lane, lane.Key);
                }

                if (stop.IsCancellationRequested || isOver())
                {
                    return;
                }
            }

            sorter?.End();
        }
        finally
        {
            while (_lanes.TryDequeue(out var lane, out _))
            {
                lane.Reader.Dispose();
            }
        }
    }

    private static long StartOf(ImportedCapture capture) => capture.IsPipe ? long.MinValue : capture.FirstNs;

    // Gives the lane's frames as long as no other has an earlier one; false at its end.
    private bool Drain(
        Lane lane, IImportTaker taker, ImportSorter? sorter, Func<bool> isOver, Action<long, long>? progress, CancellationToken stop)
    {
        var limit = _lanes.TryPeek(out _, out var other) ? other : (long.MaxValue, int.MaxValue);
        limit = _next < _order.Length ? Min(limit, (StartOf(_captures[_order[_next]]), -1)) : limit;
        do
        {
            var reader = lane.Reader;
            if (sorter is null)
            {
                taker.Take(reader.Meta, reader.Frame, reader.Options);
            }
            else
            {
                sorter.Put(reader.Meta, reader.Frame, reader.Options);
            }

            if (++Frames % StopEvery == 0)
            {
                progress?.Invoke(Frames, _bytesDone + reader.PositionBytes);
                if (stop.IsCancellationRequested || isOver())
                {
                    return true;
                }
            }

            if (!reader.TryNext(stop))
            {
                return false;
            }
        }
        while (lane.Key.CompareTo(limit) < 0);
        return true;
    }

    private static (long TimeNs, int Number) Min((long, int) a, (long, int) b) => a.CompareTo(b) < 0 ? a : b;

    // Opens the captures whose first frame's time has come; one at least while any is left.
    private bool TryOpen(CancellationToken stop)
    {
        while (_next < _order.Length
            && (!_lanes.TryPeek(out _, out var first) || StartOf(_captures[_order[_next]]) <= first.TimeNs))
        {
            var number = _order[_next++];
            var reader = ImportLane.Open(_captures[number].File, _points, out var error);
            if (reader is null)
            {
                _faults.Add(error);
                continue;
            }

            var lane = new Lane(reader, number);
            if (reader.TryNext(stop))
            {
                _lanes.Enqueue(lane, lane.Key);
            }
            else
            {
                Close(lane, stop);
            }
        }

        return !stop.IsCancellationRequested;
    }

    private void Close(Lane lane, CancellationToken stop)
    {
        var capture = _captures[lane.Number];
        if (capture.IsPipe && lane.Reader.Fault is { } fault)
        {
            _faults.Add(fault);
        }
        else if (!capture.IsPipe && lane.Reader.Frames != capture.Frames && !stop.IsCancellationRequested)
        {
            _faults.Add($"{capture.File} changed while it was imported: {capture.Frames} frames at first, then {lane.Reader.Frames}.");
        }

        lane.Reader.Dispose();
    }

    // Equal times come in the order in which the captures were named.
    private sealed record Lane(ImportLane Reader, int Number)
    {
        public (long TimeNs, int Number) Key => (Reader.Meta.TimestampNs, Number);
    }
}

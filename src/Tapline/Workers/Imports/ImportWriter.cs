// The frames of an import on their way into segments: decoded, filtered, followed by the flow table that follows live ones, and
// recorded, one after the other. It waits for the disk where a live recorder would drop. Between two captures that lie apart in
// time, and where time steps back, a segment ends, so that each segment's name and window are true. One thread; owns the
// recorder with its buffers and the flow table.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Store;

namespace Tapline.Workers.Imports;

/// <summary>Records the frames of an import.</summary>
internal sealed class ImportWriter : IImportTaker, IFlowEndings, IDisposable
{
    private const string IsFull = "The disk is full; free some, or import less.";
    private const int RoomEvery = 64;
    private const long BatchNs = Clock.SecondNs;

    // Captures that follow each other more closely than a segment is long are one coverage.
    private const long GapNs = 60 * Clock.SecondNs;

    private readonly SegmentFolder _folder;
    private readonly SegmentRecorder _recorder;
    private readonly FlowTable<NoSink> _flows;
    private readonly CompiledFilter _filter;
    private readonly ImportPoints _points;
    private readonly List<(long FromNs, long ToNs)> _covered;
    private int _covering;
    private int _described;
    private int _untilRoom = RoomEvery;

    // The next frame begins a segment with a window of its own.
    private bool _startsAnew = true;
    private long _batchNs = long.MinValue;

    /// <summary>Starts the recorder.</summary>
    /// <param name="folder">Where segments go; outlives this.</param>
    /// <param name="options">The filter.</param>
    /// <param name="captures">What will come, for the stretches of time that it covers.</param>
    /// <param name="points">Grows while captures are read.</param>
    public ImportWriter(
        SegmentFolder folder, ImportOptions options, IReadOnlyList<ImportedCapture> captures, ImportPoints points)
    {
        _folder = folder;
        _filter = options.Filter;
        _points = points;
        _covered = Covered(captures);
        _flows = new FlowTable<NoSink>(FlowTableOptions.Live with { Capacity = Limits.OfflineFlowsDefault }, default) { Endings = this };
        _recorder = new SegmentRecorder(folder, new RecorderOptions
        {
            Worker = 0,
            Filter = options.FilterText,
            FlowSlots = Limits.OfflineFlowsDefault,
            SegmentBytes = Limits.SegmentBytesMax,
            FlushAgeNs = long.MaxValue, // nobody waits for what is not published
        })
        { Flows = _flows };
    }

    /// <summary>Why it can't go on, as one sentence; null = it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>Frames recorded; those not wanted; steps back in time.</summary>
    public long Recorded => _recorder.Recorded;

    /// <summary>Segments that could not be sealed. After <see cref="End"/>.</summary>
    public long WithoutSeal => _recorder.WithoutSeal + _recorder.SealsWaiting;

    public long Filtered { get; private set; }

    public long TimeSteps { get; private set; }

    /// <summary>Time of the earliest and latest frame recorded.</summary>
    public long FirstNs { get; private set; } = long.MaxValue;

    public long LastNs { get; private set; } = long.MinValue;

    public void BeginRun()
    {
        TimeSteps++;
        _covering = 0;
        _batchNs = long.MinValue;
        _startsAnew = true;
    }

    public void Take(in FrameMeta meta, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> options)
    {
        if (Failure is not null)
        {
            return;
        }

        Describe();
        FrameDecoder.Decode(frame, meta, out var layout);
        Cover(meta.TimestampNs);
        if (!_filter.IsEverything && !_filter.Matches(meta, layout, frame))
        {
            Filtered++;
            _recorder.CountFiltered(meta.PointId);
            return;
        }

        var isTick = Tick(meta.TimestampNs);
        var slot = _flows.Observe(meta, layout, frame);
        var result = _recorder.AppendImported(meta, frame, slot, layout, options);
        if (result != AppendResult.Recorded)
        {
            Failure ??= _recorder.StallReason ?? $"A frame of {frame.Length} bytes could not be recorded ({result}).";
            return;
        }

        FirstNs = Math.Min(FirstNs, meta.TimestampNs);
        LastNs = Math.Max(LastNs, meta.TimestampNs);
        if (isTick)
        {
            // As after a live batch. A segment that this frame has begun is as old as the frame.
            _flows.Advance(meta.TimestampNs);
            _recorder.EndBatch(meta.TimestampNs);
        }

        if (--_untilRoom == 0)
        {
            _untilRoom = RoomEvery;
            WaitForRoom();
        }
    }

    public void Ended(int slot, in FlowRecord record) => _recorder.EndFlow(slot, record);

    /// <summary>Ends the flows and closes the last segment.</summary>
    public void End()
    {
        _flows.Flush(FlowEndReason.EndOfInput);
        _recorder.Close(LastNs == long.MinValue ? 0 : LastNs);
        Failure ??= _folder.Removed > 0 ? IsFull : null;
        Failure ??= _recorder.Dropped > 0 ? _recorder.StallReason ?? "The disk did not take all frames." : null;
    }

    public void Dispose()
    {
        _recorder.Dispose();
        _flows.Dispose();
    }

    private static List<(long FromNs, long ToNs)> Covered(IReadOnlyList<ImportedCapture> captures)
    {
        var covered = new List<(long FromNs, long ToNs)>();
        if (captures.Any(c => c.IsPipe))
        {
            return covered;
        }

        foreach (var capture in captures.OrderBy(c => c.FirstNs))
        {
            if (covered.Count > 0 && (Int128)capture.FirstNs - covered[^1].ToNs <= GapNs)
            {
                covered[^1] = (covered[^1].FromNs, Math.Max(covered[^1].ToNs, capture.LastNs));
                continue;
            }

            covered.Add((capture.FirstNs, capture.LastNs));
        }

        return covered;
    }

    // Points that have come up since the last frame.
    private void Describe()
    {
        if (_described == _points.All.Count)
        {
            return;
        }

        for (; _described < _points.All.Count; _described++)
        {
            _recorder.AddPoint(_points.All[_described]);
        }

        if (_filter.NeedsDirectory)
        {
            _filter.Bind(_points.Directory());
        }
    }

    // Follows the stretches that the captures cover: each begins a window.
    private void Cover(long timeNs)
    {
        while (_covering < _covered.Count && timeNs > _covered[_covering].ToNs)
        {
            _covering++;
            _startsAnew = true;
        }

        if (_startsAnew)
        {
            _startsAnew = false;
            var fromNs = _covering < _covered.Count && TimeSteps == 0 ? Math.Min(timeNs, _covered[_covering].FromNs) : timeNs;
            BeginWindow(fromNs);
        }
    }

    // Flows do not reach over a stretch of which nothing is known.
    private void BeginWindow(long fromNs)
    {
        _batchNs = long.MinValue;
        _flows.Flush(FlowEndReason.EndOfInput);
        while (CanGoOn() && !_recorder.TryBeginWindow(fromNs))
        {
            Thread.Yield();
        }
    }

    // True once for each second of the captures; a segment that has become old is ended before the frame.
    private bool Tick(long timeNs)
    {
        if (_batchNs != long.MinValue && timeNs - _batchNs < BatchNs)
        {
            return false;
        }

        _batchNs = timeNs;
        _recorder.EndBatch(timeNs);
        return true;
    }

    private void WaitForRoom()
    {
        while (CanGoOn() && !_recorder.HasRoomForBurst)
        {
            Thread.Yield();
        }
    }

    private bool CanGoOn()
    {
        Failure ??= _folder.Removed > 0 ? IsFull : _recorder.StallReason;
        return Failure is null;
    }

    private readonly struct NoSink : IRecordSink
    {
        public void Write(in FlowRecord record)
        {
        }
    }
}

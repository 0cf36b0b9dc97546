// Packets to disk: one recorder per worker. The worker copies each frame once, as a pcapng block, into a page-aligned
// buffer; a full or old buffer's index goes to the writer's thread (Record/Io/SegmentWriter). The file is composed here,
// to the byte, from section header to ledger; the thread only puts it on disk. When all buffers are on their way, frames
// are counted as dropped: the worker never waits. After start nothing is allocated but by AddPoint.
// Format: docs/formats/segment.md. Limits: buffers × buffer size of memory per worker.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Record.Container;
using Tapline.Record.Index;
using Tapline.Record.Io;
using Tapline.Store;

namespace Tapline.Record;

/// <summary>
/// Records one worker's frames. All calls on the worker's thread unless said otherwise; none blocks but Close.
/// </summary>
public sealed class SegmentRecorder : IDisposable
{
    private const int CloseTimeoutMs = 10_000;
    private readonly RecorderOptions _options;
    private readonly SegmentBuffer[] _buffers;
    private readonly FreeBuffers _free;
    private readonly SegmentWriter _writer;
    private readonly IndexCollector? _index;
    private readonly SegmentFolder _folder;
    private readonly RecorderPoints _points;
    private readonly byte[] _sectionOptions;
    private readonly long _segmentBytes;
    private SegmentBuffer _current;
    private int _currentIndex;
    private int _carriedBytes;
    private bool _isOpen;
    private bool _isClosed;
    private long _segment;
    private long _openedNs;
    private long _flushedNs;
    private long _windowStartNs;
    private long _lastNs;
    private FrameClock _clock;
    private long _lostBefore;
    private long _accepted;
    private long _dropped;
    private long _sliced;
    private long _abandoned;

    // The list of machines that the segment under way has; null = none yet.
    private byte[]? _machines;

    /// <summary>Starts a recorder with its thread.</summary>
    /// <param name="folder">The shared folder; outlives the recorder.</param>
    /// <param name="options">Sizes and names.</param>
    public SegmentRecorder(SegmentFolder folder, RecorderOptions options)
        : this(folder, options, new DiskCalls())
    {
    }

    internal SegmentRecorder(SegmentFolder folder, RecorderOptions options, DiskCalls disk)
    {
        Invariant.Check(options.Worker is >= 0 and <= ushort.MaxValue && options.BufferCount >= 2);
        Invariant.Check(options.BufferBytes >= SegmentEnding.Bytes(Limits.PointsMax, PlacesBlock.PlacesMax) + Limits.FrameBytesMax);
        Invariant.Check(options.SegmentAgeNs <= Limits.SegmentSpanNs / 2);
        _options = options;
        _folder = folder;
        _segmentBytes = Math.Max(
            Limits.SegmentBytesMin,
            options.SegmentBytes > 0
                ? options.SegmentBytes
                : Math.Min(folder.BudgetBytes / Limits.SegmentsPerBudget, Limits.SegmentBytesMax));
        _buffers = SegmentBuffer.Make(options.BufferCount, options.BufferBytes);
        _free = new FreeBuffers(options.BufferCount);
        _ = options.Key is null ? null : KeyRing.Note(folder.Path, options.Key);
        _current = _buffers[0];
        _points = new RecorderPoints(options.Filter);
        _sectionOptions = PcapngOptions.Section(
            $"node {options.Node}, worker {options.Worker}{(options.Policy is { } policy ? $"; {policy}" : "")}");
        _index = options.FlowSlots > 0 ? IndexCollector.ForSegments(_segmentBytes, options.FlowSlots) : null;
        var indexes = _index is null ? null : new IndexFile(folder.Path, disk, _index, options);
        var output = SegmentOutput.Make(options);
        _writer = new SegmentWriter(folder, disk, (ushort)options.Worker, _segmentBytes, _buffers, _free, indexes, output);
    }

    /// <summary>How it is. Any thread.</summary>
    public RecorderState State => _writer.StallReason is not null ? RecorderState.Stalled
        : Volatile.Read(ref _isClosed) ? RecorderState.Closed : RecorderState.Recording;

    /// <summary>Why it is stalled, as one sentence with the mend; null otherwise. Any thread.</summary>
    public string? StallReason => _writer.StallReason;

    /// <summary>Frames taken and not lost later. Any thread.</summary>
    public long Recorded => Volatile.Read(ref _accepted) - _writer.Lost - Volatile.Read(ref _abandoned);

    /// <summary>Frames wanted and lost. Any thread.</summary>
    public long Dropped => Volatile.Read(ref _dropped) + _writer.Lost + Volatile.Read(ref _abandoned);

    /// <summary>Frames taken of which bytes were cut on purpose. Any thread.</summary>
    public long Sliced => Volatile.Read(ref _sliced);

    /// <summary>Bytes written into segments. Any thread.</summary>
    public long BytesWritten => _writer.BytesWritten;

    /// <summary>False when the file system takes no direct writes, so that the page cache is used. Any thread.</summary>
    public bool IsDirect => _writer.IsDirect;

    /// <summary>Segments that were published without an index: it was full, or its disk was. Any thread.</summary>
    public long WithoutIndex => (_index?.Missed ?? 0) + _writer.IndexesLost;

    /// <summary>Segments that have no seal and get none any more, although they should have one. Any thread.</summary>
    public long WithoutSeal => _writer.SealsLost;

    /// <summary>Segments that are visible and wait for their seal. Any thread.</summary>
    public long SealsWaiting => _writer.SealsWaiting;

    /// <summary>What was begun and is on disk, for who reads along. Any thread.</summary>
    internal SegmentTrail Trail => _writer.Trail;

    /// <summary>Frames taken so far, of which is known what became, and that were lost after they had been taken.</summary>
    internal long Accepted => Volatile.Read(ref _accepted);

    internal long Settled => _writer.Settled;

    internal long LostAfterwards => _writer.Lost;

    /// <summary>Where the index finds the records of flows that outlive a segment. Set before the first frame.</summary>
    public IFlowRecords? Flows
    {
        set
        {
            if (_index is not null)
            {
                _index.Flows = value;
            }
        }
    }

    /// <summary>Half of the buffers are free: a source that can wait for that loses nothing. Worker's thread.</summary>
    internal bool HasRoomForBurst => _free.Count * 2 >= _buffers.Length && _index is null or { HasRoom: true };

    /// <summary>Describes a point, before its first frame or again when it changes. Allocates; rare.</summary>
    public void AddPoint(PointInfo point)
    {
        Invariant.Check(point.Id < Limits.PointsMax);
        _points.Describe(point);
        _writer.Describe(point);
    }

    /// <summary>The flow in this slot of the worker's table, or a part of it, has ended. All its frames were appended.</summary>
    public void EndFlow(int slot, in FlowRecord record) => _index?.EndFlow(slot, record);

    /// <summary>Takes one frame: copies it, or drops it and says why. Never blocks, never allocates.</summary>
    /// <param name="meta">The frame's facts.</param>
    /// <param name="frame">Its bytes, borrowed for the call; fewer than were captured where the rest is not wanted.</param>
    /// <param name="flow">Slot of its flow in the worker's table, for the index; -1 = none.</param>
    /// <param name="layout">As decoded, for the index; without it the index knows less of the frame's flow.</param>
    public AppendResult Append(in FrameMeta meta, ReadOnlySpan<byte> frame, int flow = -1, in FrameLayout layout = default) =>
        Append(meta, frame, flow, layout, PcapngWriter.PacketBytes(meta, frame.Length), [], isImported: false);

    /// <summary>Takes a frame of a capture, with what that says of it as ready-made options.</summary>
    internal AppendResult AppendImported(
        in FrameMeta meta, ReadOnlySpan<byte> frame, int flow, in FrameLayout layout, ReadOnlySpan<byte> options) =>
        Append(meta, frame, flow, layout, PcapngWriter.PacketBytes(frame.Length, options.Length), options, isImported: true);

    private AppendResult Append(
        in FrameMeta meta, ReadOnlySpan<byte> frame, int flow, in FrameLayout layout, int size, ReadOnlySpan<byte> options, bool isImported)
    {
        if (_isClosed || meta.PointId >= Limits.PointsMax)
        {
            _dropped++;
            return AppendResult.DroppedClosed;
        }

        ref var point = ref _points.Touch(meta.PointId);
        if (frame.Length > Limits.FrameBytesMax)
        {
            point.Dropped++;
            _dropped++;
            return AppendResult.DroppedTooLong;
        }

        if (!TryMakeRoom(meta, size))
        {
            point.Dropped++;
            _dropped++;
            return _writer.StallReason is null ? AppendResult.DroppedBusy : AppendResult.DroppedStalled;
        }

        // The segment may have changed, and with it the point's entry.
        point = ref _points.Touch(meta.PointId);
        if (point.Interface < 0 || point.LinkType != meta.LinkType)
        {
            _current.Length += _points.WriteInterface(_current.Free, meta.PointId, meta.LinkType, _current.FileEnd);
        }

        _index?.Add(flow, _current.FileEnd, meta, layout, frame);
        _current.Length += isImported
            ? PcapngWriter.WritePacket(_current.Free, (uint)point.Interface, meta, frame, options)
            : PcapngWriter.WritePacket(_current.Free, (uint)point.Interface, meta, frame);
        _current.CountFrame(meta.PointId);
        point.Recorded++;
        point.RecordedBytes += frame.Length;
        point.Cut += (meta.Flags & FrameFlags.Cut) != 0 ? 1 : 0;
        if (frame.Length < meta.CapturedLength)
        {
            point.Sliced++;
            _sliced++;
        }

        _lastNs = Math.Max(_lastNs, meta.TimestampNs);
        _accepted++;
        return AppendResult.Recorded;
    }

    /// <summary>Counts a frame that the recorder's filter did not want, for the segment's ledger.</summary>
    public void CountFiltered(ushort pointId)
    {
        if (pointId < Limits.PointsMax)
        {
            _points.Touch(pointId).Filtered++;
        }
    }

    /// <summary>Counts a frame that is for another class of the recording, for the segment's ledger.</summary>
    public void CountOtherClass(ushort pointId)
    {
        if (pointId < Limits.PointsMax)
        {
            _points.Touch(pointId).OtherClass++;
        }
    }

    /// <summary>Tells the ring's losses of a point, cumulative since start, for the segment's ledger.</summary>
    public void SetRingDrops(ushort pointId, long totalFrames)
    {
        if (pointId < Limits.PointsMax && _points[pointId].RingDrops != totalFrames)
        {
            _points.Touch(pointId).RingDrops = totalFrames;
        }
    }

    /// <summary>Frames of a point that were taken and lost later by a failing disk; cumulative. Any thread.</summary>
    public long LostByWriter(ushort pointId) => pointId < Limits.PointsMax ? _writer.LostOf(pointId) : 0;

    /// <summary>Passes full or old buffers on, closes a segment that is old enough. Call once per batch, also when idle.</summary>
    /// <param name="nowNs">Wall clock, ns since the epoch.</param>
    public void EndBatch(long nowNs)
    {
        _windowStartNs = _windowStartNs == 0 ? nowNs : _windowStartNs;
        if (_isClosed || !_isOpen || !TryLeaveFailedSegment() || !_isOpen)
        {
            _flushedNs = nowNs;
            return;
        }

        _openedNs = _openedNs == 0 || nowNs < _openedNs ? nowNs : _openedNs;
        if (nowNs - _openedNs >= _options.SegmentAgeNs)
        {
            _ = TryEndSegment(nowNs);
            return;
        }

        // Half of the buffers stay free for a burst: then they fill so fast that nothing in them grows old.
        var isOld = nowNs - _flushedNs >= _options.FlushAgeNs || nowNs < _flushedNs;
        if (isOld && _current.Length > _carriedBytes && _free.Count * 2 >= _buffers.Length && TryHandOver(isLast: false))
        {
            _flushedNs = nowNs;
        }
    }

    /// <summary>Ends the segment under way; the next one's window begins at this time instead of where the last one ended. False while
    /// no buffer is free.</summary>
    internal bool TryBeginWindow(long startNs)
    {
        if (_isOpen && !TryEndSegment(Math.Max(_lastNs, _windowStartNs)))
        {
            return false;
        }

        (_windowStartNs, _lastNs) = (startNs, startNs);
        return true;
    }

    /// <summary>Closes and publishes the last segment and ends the writer. Waits for the disk, at most some seconds.</summary>
    /// <param name="nowNs">Wall clock, ns since the epoch.</param>
    public void Close(long nowNs)
    {
        if (_isClosed)
        {
            return;
        }

        var deadline = Environment.TickCount64 + CloseTimeoutMs;
        while (_isOpen && (!TryLeaveFailedSegment() || (_isOpen && !TryEndSegment(nowNs))))
        {
            if (_writer.StallReason is not null || Environment.TickCount64 > deadline)
            {
                _writer.GiveUpOnFailure();
            }

            if (Environment.TickCount64 > deadline + CloseTimeoutMs)
            {
                break;
            }

            Thread.Sleep(1);
        }

        Volatile.Write(ref _isClosed, true);
        _writer.End();
        if (!_writer.Join(CloseTimeoutMs))
        {
            // The disk does not answer: what it has not confirmed is not recorded.
            Volatile.Write(ref _abandoned, _accepted - _writer.Settled);
        }
    }

    /// <summary>Releases buffers; closes first where that was not done.</summary>
    public void Dispose()
    {
        Close(_lastNs);
        if (!_writer.HasEnded)
        {
            _folder.KeepForHangingWriter();
            return; // a hanging write still reads its buffer
        }

        _writer.Release();
        _index?.Dispose();
        _points.Dispose();
        foreach (var buffer in _buffers)
        {
            buffer.Dispose();
        }
    }

    // After this the current buffer takes `bytes` and, where the point needs one, an interface block.
    private bool TryMakeRoom(in FrameMeta meta, int bytes)
    {
        if (_isOpen && !TryLeaveFailedSegment())
        {
            return false;
        }

        var machines = _folder.Machines;
        bytes += _points.InterfaceBytes(meta.PointId);
        if (_isOpen && (_current.FileEnd + bytes + MachinesBytes(machines) + EndingBytes > _segmentBytes
            || _points.Interfaces >= Limits.SegmentInterfacesMax || _index is { IsFull: true }))
        {
            if (!TryEndSegment(Math.Max(_lastNs, _windowStartNs)))
            {
                return false;
            }
        }

        if (_isOpen && _clock.HasStepped(_lastNs, meta.TimestampNs))
        {
            // Where no buffer is free, the frame matters more than the order of times.
            _ = TryEndSegment(Math.Max(_lastNs, _windowStartNs));
        }

        if (!_isOpen)
        {
            BeginSegment(meta.TimestampNs);
        }

        if (_current.Length + bytes + MachinesBytes(machines) > _current.CapacityBytes && !TryHandOver(isLast: false))
        {
            return false;
        }

        if (machines != _machines)
        {
            if (machines.Length > 0)
            {
                _points.AddPlace(_current.FileEnd);
            }

            machines.CopyTo(_current.Free);
            _current.Length += machines.Length;
            _machines = machines;
        }

        return true;
    }

    // Room for the segment's end, with one description more.
    private int EndingBytes => SegmentEnding.Bytes(_points.Touched.Length, _points.Places.Length + 1);

    // Room for the list of machines, where the segment does not have this one.
    private int MachinesBytes(byte[] machines) => machines == _machines ? 0 : machines.Length;

    private void BeginSegment(long startNs)
    {
        Invariant.Check(_current.Length == 0 && _current.Frames == 0);
        _segment++;
        _current.Segment = _segment;
        _index?.Begin(_segment);
        _current.SegmentStartNs = startNs;
        _current.Length = PcapngWriter.WriteSectionHeader(_current.Memory, _sectionOptions);
        _carriedBytes = 0;
        _machines = null;
        _isOpen = true;
        _openedNs = 0;
        _windowStartNs = _windowStartNs == 0 || FrameClock.IsBack(_windowStartNs, startNs) ? startNs : _windowStartNs;
        _lastNs = startNs;
    }

    private bool TryEndSegment(long nowNs)
    {
        Invariant.Check(_isOpen);
        TouchLosses();
        var room = _current.CapacityBytes - _current.Length;
        if (room < EndingBytes && !TryHandOver(isLast: false))
        {
            return false;
        }

        if (_free.Count == 0)
        {
            return false;
        }

        var endNs = Math.Max(nowNs, _windowStartNs);
        _current.Length += SegmentEnding.Write(_current.Free, _points, _writer, _options.Worker, _windowStartNs, endNs, _current.FileEnd);
        _current.Index = _index?.Finish() ?? -1;
        Invariant.Check(TryHandOver(isLast: true));
        _points.NextWindow();
        _windowStartNs = endNs;
        _isOpen = false;
        return true;
    }

    // Losses that the writer has counted belong into the next ledger, also those of points that have been silent since.
    private void TouchLosses()
    {
        var lost = _writer.Lost;
        if (lost == _lostBefore)
        {
            return;
        }

        _lostBefore = lost;
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            if (_writer.LostOf(point) != _points[point].LostBefore)
            {
                _ = _points.Touch(point);
            }
        }
    }

    // True when the segment under way is sound, or was given up and the next one can begin.
    private bool TryLeaveFailedSegment()
    {
        if (_writer.FailedSegment != _segment)
        {
            return true;
        }

        // The writer counts what is in this buffer as lost, as it did with the others.
        if (!TryHandOver(isLast: true))
        {
            return false;
        }

        _points.ForgetSegment();
        _index?.Abandon();
        _isOpen = false;
        return true;
    }

    private bool TryHandOver(bool isLast)
    {
        if (!_free.TryTake(out var index))
        {
            return false;
        }

        var next = _buffers[index];
        _carriedBytes = 0;
        if (!isLast)
        {
            var partial = _current.PartialPage;
            partial.CopyTo(next.Memory);
            next.Length = partial.Length;
            next.FileOffset = _current.FileEnd - partial.Length;
            next.Segment = _current.Segment;
            next.SegmentStartNs = _current.SegmentStartNs;
            _carriedBytes = partial.Length;
        }

        _current.IsLast = isLast;
        _writer.HandOver(_currentIndex);
        _currentIndex = index;
        _current = next;
        return true;
    }
}

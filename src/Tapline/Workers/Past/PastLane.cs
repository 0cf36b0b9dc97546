// One recorder's part of a session's past: its segments one after the other, up to the last frame that is on disk, and on as it
// grows. In: files, hostile; the recorder's trail, believed. Out: one frame at a time, in the order in which the worker recorded them. One
// thread; a buffer of half a megabyte for each segment.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Extract;

namespace Tapline.Workers.Past;

/// <summary>Reads along with one recorder, or to the end of what one has left behind.</summary>
internal sealed class PastLane : IDisposable
{
    private readonly PastSegments _segments;
    private readonly ushort _worker;
    private readonly SegmentTrail? _trail;
    private readonly PastPoints _points;
    private readonly PastLosses _losses;
    private readonly long _sinceNs;
    private readonly List<ExtractPoint?> _interfaces = [];
    private List<SegmentName> _names = [];
    private int _nextName;
    private long _listedAt = -1;
    private long _currentNs = long.MinValue;
    private SegmentCursor? _cursor;
    private SegmentEnd? _end;
    private FrameMeta _meta;
    private bool _hasHead;
    private string? _fault;

    // The segment under the cursor in the recorder's trail; 0 = it is older than that.
    private long _number;
    private long _runFrames = -1;

    // So many frames were on disk when the cursor last began to read ahead: what it holds of them is whole.
    private long _freshFrames;

    /// <param name="folder">The recording's folder.</param>
    /// <param name="worker">Whose segments.</param>
    /// <param name="recorder">The recorder that writes on; null = nobody does.</param>
    /// <param name="mark">Where that stood when the session was noted.</param>
    /// <param name="points">The session's points.</param>
    /// <param name="losses">What is missing.</param>
    /// <param name="sinceNs">The first time that is wanted.</param>
    public PastLane(
        string folder, ushort worker, SegmentRecorder? recorder, in PastMark mark, PastPoints points, PastLosses losses, long sinceNs)
    {
        _segments = new PastSegments(folder, worker);
        _worker = worker;
        Recorder = recorder;
        _trail = recorder?.Trail;
        Mark = mark;
        _points = points;
        _losses = losses;
        _sinceNs = sinceNs;
    }

    public SegmentRecorder? Recorder { get; }

    /// <summary>Where that stood when the session was noted.</summary>
    public PastMark Mark { get; }

    /// <summary>Frames of the recorder's life that were read or passed over; -1 = it has not come to them yet.</summary>
    public long RunFrames => _number > 0 ? _runFrames : _trail is null or { Last: 0 } ? 0 : -1;

    /// <summary>Frames of the recorder's life beyond which nothing is read.</summary>
    public long Limit { get; set; } = long.MaxValue;

    /// <summary>The frame that <see cref="TryHead"/> found.</summary>
    public ref readonly FrameMeta Meta => ref _meta;

    public ReadOnlySpan<byte> Frame => PacketBlock.Frame(_cursor!.Block);

    /// <summary>Makes the next frame ready; false when none is on disk, or none more is wanted.</summary>
    public bool TryHead()
    {
        while (!_hasHead)
        {
            if (_cursor is null && !TryOpen())
            {
                return false;
            }

            if (IsAtLimit(out var isEnd))
            {
                if (!isEnd)
                {
                    return false;
                }

                Close();
            }
            else if (!TryBlock())
            {
                if (!IsLeft())
                {
                    return false;
                }

                Close();
            }
        }

        return true;
    }

    /// <summary>Done with the frame.</summary>
    public void Pop() => _hasHead = false;

    public void Dispose() => _cursor?.Dispose();

    // In the recorder's life only what is surely on disk is read. True = not further now; then isEnd = the segment is read.
    private bool IsAtLimit(out bool isEnd)
    {
        isEnd = false;
        if (_number == 0)
        {
            return false;
        }

        if (_runFrames >= Limit)
        {
            return true;
        }

        var hasNext = _trail!.TryGet(_number + 1, out _, out var next);
        if (!hasNext && _trail.Last > _number)
        {
            return false; // it lags far behind: this segment was finished long ago
        }

        isEnd = hasNext && _runFrames >= next;
        var onDisk = _trail.OnDisk;
        if (_runFrames >= (hasNext ? next : onDisk))
        {
            return true;
        }

        if (_runFrames >= _freshFrames)
        {
            _freshFrames = onDisk;
            _cursor!.Refresh();
        }

        return false;
    }

    // The next block, which may be a frame; false = there is none.
    private bool TryBlock()
    {
        var cursor = _cursor!;
        try
        {
            if (!cursor.TryNext())
            {
                return false;
            }
        }
        catch (IOException e)
        {
            _fault = e.Message;
            return false;
        }

        switch (cursor.Type)
        {
            case PcapngWriter.InterfaceDescription:
                _interfaces.Add(_interfaces.Count < Limits.SegmentInterfacesMax ? _points.Find(cursor.Block) : null);
                break;
            case PcapngWriter.EnhancedPacket:
                _runFrames += _number > 0 ? 1 : 0;
                TakePacket(cursor.Block);
                break;
        }

        return true;
    }

    private void TakePacket(ReadOnlySpan<byte> block)
    {
        var point = PacketBlock.Interface(block) is { } number && number < (uint)_interfaces.Count ? _interfaces[(int)number] : null;
        if (point is null || !PacketBlock.TryRead(block, point, out _meta))
        {
            _losses.CountDamaged($"A segment of {_segments.Folder} has a packet that contradicts itself; it was left out.");
            return;
        }

        if (_meta.TimestampNs < _sinceNs)
        {
            return;
        }

        _meta.PointId = _points.IdOf(point);
        if (_meta.CapturedLength < _meta.OriginalLength)
        {
            _losses.CountCut();
        }

        _hasHead = true;
    }

    // No block came. True = leave this segment; false = what is missing is on its way.
    private bool IsLeft()
    {
        var missing = _number > 0 && _trail!.TryGet(_number + 1, out _, out var next) ? next - _runFrames : 0;
        if ((_fault ?? _cursor!.Fault) is { } fault)
        {
            _losses.CountDamaged($"A segment of {_segments.Folder} is damaged and was read only in part: {fault}.", missing);
            return true;
        }

        if (_number == 0 || _trail!.Last > _number + 1)
        {
            if (missing > 0)
            {
                _losses.CountDamaged($"A segment of {_segments.Folder} has fewer frames than were written into it.", missing);
            }

            return true;
        }

        _cursor!.Refresh();
        return false;
    }

    private void Close()
    {
        CountLedger();
        _cursor?.Dispose();
        _cursor = null;
        _fault = null;
    }

    // What the recorder did not write down of the session's points, as it says itself; of the time before the session only:
    // since then the workers count it, to the frame.
    private void CountLedger()
    {
        if (_end is not { IsRecovered: false } end || !Mark.IsAfter(_number, _currentNs))
        {
            return;
        }

        foreach (var row in end.Rows)
        {
            if (row.Interface < (uint)_interfaces.Count && _interfaces[(int)row.Interface] is { } point && _points.IsWanted(point))
            {
                _losses.CountLedger(row.DroppedRing, row.DroppedRecorder, row.Filtered);
            }
        }
    }

    private bool TryOpen()
    {
        try
        {
            return TryOpenNext();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is tried again and again; told once.
            var sentence = $"The recording {_segments.Folder} can't be read: {e.Message}";
            if (_losses.Fault != sentence)
            {
                _losses.CountDamaged(sentence);
            }

            _nextName = Math.Min(_nextName + 1, _names.Count);
            return false;
        }
    }

    private bool TryOpenNext()
    {
        while (true)
        {
            if (_number > 0 && _trail!.TryGet(_number + 1, out var startNs, out var before))
            {
                if (TryOpen(new SegmentName(startNs, _worker, IsRecovered: false)))
                {
                    Enter(_number + 1, startNs, before);
                    return true;
                }

                if (!_trail.TryGet(_number + 2, out _, out var after))
                {
                    return false;
                }

                _number++;
                _runFrames = after;
                if (after > before)
                {
                    CountRemoved(after - before);
                }

                continue;
            }

            if (_number > 0 && _trail!.Last <= _number)
            {
                return false;
            }

            // Not in the trail: older, or so far behind that the trail has forgotten where this was.
            if (_number > 0)
            {
                (_number, _names, _nextName, _listedAt) = (0, [], 0, -1);
            }

            if (_nextName < _names.Count)
            {
                if (TryOpenName(_names[_nextName], out var isLater))
                {
                    return true;
                }

                if (isLater)
                {
                    return false;
                }

                continue;
            }

            if (!TryList())
            {
                return TryEnterTrail();
            }
        }
    }

    private bool TryOpenName(in SegmentName name, out bool isLater)
    {
        var number = _trail?.Find(name.StartNs) ?? 0;
        if (number > 0 && _trail!.TryGet(number, out var startNs, out var before) && TryOpen(name))
        {
            _nextName++;
            Enter(number, startNs, before);
            isLater = false;
            return true;
        }

        // Under way and not in the trail: it will be in a moment.
        isLater = number == 0 && _trail is not null && _segments.IsUnderWay(name);
        if (isLater)
        {
            return false;
        }

        _nextName++;
        _currentNs = name.StartNs;
        if (TryOpen(name))
        {
            return true;
        }

        CountRemoved(0);
        return false;
    }

    private void Enter(long number, long startNs, long framesBefore)
    {
        _number = number;
        _runFrames = framesBefore;
        _freshFrames = framesBefore;
        _currentNs = startNs;
    }

    private bool TryEnterTrail()
    {
        if (_trail is null or { Last: 0 })
        {
            return false;
        }

        for (var number = _trail.First; number <= _trail.Last; number++)
        {
            if (_trail.TryGet(number, out var startNs, out var before)
                && TryOpen(new SegmentName(startNs, _worker, IsRecovered: false)))
            {
                Enter(number, startNs, before);
                return true;
            }
        }

        return false;
    }

    private void CountRemoved(long frames) => _losses.CountRemoved(
        frames, $"A segment of {_segments.Folder} was removed before the session had read it (the recording's budget or age).");

    // True when the folder has segments behind the latest one that was read.
    private bool TryList()
    {
        var last = _trail?.Last ?? 0;
        if (_listedAt == last)
        {
            return false;
        }

        _listedAt = last;
        (_names, _nextName) = (_segments.ListAfter(_currentNs, _sinceNs), 0);
        return _names.Count > 0;
    }

    private bool TryOpen(in SegmentName name)
    {
        if (_segments.TryOpen(name, out var end) is not { } cursor)
        {
            return false;
        }

        (_cursor, _end) = (cursor, end);
        _interfaces.Clear();
        return true;
    }
}

// Puts the frames of several segments into one order of time: each waits until no segment can still give an earlier one.
// Frames come nearly in order, so they stand in a few runs, each in order, that are merged as they leave; what fits no run waits in a
// heap. Copies of waiting blocks lie in large chunks that are used again. Beyond the memory allowed, the earliest leaves although an
// earlier one may come, which is counted. Equal times keep the order in which they came. One thread.
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>A bounded queue by time.</summary>
internal sealed class TimeOrder(TimeOrder.Taker taker, int bytesMax)
{
    private const int RunsMax = 8;
    private const int ChunkBytes = 256 << 10;
    private const int WaitingBytes = 96; // what a waiting frame takes beside its block
    private readonly List<Run> _runs = [];
    private readonly PriorityQueue<Waiting, (long TimeNs, long Number)> _stragglers = new();
    private readonly Stack<Chunk> _free = new();
    private Chunk _filling = new(ChunkBytes);
    private Run? _next;
    private long _number;
    private long _bytes = ChunkBytes;
    private long _lastNs = long.MinValue;

    /// <summary>Takes the frames as they leave; spans are borrowed for the call.</summary>
    public delegate void Taker(in FrameMeta meta, ReadOnlySpan<byte> block);

    /// <summary>Frames that left after a later one.</summary>
    public long OutOfOrder { get; private set; }

    public void Put(in FrameMeta meta, ReadOnlySpan<byte> block)
    {
        var waiting = new Waiting(meta, Copy(block, out var offset), offset, block.Length, _number++);
        if (RunFor(meta.TimestampNs) is { } run)
        {
            run.LastNs = meta.TimestampNs;
            run.Frames.Enqueue(waiting);
        }
        else
        {
            _stragglers.Enqueue(waiting, (meta.TimestampNs, waiting.Number));
        }

        _bytes += WaitingBytes;
        while (_bytes > bytesMax && TryFindNext(out _))
        {
            Leave();
        }
    }

    /// <summary>Lets go what is earlier than this.</summary>
    public void Release(long beforeNs)
    {
        while (TryFindNext(out var timeNs) && timeNs < beforeNs)
        {
            Leave();
        }
    }

    /// <summary>Lets go all that is left.</summary>
    public void ReleaseAll()
    {
        while (TryFindNext(out _))
        {
            Leave();
        }
    }

    // The run that it lengthens by the least time; null = none, and there are enough.
    private Run? RunFor(long timeNs)
    {
        Run? best = null;
        foreach (var run in _runs)
        {
            if (run.Frames.Count == 0)
            {
                best ??= run;
            }
            else if (run.LastNs <= timeNs && (best is null || best.Frames.Count == 0 || run.LastNs > best.LastNs))
            {
                best = run;
            }
        }

        if (best is null && _runs.Count < RunsMax)
        {
            _runs.Add(best = new Run());
        }

        return best;
    }

    // Which run has the earliest frame is left in _next; null = the stragglers have it.
    private bool TryFindNext(out long timeNs)
    {
        var earliest = (TimeNs: long.MaxValue, Number: long.MaxValue);
        _next = null;
        foreach (var run in _runs)
        {
            if (run.Frames.TryPeek(out var frame) && (frame.Meta.TimestampNs, frame.Number).CompareTo(earliest) < 0)
            {
                earliest = (frame.Meta.TimestampNs, frame.Number);
                _next = run;
            }
        }

        if (_stragglers.TryPeek(out _, out var straggler) && straggler.CompareTo(earliest) < 0)
        {
            earliest = straggler;
            _next = null;
        }

        timeNs = earliest.TimeNs;
        return earliest.Number != long.MaxValue;
    }

    private void Leave()
    {
        var frame = _next is null ? _stragglers.Dequeue() : _next.Frames.Dequeue();
        OutOfOrder += frame.Meta.TimestampNs < _lastNs ? 1 : 0;
        _lastNs = Math.Max(_lastNs, frame.Meta.TimestampNs);
        taker(frame.Meta, frame.Chunk.Bytes.AsSpan(frame.Offset, frame.Length));
        _bytes -= WaitingBytes;
        if (--frame.Chunk.Waiting == 0 && frame.Chunk != _filling)
        {
            GiveBack(frame.Chunk);
        }
    }

    private Chunk Copy(ReadOnlySpan<byte> block, out int offset)
    {
        if (_filling.Waiting == 0)
        {
            _filling.Used = 0;
        }

        if (block.Length > _filling.Bytes.Length - _filling.Used)
        {
            if (_filling.Waiting == 0)
            {
                GiveBack(_filling);
            }

            _filling = block.Length > ChunkBytes ? new Chunk(block.Length) : _free.TryPop(out var free) ? free : new Chunk(ChunkBytes);
            _bytes += _filling.Bytes.Length;
        }

        offset = _filling.Used;
        block.CopyTo(_filling.Bytes.AsSpan(offset));
        _filling.Used += block.Length;
        _filling.Waiting++;
        return _filling;
    }

    private void GiveBack(Chunk chunk)
    {
        _bytes -= chunk.Bytes.Length;
        chunk.Used = 0;
        if (chunk.Bytes.Length == ChunkBytes)
        {
            _free.Push(chunk);
        }
    }

    private readonly record struct Waiting(FrameMeta Meta, Chunk Chunk, int Offset, int Length, long Number);

    private sealed class Run
    {
        public Queue<Waiting> Frames { get; } = new();

        public long LastNs { get; set; }
    }

    private sealed class Chunk(int bytes)
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(bytes);

        public int Used { get; set; }

        public int Waiting { get; set; }
    }
}

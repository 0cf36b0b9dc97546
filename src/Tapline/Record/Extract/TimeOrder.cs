// Puts the frames of several segments into one order of time: each waits until no segment can still give an earlier one.
// Copies of waiting blocks are pooled; beyond the memory allowed, the earliest leaves although an earlier one may come, which
// is counted. Equal times keep the order in which they came. One thread.
using System.Buffers;
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>A bounded queue by time.</summary>
internal sealed class TimeOrder(TimeOrder.Taker taker, int bytesMax)
{
    private readonly PriorityQueue<Waiting, (long TimeNs, long Number)> _queue = new();
    private long _number;
    private long _bytes;
    private long _lastNs = long.MinValue;

    /// <summary>Takes the frames as they leave; spans are borrowed for the call.</summary>
    public delegate void Taker(in FrameMeta meta, ReadOnlySpan<byte> block);

    /// <summary>Frames that left after a later one.</summary>
    public long OutOfOrder { get; private set; }

    public void Put(in FrameMeta meta, ReadOnlySpan<byte> block)
    {
        var copy = ArrayPool<byte>.Shared.Rent(block.Length);
        block.CopyTo(copy);
        _queue.Enqueue(new Waiting(meta, copy, block.Length), (meta.TimestampNs, _number++));
        _bytes += copy.Length;
        while (_bytes > bytesMax)
        {
            Leave();
        }
    }

    /// <summary>Lets go what is earlier than this.</summary>
    public void Release(long beforeNs)
    {
        while (_queue.TryPeek(out _, out var key) && key.TimeNs < beforeNs)
        {
            Leave();
        }
    }

    /// <summary>Lets go all that is left.</summary>
    public void ReleaseAll()
    {
        while (_queue.Count > 0)
        {
            Leave();
        }
    }

    private void Leave()
    {
        var next = _queue.Dequeue();
        OutOfOrder += next.Meta.TimestampNs < _lastNs ? 1 : 0;
        _lastNs = Math.Max(_lastNs, next.Meta.TimestampNs);
        taker(next.Meta, next.Block.AsSpan(0, next.Length));
        _bytes -= next.Block.Length;
        ArrayPool<byte>.Shared.Return(next.Block);
    }

    private readonly record struct Waiting(FrameMeta Meta, byte[] Block, int Length);
}

// Smooths bursts for a target that is slower than the taps: finished wire frames wait here, bounded, and are handed on to
// the output behind at no more than the session's rate. In and out: wire frames; each is copied once more. Frames that
// find the wait full are `busy`, as behind any slow target. The rate is the session's: all its workers draw from one
// bucket. One worker thread; owns its memory and the output behind it.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send;

/// <summary>An output that sends no faster than a rate.</summary>
public sealed class PacedOutput : WireOutput
{
    private readonly WireOutput _behind;
    private readonly RateCap _rate;
    private readonly Func<long> _nowNs;
    private readonly NativeArray<Entry> _entries = new(Limits.MirrorSendFrames);
    private readonly NativeArray<byte> _buffer = new(Limits.MirrorSendBufferBytes);

    // Entry numbers and byte positions only ever grow; the place in the ring is the remainder.
    private long _head;
    private long _tail;
    private long _dataHead;
    private long _dataTail;
    private long _frameStart;
    private FrameMeta _meta;
    private FrameLayout _layout;

    /// <summary>Paces <paramref name="behind"/>, which is disposed with this output.</summary>
    /// <param name="behind">Where the frames go.</param>
    /// <param name="rate">The session's bucket, shared by its workers.</param>
    /// <param name="nowNs">A clock that only goes forward.</param>
    public PacedOutput(WireOutput behind, RateCap rate, Func<long> nowNs)
    {
        _behind = behind;
        _rate = rate;
        _nowNs = nowNs;
    }

    /// <inheritdoc/>
    public override int FrameBytesMax => _behind.FrameBytesMax;

    /// <inheritdoc/>
    public override bool HasRoomForTag => _behind.HasRoomForTag;

    /// <inheritdoc/>
    public override OversizePolicy Oversize => _behind.Oversize;

    /// <inheritdoc/>
    public override bool IsUp => _behind.IsUp;

    /// <inheritdoc/>
    public override string? WhyDown => _behind.WhyDown;

    /// <inheritdoc/>
    public override IReadOnlyList<StreamClient> Clients => _behind.Clients;

    /// <inheritdoc/>
    public override int FillPercent => (int)Math.Max(
        100 * (_tail - _head) / _entries.Length, _tail == _head ? 0 : 100 * (_dataTail - _dataHead) / _buffer.Length);

    /// <inheritdoc/>
    public override bool TakesAsCaptured(in FrameMeta meta) => _behind.TakesAsCaptured(meta);

    /// <inheritdoc/>
    public override void Missed(in FrameMeta meta, DropReason reason) => _behind.Missed(meta, reason);

    /// <inheritdoc/>
    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        if (wireFrames > _entries.Length || wireBytes > _buffer.Length)
        {
            return DropReason.Error;
        }

        if (!TryReserve(wireFrames, wireBytes))
        {
            Flush(ref counters);
            if (!TryReserve(wireFrames, wireBytes))
            {
                return DropReason.Busy;
            }
        }

        _frameStart = _tail;
        _meta = meta;
        _layout = layout;
        return DropReason.None;
    }

    /// <inheritdoc/>
    public override Span<byte> Slot(int bytes) => _buffer.Span.Slice(Place(_dataTail), bytes);

    /// <inheritdoc/>
    public override void Commit(int bytes, bool isSliced) => CommitPart(bytes, isSliced ? bytes + 1 : bytes);

    /// <inheritdoc/>
    public override void CommitPart(int bytes, int wholeBytes)
    {
        Invariant.Check(_tail - _head < _entries.Length);
        _entries[Index(_tail++)] = new Entry { Start = _dataTail, Bytes = bytes, WholeBytes = wholeBytes };
        _dataTail += bytes;
    }

    /// <inheritdoc/>
    public override void EndFrame(ref MirrorCounters counters)
    {
        Invariant.Check(_tail > _frameStart);
        ref var first = ref _entries[Index(_frameStart)];
        first.WireFrames = (int)(_tail - _frameStart);
        first.FrameBytes = (int)(_dataTail - first.Start);
        first.Meta = _meta;
        first.Layout = _layout;
        counters.Waiting++;
    }

    /// <inheritdoc/>
    public override void Flush(ref MirrorCounters counters)
    {
        var nowNs = _nowNs();
        while (_head < _tail)
        {
            if (!_behind.IsUp)
            {
                Drop(DropReason.TargetDown, ref counters);
            }
            else if (!_rate.TryTake(nowNs, _entries[Index(_head)].FrameBytes * 8L))
            {
                break;
            }
            else
            {
                HandOn(ref counters);
            }
        }

        _behind.Flush(ref counters);
    }

    /// <inheritdoc/>
    public override void Finish(ref MirrorCounters counters)
    {
        Flush(ref counters);
        while (_head < _tail)
        {
            Drop(DropReason.Busy, ref counters);
        }

        _behind.Finish(ref counters);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _behind.Dispose();
        _entries.Dispose();
        _buffer.Dispose();
    }

    private bool TryReserve(int wireFrames, int wireBytes)
    {
        if (_head == _tail)
        {
            _dataHead = _dataTail;
        }

        // A frame's pieces lie in one piece; what does not fit before the buffer's end starts again at its beginning.
        var place = Place(_dataTail);
        var skip = place + wireBytes > _buffer.Length ? _buffer.Length - place : 0;
        if (_tail - _head + wireFrames > _entries.Length || _dataTail + skip + wireBytes - _dataHead > _buffer.Length)
        {
            return false;
        }

        _dataTail += skip;
        return true;
    }

    // What the output behind refuses is lost like any frame that a target did not take in time.
    private void HandOn(ref MirrorCounters counters)
    {
        ref readonly var frame = ref _entries[Index(_head)];
        var reason = _behind.Begin(frame.Meta, frame.Layout, frame.WireFrames, frame.FrameBytes, ref counters);
        if (reason != DropReason.None)
        {
            _behind.Missed(frame.Meta, reason);
            Drop(reason, ref counters);
            return;
        }

        for (var i = 0; i < frame.WireFrames; i++)
        {
            ref readonly var wire = ref _entries[Index(_head + i)];
            _buffer.Span.Slice(Place(wire.Start), wire.Bytes).CopyTo(_behind.Slot(wire.Bytes));
            _behind.CommitPart(wire.Bytes, wire.WholeBytes);
        }

        Leave(frame, ref counters);
        _behind.EndFrame(ref counters);
    }

    private void Drop(DropReason reason, ref MirrorCounters counters)
    {
        Leave(_entries[Index(_head)], ref counters);
        counters.CountDrop(reason);
    }

    private void Leave(in Entry frame, ref MirrorCounters counters)
    {
        _dataHead = frame.Start + frame.FrameBytes;
        _head += frame.WireFrames;
        counters.Waiting--;
    }

    private static int Index(long number) => (int)(number & (Limits.MirrorSendFrames - 1));

    private int Place(long position) => (int)(position % _buffer.Length);

    // What stands in a captured frame's first entry tells of all of its wire frames.
    private struct Entry
    {
        public long Start;
        public int Bytes;
        public int WholeBytes;
        public int WireFrames;
        public int FrameBytes;
        public FrameMeta Meta;
        public FrameLayout Layout;
    }
}

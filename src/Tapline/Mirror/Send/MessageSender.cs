// What all senders of packets have in common: frames wait in this sender's own memory, in order, and leave by sendmmsg, which
// tells of each whether the kernel took it. In: wire frames, each with room for a header before it. Out: packets on a socket,
// the fate of each captured frame in the ledger. Never blocks: what a slow target does not take waits here, bounded, and then
// new frames are counted as dropped. One worker thread; allocates nothing after construction.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using static Tapline.Base.Kernel.Socket;
using static Tapline.Base.Native.SystemCalls;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>Sends packets by a non-blocking socket. Owns its memory; the heir owns the socket.</summary>
public abstract unsafe class MessageSender : WireOutput
{
    /// <summary>Frames handed over by one system call; more would not make it cheaper.</summary>
    private const int SendFramesMax = 256;

    private static readonly long s_stuckTicks = Stopwatch.Frequency / 50;
    private static readonly TimeSpan s_finishLimit = TimeSpan.FromMilliseconds(500);

    private readonly int _headerBytes;
    private readonly SendQueue _queue = new(Limits.MirrorSendFrames, Limits.MirrorSendBufferBytes);
    private readonly NativeArray<byte> _buffer = new(Limits.MirrorSendBufferBytes);
    private readonly NativeArray<iovec> _vectors = new(Limits.MirrorSendFrames);
    private readonly NativeArray<mmsghdr> _messages = new(Limits.MirrorSendFrames);
    private long _stuckNumber = -1;
    private long _stuckSince;
    private bool _isDisposed;

    /// <summary>A sender that writes <paramref name="headerBytes"/> before each frame.</summary>
    private protected MessageSender(int headerBytes)
    {
        _headerBytes = headerBytes;
        for (var i = 0; i < _messages.Length; i++)
        {
            _messages[i].msg_iov = (iovec*)Unsafe.AsPointer(ref _vectors[i]);
            _messages[i].msg_iovlen = 1;
        }
    }

    /// <summary>The socket.</summary>
    private protected abstract int Descriptor { get; }

    /// <summary>Bytes of the oldest waiting packet, header included.</summary>
    private protected int HeadBytes => (int)_vectors[_queue.HeadIndex].iov_len;

    /// <summary>Number of the oldest waiting packet, to tell whether it is still the same one.</summary>
    private protected long HeadNumber => _queue.HeadNumber;

    /// <summary>True when nothing waits.</summary>
    private protected bool IsEmpty => _queue.Count == 0;

    /// <inheritdoc/>
    public sealed override int FillPercent => _queue.FillPercent;

    /// <inheritdoc/>
    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        var bytes = wireBytes + (wireFrames * _headerBytes);
        if (_queue.TryBegin(wireFrames, bytes))
        {
            return DropReason.None;
        }

        if (!_queue.CanEverHold(wireFrames, bytes))
        {
            return DropReason.Error;
        }

        Flush(ref counters);
        return !IsUp ? DropReason.TargetDown
            : _queue.TryBegin(wireFrames, bytes) ? DropReason.None
            : DropReason.Busy;
    }

    /// <inheritdoc/>
    public sealed override Span<byte> Slot(int bytes) => _buffer.Span.Slice(_queue.WriteOffset + _headerBytes, bytes);

    /// <inheritdoc/>
    public sealed override void Commit(int bytes, bool isSliced)
    {
        var packet = _buffer.Span.Slice(_queue.WriteOffset, _headerBytes + bytes);
        if (_headerBytes > 0)
        {
            WriteHeader(packet, isSliced);
        }

        ref var vector = ref _vectors[_queue.Append(_headerBytes, bytes, isSliced)];
        vector.iov_base = (byte*)Unsafe.AsPointer(ref packet[0]);
        vector.iov_len = (nuint)packet.Length;
    }

    /// <inheritdoc/>
    public sealed override void EndFrame(ref MirrorCounters counters) => _queue.EndFrame(ref counters);

    /// <inheritdoc/>
    public sealed override void Flush(ref MirrorCounters counters)
    {
        CheckTarget();
        if (!IsUp)
        {
            _queue.DropAll(DropReason.TargetDown, ref counters);
            return;
        }

        while (_queue.Count > 0)
        {
            var run = Math.Min(_queue.HeadRun, SendFramesMax);
            var first = (mmsghdr*)Unsafe.AsPointer(ref _messages[_queue.HeadIndex]);
            var taken = sendmmsg(Descriptor, first, (uint)run, MSG_DONTWAIT);
            if (taken > 0)
            {
                _queue.Sent(taken, ref counters);
                HasSent();
            }
            else if (!GoOnAfter(LastError, ref counters))
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public sealed override void Finish(ref MirrorCounters counters)
    {
        // The end of the session: no frame waits behind these any more, so a short wait for a slow target is allowed.
        var start = Stopwatch.GetTimestamp();
        Flush(ref counters);
        while (_queue.Count > 0 && Stopwatch.GetElapsedTime(start) < s_finishLimit)
        {
            Thread.Sleep(1);
            Flush(ref counters);
        }

        _queue.DropAll(DropReason.Busy, ref counters);
    }

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        CloseSocket();
        _queue.Dispose();
        _messages.Dispose();
        _vectors.Dispose();
        _buffer.Dispose();
    }

    /// <summary>Looks at the target, as often as its kind wants; called before each flush.</summary>
    private protected abstract void CheckTarget();

    /// <summary>The kernel took a packet.</summary>
    private protected virtual void HasSent()
    {
    }

    /// <summary>The kernel refused the oldest packet. True = go on with the next call, false = later.</summary>
    private protected abstract bool GoOnAfter(int errno, ref MirrorCounters counters);

    /// <summary>Ends the socket.</summary>
    private protected abstract void CloseSocket();

    /// <summary>Writes the header at the beginning of the packet; the frame is behind it.</summary>
    private protected virtual void WriteHeader(Span<byte> packet, bool isSliced)
    {
    }

    /// <summary>The oldest packet will not leave.</summary>
    private protected void DropHead(DropReason reason, ref MirrorCounters counters) => _queue.Drop(reason, ref counters);

    /// <summary>Nothing that waits will leave.</summary>
    private protected void DropAll(DropReason reason, ref MirrorCounters counters) => _queue.DropAll(reason, ref counters);

    /// <summary>
    /// A queue on the way is full, or the target never takes this packet. The first passes by itself; to let the last not
    /// hold up all others, the same packet is tried for a limited time only.
    /// </summary>
    private protected bool GoOnWhenStuck(ref MirrorCounters counters)
    {
        if (_queue.Count == 0)
        {
            return false;
        }

        var now = Stopwatch.GetTimestamp();
        if (_stuckNumber != _queue.HeadNumber)
        {
            _stuckNumber = _queue.HeadNumber;
            _stuckSince = now;
            return false;
        }

        if (now - _stuckSince < s_stuckTicks)
        {
            return false;
        }

        _stuckNumber = -1;
        _queue.Drop(DropReason.Busy, ref counters);
        return true;
    }
}

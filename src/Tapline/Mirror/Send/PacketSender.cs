// Wire frames leave by a packet socket bound to the tool port. In: frames written into this sender's own memory, which
// the kernel copies; so nothing of a capture ring is ever held. Each frame's fate is known from sendmmsg's answer:
// taken or refused, and why. Never blocks: what a slow target does not take waits here, bounded, and then new frames
// are counted as dropped. One worker thread. A target that goes down or away is looked for again by name and used as
// soon as it is back.
//
// Why sendmmsg and not a PACKET_TX_RING: docs/adr/0010-mirror-output.md.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Decode;
using static Tapline.Base.Kernel.Socket;
using static Tapline.Base.Native.SystemCalls;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>Sends wire frames to a network interface. Used by one worker; owns its socket and its memory.</summary>
public sealed unsafe class PacketSender : WireOutput
{
    private const int EthernetHeaderBytes = 14;

    /// <summary>Frames handed over by one system call; more would not make it cheaper.</summary>
    private const int SendFramesMax = 256;

    /// <summary>The kernel's own buffer for frames that a NIC has not sent yet.</summary>
    private const int SocketBufferBytes = 8 << 20;

    private static readonly long s_checkTicks = Stopwatch.Frequency / 20;
    private static readonly long s_stuckTicks = Stopwatch.Frequency / 50;
    private static readonly TimeSpan s_finishLimit = TimeSpan.FromMilliseconds(500);

    private readonly int _fd;
    private readonly ToolPort _port;
    private readonly SendQueue _queue = new(Limits.MirrorSendFrames, Limits.MirrorSendBufferBytes);
    private readonly NativeArray<byte> _buffer = new(Limits.MirrorSendBufferBytes);
    private readonly NativeArray<iovec> _vectors = new(Limits.MirrorSendFrames);
    private readonly NativeArray<mmsghdr> _messages = new(Limits.MirrorSendFrames);
    private int _boundIndex;
    private bool _isUp;
    private bool _isRefused;
    private long _nextCheck;
    private long _stuckNumber = -1;
    private long _stuckSince;
    private bool _isDisposed;

    private PacketSender(int fd, ToolPort port)
    {
        _fd = fd;
        _port = port;
        for (var i = 0; i < _messages.Length; i++)
        {
            _messages[i].msg_iov = (iovec*)Unsafe.AsPointer(ref _vectors[i]);
            _messages[i].msg_iovlen = 1;
        }
    }

    /// <inheritdoc/>
    public override int FrameBytesMax => _port.MtuBytes + EthernetHeaderBytes;

    /// <inheritdoc/>
    public override bool IsUp => _isUp;

    /// <inheritdoc/>
    public override int FillPercent => _queue.FillPercent;

    /// <summary>The target's kernel index now; 0 while it is gone. Never capture there.</summary>
    public int InterfaceIndex => _port.Index;

    /// <summary>Opens the interface for sending. Null and one sentence when that is impossible.</summary>
    public static PacketSender? Open(string name, out string? error)
    {
        // Protocol 0: this socket receives nothing.
        var fd = SocketOpen(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
        {
            var errno = LastError;
            error = errno is EPERM or EACCES
                ? $"Sending copies to {name} needs root or the capability CAP_NET_RAW."
                : $"The kernel refused a packet socket for {name} (error {errno}).";
            return null;
        }

        var port = new ToolPort(fd, name);
        error = !port.Refresh() ? $"There is no interface {name} for the copies; `ip link` lists those that exist."
            : !port.IsEthernet ? $"{name} is not an Ethernet interface, so copies cannot be sent to it."
            : null;
        if (error is not null)
        {
            _ = Close(fd);
            return null;
        }

        SetOptions(fd);
        var sender = new PacketSender(fd, port);
        sender.Recover();
        return sender;
    }

    /// <inheritdoc/>
    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        if (_queue.TryBegin(wireFrames, wireBytes))
        {
            return DropReason.None;
        }

        if (!_queue.CanEverHold(wireFrames, wireBytes))
        {
            return DropReason.Error;
        }

        Flush(ref counters);
        return !_isUp ? DropReason.TargetDown
            : _queue.TryBegin(wireFrames, wireBytes) ? DropReason.None
            : DropReason.Busy;
    }

    /// <inheritdoc/>
    public override Span<byte> Slot(int bytes) => _buffer.Span.Slice(_queue.WriteOffset, bytes);

    /// <inheritdoc/>
    public override void Commit(int bytes, bool isSliced)
    {
        var start = (byte*)Unsafe.AsPointer(ref _buffer[_queue.WriteOffset]);
        ref var vector = ref _vectors[_queue.Append(bytes, isSliced)];
        vector.iov_base = start;
        vector.iov_len = (nuint)bytes;
    }

    /// <inheritdoc/>
    public override void EndFrame(ref MirrorCounters counters) => _queue.EndFrame(ref counters);

    /// <inheritdoc/>
    public override void Flush(ref MirrorCounters counters)
    {
        if (Stopwatch.GetTimestamp() >= _nextCheck)
        {
            Recover();
        }

        if (!_isUp)
        {
            _queue.DropAll(DropReason.TargetDown, ref counters);
            return;
        }

        while (_queue.Count > 0)
        {
            var run = Math.Min(_queue.HeadRun, SendFramesMax);
            var first = (mmsghdr*)Unsafe.AsPointer(ref _messages[_queue.HeadIndex]);
            var taken = sendmmsg(_fd, first, (uint)run, MSG_DONTWAIT);
            if (taken > 0)
            {
                _queue.Sent(taken, ref counters);
                _isRefused = false;
            }
            else if (!GoOnAfter(LastError, ref counters))
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public override void Finish(ref MirrorCounters counters)
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
    public override void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _ = Close(_fd);
        _queue.Dispose();
        _messages.Dispose();
        _vectors.Dispose();
        _buffer.Dispose();
    }

    private static void SetOptions(int fd)
    {
        // Without the queueing discipline the driver's answer is the call's answer: a frame that a device without
        // carrier or with a full queue did not take is refused here, instead of vanishing in a discipline after it was
        // counted as sent.
        var on = 1;
        _ = SetSocketOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(int));
        var bytes = SocketBufferBytes;
        if (SetSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(int)) != 0)
        {
            _ = SetSocketOption(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(int));
        }
    }

    // What to do when the kernel refused the oldest frame. True = go on with the next call, false = later.
    private bool GoOnAfter(int errno, ref MirrorCounters counters)
    {
        switch (errno)
        {
            case EINTR:
                return true;
            case EAGAIN:
                return false;
            case ENOBUFS:
                return GoOnWhenStuck(ref counters);
            case ENETDOWN or ENXIO or ENODEV:
                // A socket remembers that its device went down and says so once, even when the device is back by now.
                Recover();
                if (!_isUp)
                {
                    _queue.DropAll(DropReason.TargetDown, ref counters);
                }

                return GoOnWhenStuck(ref counters);
            case EMSGSIZE:
                _port.Refresh();
                _queue.Drop(DropReason.TooLong, ref counters);
                return true;
            default:
                _queue.Drop(DropReason.Error, ref counters);
                return true;
        }
    }

    // The device's queue is full, or it has no carrier, or its far end never takes this frame. The first passes by
    // itself; to let the last not hold up all others, the same frame is tried for a limited time only.
    private bool GoOnWhenStuck(ref MirrorCounters counters)
    {
        if (_queue.Count == 0)
        {
            return false;
        }

        _isRefused = true;
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

    // Looks at the interface of that name as it is now; binds anew when it is another one than before. The kernel notices
    // a carrier late, so what it says of it counts only while frames are refused.
    private void Recover()
    {
        _nextCheck = Stopwatch.GetTimestamp() + s_checkTicks;
        _isUp = _port.Refresh() && _port.IsEthernet && _port.IsUp && (_port.IsRunning || !_isRefused) && Rebind();
    }

    private bool Rebind()
    {
        if (_port.Index == _boundIndex)
        {
            return true;
        }

        var address = new sockaddr_ll { sll_family = AF_PACKET, sll_ifindex = _port.Index };
        var isBound = Bind(_fd, &address, (uint)sizeof(sockaddr_ll)) == 0;
        _boundIndex = isBound ? _port.Index : 0;
        return isBound;
    }
}

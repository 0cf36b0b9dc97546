// Copies leave in a tunnel to a tool somewhere in the network. In: wire frames in this sender's own memory. Out: IP packets
// with DF set, never longer than the path takes, each with the tunnel's header before the frame. One worker thread.
//
// Down is: no route, no answer from the next hop, or the tool's host saying that nobody serves the tunnel. Up is tried again
// once a second, at once when a route comes back. What the network drops behind the next hop nobody tells us.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror.Encapsulate;
using Tapline.Mirror.Targets;
using static Tapline.Base.Native.SystemCalls;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>Sends wire frames through a tunnel. Used by one worker; owns its socket and its memory.</summary>
public sealed class TunnelSender : MessageSender
{
    private static readonly long s_checkTicks = Stopwatch.Frequency / 20;
    private static readonly long s_retryTicks = Stopwatch.Frequency;

    private readonly TunnelTarget _target;
    private readonly ToolPath _path;
    private readonly Encapsulator _encapsulator;
    private int _frameBytesMax;
    private bool _isUp;
    private long _nextCheck;
    private long _silentUntil;
    private long _tooLongNumber = -1;

    private TunnelSender(TunnelTarget target, ToolPath path, Encapsulator encapsulator) : base(encapsulator.HeaderBytes)
    {
        _target = target;
        _path = path;
        _encapsulator = encapsulator;
    }

    /// <inheritdoc/>
    public override int FrameBytesMax => _frameBytesMax;

    /// <inheritdoc/>
    public override bool HasRoomForTag => false;

    /// <inheritdoc/>
    public override OversizePolicy Oversize => _target.Oversize;

    /// <inheritdoc/>
    public override bool IsUp => _isUp;

    private protected override int Descriptor => _path.Descriptor;

    /// <summary>
    /// One sender for each worker, which share the target's sequence. Null and one sentence when the tool is unknown, has no
    /// route, or this process may not send; then nothing is left open.
    /// </summary>
    public static TunnelSender[]? Open(TunnelTarget target, int workers, out string? error)
    {
        Invariant.Check(workers > 0);
        if (ToolAddress.Resolve(target, out error) is not { } address)
        {
            return null;
        }

        var senders = new List<TunnelSender>();
        var sequence = new TunnelSequence();
        for (var w = 0; w < workers && error is null; w++)
        {
            if (ToolPath.Open(target, address, workers, out error) is { } path)
            {
                var sender = new TunnelSender(target, path, new Encapsulator(target, sequence));
                senders.Add(sender);
                error = path.Refresh() ? null
                    : $"There is no route to {address} for {target}; `ip route get {address}` shows what the kernel knows.";
                sender.Recover();
            }
        }

        if (error is null)
        {
            return [.. senders];
        }

        senders.ForEach(s => s.Dispose());
        return null;
    }

    /// <inheritdoc/>
    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        _encapsulator.Begin(meta, layout);
        return base.Begin(meta, layout, wireFrames, wireBytes, ref counters);
    }

    private protected override void WriteHeader(Span<byte> packet, bool isSliced) => _encapsulator.Write(packet, isSliced);

    private protected override void CloseSocket() => _path.Dispose();

    private protected override void CheckTarget()
    {
        if (Stopwatch.GetTimestamp() >= _nextCheck)
        {
            Recover();
        }
    }

    private protected override bool GoOnAfter(int errno, ref MirrorCounters counters)
    {
        switch (errno)
        {
            case EINTR:
                return true;
            case EAGAIN:
                return false;
            case ENOBUFS:
                return GoOnWhenStuck(ref counters);
            case EMSGSIZE:
                Recover();
                DropTooLong(ref counters);
                return true;
            case ENETUNREACH or EHOSTUNREACH or ENETDOWN or ENODEV or ENXIO or EADDRNOTAVAIL or EINVAL or EBADF or ECONNREFUSED:
                Recover();
                if (!_isUp)
                {
                    DropAll(DropReason.TargetDown, ref counters);
                }

                return GoOnWhenStuck(ref counters);
            default:
                // EPERM: a firewall's rule for what this host sends.
                DropHead(DropReason.Error, ref counters);
                return true;
        }
    }

    // The path has become narrower while packets waited. One that fits is tried once more.
    private void DropTooLong(ref MirrorCounters counters)
    {
        if (HeadBytes > _frameBytesMax + _encapsulator.HeaderBytes || _tooLongNumber == HeadNumber)
        {
            DropHead(DropReason.TooLong, ref counters);
        }
        else
        {
            _tooLongNumber = HeadNumber;
        }
    }

    private void Recover()
    {
        var now = Stopwatch.GetTimestamp();
        _nextCheck = now + s_checkTicks;
        if (_path.ReadBadNews())
        {
            _silentUntil = now + s_retryTicks;
        }

        var hasRoute = _path.Refresh();
        _isUp = hasRoute && now >= _silentUntil;
        if (hasRoute)
        {
            _frameBytesMax = Math.Max(0, PacketBytesMax() - _path.IpHeaderBytes - _encapsulator.HeaderBytes);
        }
    }

    private int PacketBytesMax()
    {
        // In fragments a packet may be as long as IP can say.
        var path = _target.Oversize == OversizePolicy.Fragment ? TunnelTarget.MtuBytesMax : _path.MtuBytes;
        var wanted = _target.MtuBytes == 0 ? TunnelTarget.MtuBytesMax : _target.MtuBytes;
        return Math.Min(Math.Min(path, wanted), TunnelTarget.MtuBytesMax);
    }
}

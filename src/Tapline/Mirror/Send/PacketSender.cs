// Wire frames leave by a packet socket bound to the tool port. In: frames written into the sender's own memory, which
// the kernel copies; so nothing of a capture ring is ever held. Each frame's fate is known from sendmmsg's answer:
// taken or refused, and why. One worker thread. A target that goes down or away is looked for again by name and used as
// soon as it is back.
//
// Why sendmmsg and not a PACKET_TX_RING: docs/adr/0010-mirror-output.md.
using System.Diagnostics;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using static Tapline.Base.Kernel.Socket;
using static Tapline.Base.Native.SystemCalls;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>Sends wire frames to a network interface. Used by one worker; owns its socket and its memory.</summary>
public sealed unsafe class PacketSender : MessageSender
{
    private const int EthernetHeaderBytes = 14;

    /// <summary>The kernel's own buffer for frames that a NIC has not sent yet.</summary>
    private const int SocketBufferBytes = 8 << 20;

    private static readonly long s_checkTicks = Stopwatch.Frequency / 20;

    private readonly int _fd;
    private readonly ToolPort _port;
    private int _boundIndex;
    private bool _isUp;
    private bool _isRefused;
    private long _nextCheck;

    private PacketSender(int fd, ToolPort port) : base(headerBytes: 0)
    {
        _fd = fd;
        _port = port;
    }

    /// <inheritdoc/>
    public override int FrameBytesMax => _port.MtuBytes + EthernetHeaderBytes;

    /// <inheritdoc/>
    public override bool IsUp => _isUp;

    /// <summary>The target's kernel index now; 0 while it is gone. Never capture there.</summary>
    public int InterfaceIndex => _port.Index;

    private protected override int Descriptor => _fd;

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

    private protected override void CheckTarget()
    {
        if (Stopwatch.GetTimestamp() >= _nextCheck)
        {
            Recover();
        }
    }

    private protected override void HasSent() => _isRefused = false;

    private protected override void CloseSocket() => _ = Close(_fd);

    private protected override bool GoOnAfter(int errno, ref MirrorCounters counters)
    {
        switch (errno)
        {
            case EINTR:
                return true;
            case EAGAIN:
                return false;
            case ENOBUFS:
                _isRefused = true;
                return GoOnWhenStuck(ref counters);
            case ENETDOWN or ENXIO or ENODEV:
                // A socket remembers that its device went down and says so once, even when the device is back by now.
                Recover();
                if (!_isUp)
                {
                    DropAll(DropReason.TargetDown, ref counters);
                }

                _isRefused |= !IsEmpty;
                return GoOnWhenStuck(ref counters);
            case EMSGSIZE:
                _port.Refresh();
                DropHead(DropReason.TooLong, ref counters);
                return true;
            default:
                DropHead(DropReason.Error, ref counters);
                return true;
        }
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

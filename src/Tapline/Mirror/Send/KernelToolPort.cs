// A tool port of the kernel path: an interface that others made and that comes and goes under its name. What it drops after it
// took a frame cannot be told apart from other senders' frames, so that stands beside the ledger. Control threads.
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Mirror.Send;

/// <summary>Follows a tool port by name.</summary>
internal sealed class KernelToolPort : KernelTool
{
    private const int EthernetHeaderBytes = 14;
    private readonly FileDescriptor _socket;
    private readonly LinkCounters _link;
    private readonly ToolPort _port;
    private long _droppedBefore = -1;
    private long _dropped;

    private KernelToolPort(FileDescriptor socket, LinkCounters link, string name)
    {
        _socket = socket;
        _link = link;
        _port = new ToolPort(socket.Number, name);
    }

    public override uint Index => _port.IsRunning && _port.IsEthernet ? (uint)_port.Index : 0;

    public override int FrameBytesMax => _port.MtuBytes + EthernetHeaderBytes;

    public override bool TagCounts => false;

    public override long TxDropped => _dropped;

    public override long LostWithoutWay => 0;

    public override long LostOtherwise => 0;

    /// <summary>Null and one sentence when there is no such interface or it carries no Ethernet frames.</summary>
    public static KernelToolPort? Open(string name, out string error)
    {
        if (LinkCounters.Open(out error) is not { } link)
        {
            return null;
        }

        var socket = new FileDescriptor(SystemCalls.SocketOpen(Socket.AF_PACKET, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, 0));
        var port = new KernelToolPort(socket, link, name);
        error = socket.IsInvalid ? $"The kernel opens no packet socket: {SystemError.Describe(SystemCalls.LastError)}."
            : !port._port.Refresh() ? $"There is no interface {name} to send copies to; see `ip link`."
            : !port._port.IsEthernet ? $"{name} does not carry Ethernet frames; name a port that leads to the tool."
            : "";
        if (error.Length == 0)
        {
            return port;
        }

        port.Dispose();
        return null;
    }

    public override void Refresh() => _port.Refresh();

    public override void ReadLosses()
    {
        if (_port.Index != 0 && _link.Read(_port.Index))
        {
            // A port that was made anew counts from zero.
            var now = _link.TxDropped;
            _dropped += _droppedBefore < 0 || now < _droppedBefore ? 0 : now - _droppedBefore;
            _droppedBefore = now;
        }
    }

    public override void Dispose()
    {
        _link.Dispose();
        _socket.Dispose();
    }
}

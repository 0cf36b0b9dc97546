// Which interface packets to an address leave by, as the kernel's routes say for packets with a mark. In: an address. Out: an
// index. Owner of one netlink socket, bound to the namespace of the thread that opened it. One thread at a time;
// allocation-free after construction.
using System.Buffers.Binary;
using System.Net;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Asks the kernel for routes to one address.</summary>
internal sealed class RouteLookup : IDisposable
{
    private const int BodyBytesMax = 80;
    private readonly NetlinkSocket _socket;
    private readonly NetlinkSocket.MessageHandler _take;
    private readonly byte[] _address;
    private readonly uint _scope;
    private readonly uint _mark;
    private int _found;

    private RouteLookup(NetlinkSocket socket, IPAddress address, uint mark)
    {
        _socket = socket;
        _take = Take;
        _address = address.GetAddressBytes();
        _scope = address.IsIPv6LinkLocal ? (uint)address.ScopeId : 0;
        _mark = mark;
    }

    public static RouteLookup? Open(IPAddress address, uint mark, out string error) =>
        NetlinkSocket.Open(0, out error) is { } socket ? new RouteLookup(socket, address, mark) : null;

    /// <summary>Index of the interface by which packets leave now; 0 = there is no route.</summary>
    public int FindInterface()
    {
        var body = new NetlinkBody(stackalloc byte[BodyBytesMax], Netlink.RouteBytes);
        body.Header[0] = (byte)(_address.Length == 4 ? Socket.AF_INET : Socket.AF_INET6);
        body.Header[1] = (byte)(_address.Length * 8);
        body.Bytes(Netlink.RTA_DST, _address);
        body.UInt32(Netlink.RTA_MARK, _mark);
        if (_scope != 0)
        {
            body.UInt32(Netlink.RTA_OIF, _scope);
        }

        _found = 0;
        _ = _socket.Request(Netlink.RTM_GETROUTE, 0, body.Written, _take);
        return _found;
    }

    public void Dispose() => _socket.Dispose();

    private void Take(ushort type, ReadOnlySpan<byte> payload)
    {
        if (type != Netlink.RTM_NEWROUTE || payload.Length < Netlink.RouteBytes)
        {
            return;
        }

        var attributes = new NetlinkAttributes(payload[Netlink.RouteBytes..]);
        while (attributes.MoveNext())
        {
            if (attributes.Type == Netlink.RTA_OIF && attributes.TryUInt32(out var index))
            {
                _found = (int)index;
            }
        }
    }
}

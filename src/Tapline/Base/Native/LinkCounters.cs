// Counters that the kernel keeps of an interface (IFLA_STATS64, struct rtnl_link_stats64 of <linux/if_link.h>). In: an
// index. Out: one number. Owner of a netlink socket. One thread at a time; allocation-free after construction.
using System.Buffers.Binary;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Reads an interface's counters.</summary>
internal sealed class LinkCounters : IDisposable
{
    /// <summary>tx_dropped is the eighth number.</summary>
    private const int TxDroppedAt = 7 * sizeof(ulong);

    private readonly NetlinkSocket _socket;
    private readonly NetlinkSocket.MessageHandler _take;
    private long _txDropped;

    private LinkCounters(NetlinkSocket socket)
    {
        _socket = socket;
        _take = Take;
    }

    public static LinkCounters? Open(out string error) =>
        NetlinkSocket.Open(0, out error) is { } socket ? new LinkCounters(socket) : null;

    /// <summary>Frames that the interface dropped instead of sending; -1 when it is not there.</summary>
    public long TxDropped(int interfaceIndex)
    {
        Span<byte> body = stackalloc byte[Netlink.IfInfoBytes];
        body.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(body[4..], interfaceIndex);
        _txDropped = -1;
        _ = _socket.Request(Netlink.RTM_GETLINK, 0, body, _take);
        return _txDropped;
    }

    public void Dispose() => _socket.Dispose();

    private void Take(ushort type, ReadOnlySpan<byte> payload)
    {
        if (type != Netlink.RTM_NEWLINK || payload.Length < Netlink.IfInfoBytes)
        {
            return;
        }

        var attributes = new NetlinkAttributes(payload[Netlink.IfInfoBytes..]);
        while (attributes.MoveNext())
        {
            if (attributes.Type == Netlink.IFLA_STATS64 && attributes.Value.Length >= TxDroppedAt + sizeof(long))
            {
                _txDropped = BinaryPrimitives.ReadInt64LittleEndian(attributes.Value[TxDroppedAt..]);
            }
        }
    }
}

// What the kernel says of an interface now: its counters (IFLA_STATS64, struct rtnl_link_stats64 of <linux/if_link.h>) and
// whether it has a carrier. In: an index. Out: numbers of the last reading. Owner of a netlink socket. One thread at a time;
// allocation-free after construction.
using System.Buffers.Binary;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Reads an interface's counters.</summary>
internal sealed class LinkCounters : IDisposable
{
    /// <summary>tx_errors is the sixth number, tx_dropped the eighth.</summary>
    private const int TxErrorsAt = 5 * sizeof(ulong);

    private const int TxDroppedAt = 7 * sizeof(ulong);

    private readonly NetlinkSocket _socket;
    private readonly NetlinkSocket.MessageHandler _take;
    private bool _isThere;

    private LinkCounters(NetlinkSocket socket)
    {
        _socket = socket;
        _take = Take;
    }

    /// <summary>Frames that it could not send.</summary>
    public long TxErrors { get; private set; }

    /// <summary>Frames that it dropped instead of sending.</summary>
    public long TxDropped { get; private set; }

    /// <summary>Up, and with a carrier.</summary>
    public bool IsRunning { get; private set; }

    public static LinkCounters? Open(out string error) =>
        NetlinkSocket.Open(0, out error) is { } socket ? new LinkCounters(socket) : null;

    /// <summary>Reads an interface; false when it is not there.</summary>
    public bool Read(int interfaceIndex)
    {
        Span<byte> body = stackalloc byte[Netlink.IfInfoBytes];
        body.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(body[4..], interfaceIndex);
        _isThere = false;
        _ = _socket.Request(Netlink.RTM_GETLINK, 0, body, _take);
        return _isThere;
    }

    public void Dispose() => _socket.Dispose();

    private void Take(ushort type, ReadOnlySpan<byte> payload)
    {
        if (type != Netlink.RTM_NEWLINK || payload.Length < Netlink.IfInfoBytes)
        {
            return;
        }

        const uint Running = Netlink.IFF_UP | Netlink.IFF_LOWER_UP;
        IsRunning = (BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]) & Running) == Running;
        var attributes = new NetlinkAttributes(payload[Netlink.IfInfoBytes..]);
        while (attributes.MoveNext())
        {
            if (attributes.Type == Netlink.IFLA_STATS64 && attributes.Value.Length >= TxDroppedAt + sizeof(long))
            {
                TxErrors = BinaryPrimitives.ReadInt64LittleEndian(attributes.Value[TxErrorsAt..]);
                TxDropped = BinaryPrimitives.ReadInt64LittleEndian(attributes.Value[TxDroppedAt..]);
                _isThere = true;
            }
        }
    }
}

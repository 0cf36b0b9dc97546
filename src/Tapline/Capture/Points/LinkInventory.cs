// Asks the kernel for interfaces and for the names of namespaces. Owner of one netlink socket, bound to the namespace of
// the thread that opened it. One thread at a time (the callers hold a lock). Needs no privilege.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Points;

/// <summary>Interface discovery.</summary>
internal sealed class LinkInventory : IDisposable
{
    private const int DumpTriesMax = 4;
    private readonly NetlinkSocket _socket;
    private readonly NetlinkSocket.MessageHandler _addToFingerprint;
    private ulong _fingerprint;

    private LinkInventory(NetlinkSocket socket)
    {
        _socket = socket;
        _addToFingerprint = AddToFingerprint;
    }

    public static LinkInventory? Open(out string error)
    {
        var socket = NetlinkSocket.Open(0, out error);
        return socket is null ? null : new LinkInventory(socket);
    }

    /// <summary>All interfaces but Tapline's own devices, by index; null when the kernel did not answer.</summary>
    public Dictionary<int, LinkInfo>? ReadAll()
    {
        Span<byte> body = stackalloc byte[Netlink.IfInfoBytes + 8];
        body.Clear();
        WriteAttribute(body[Netlink.IfInfoBytes..], Netlink.IFLA_EXT_MASK, (int)Netlink.RTEXT_FILTER_SKIP_STATS);
        for (var i = 0; i < DumpTriesMax; i++)
        {
            var links = new Dictionary<int, LinkInfo>();
            var answer = _socket.Request(Netlink.RTM_GETLINK, Netlink.NLM_F_DUMP, body, (type, payload) =>
            {
                if (type == Netlink.RTM_NEWLINK && LinkParser.Parse(payload) is { } link
                    && !OwnDevices.Contains(link.Name, link.Kind))
                {
                    links[link.Index] = link;
                }
            });
            if (answer == 0)
            {
                return links;
            }

            if (answer != SystemCalls.EAGAIN)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>A number that changes when anything about the links changes but their counters. Allocation-free.</summary>
    public ulong Fingerprint()
    {
        Span<byte> body = stackalloc byte[Netlink.IfInfoBytes + 8];
        body.Clear();
        WriteAttribute(body[Netlink.IfInfoBytes..], Netlink.IFLA_EXT_MASK, (int)Netlink.RTEXT_FILTER_SKIP_STATS);
        _fingerprint = 0xCBF29CE484222325;
        _socket.Request(Netlink.RTM_GETLINK, Netlink.NLM_F_DUMP, body, _addToFingerprint);
        return _fingerprint;
    }

    /// <summary>How this namespace numbers the namespace behind an open file; -1 when it has no number for it.</summary>
    public int NamespaceId(int descriptor)
    {
        Span<byte> body = stackalloc byte[4 + 8];
        body.Clear();
        WriteAttribute(body[4..], Netlink.NETNSA_FD, descriptor);
        var id = -1;
        _socket.Request(Netlink.RTM_GETNSID, 0, body, (type, payload) =>
        {
            if (type != Netlink.RTM_NEWNSID || payload.Length < 4)
            {
                return;
            }

            var attributes = new NetlinkAttributes(payload[4..]);
            while (attributes.MoveNext())
            {
                if (attributes.Type == Netlink.NETNSA_NSID && attributes.TryUInt32(out var value))
                {
                    id = (int)value;
                }
            }
        });
        return id;
    }

    /// <summary>An interface of another namespace (IFLA_TARGET_NETNSID, Linux 4.20; needs CAP_NET_ADMIN there); null if hidden.</summary>
    public LinkInfo? ReadInNamespace(int namespaceId, int interfaceIndex)
    {
        Span<byte> body = stackalloc byte[Netlink.IfInfoBytes + 8];
        body.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(body[4..], interfaceIndex);
        WriteAttribute(body[Netlink.IfInfoBytes..], Netlink.IFLA_TARGET_NETNSID, namespaceId);
        LinkInfo? link = null;
        _socket.Request(Netlink.RTM_GETLINK, 0, body, (type, payload) =>
        {
            link = type == Netlink.RTM_NEWLINK ? LinkParser.Parse(payload) : null;
        });
        return link;
    }

    public void Dispose() => _socket.Dispose();

    // FNV-1a over the attributes by which points are told; timers and counters of bridges stay out.
    private void AddToFingerprint(ushort type, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Netlink.IfInfoBytes)
        {
            return;
        }

        Mix(payload[..Netlink.IfInfoBytes]);
        var attributes = new NetlinkAttributes(payload[Netlink.IfInfoBytes..]);
        while (attributes.MoveNext())
        {
            if (attributes.Type is Netlink.IFLA_IFNAME or Netlink.IFLA_ADDRESS or Netlink.IFLA_MASTER or Netlink.IFLA_LINK
                or Netlink.IFLA_LINK_NETNSID)
            {
                Mix(attributes.Value);
            }
        }
    }

    private void Mix(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            _fingerprint = (_fingerprint ^ value) * 0x100000001B3;
        }
    }

    private static void WriteAttribute(Span<byte> to, ushort type, int value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, 8);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], type);
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], value);
    }
}

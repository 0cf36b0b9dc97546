// VXLAN devices over rtnetlink: makes one on a device that it goes with, names the one host to which everything is sent, sets
// its MTU. In: indices, addresses. Out: errnos. Owner of one netlink socket, bound to the namespace of the thread that opened
// it. One thread at a time; only SetMtu is called again and again, and allocates nothing.
using System.Buffers.Binary;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Requests about VXLAN devices.</summary>
internal sealed class VxlanDevices : IDisposable
{
    /// <summary>Longest text that stands beside an interface (IFALIASZ is 256 with the closing zero).</summary>
    public const int AliasBytesMax = 200;

    private const string Kind = "vxlan";
    private const int BodyBytesMax = 600;
    private const uint VniEnd = 1 << 24;
    private readonly NetlinkSocket _socket;

    private VxlanDevices(NetlinkSocket socket) => _socket = socket;

    public static VxlanDevices? Open(out string error) =>
        NetlinkSocket.Open(0, out error) is { } socket ? new VxlanDevices(socket) : null;

    /// <summary>
    /// True when the kernel has devices of this kind (and the process may make them); loads the driver where it is a module.
    /// Makes none: the network identifier asked for is one that there cannot be (vxlan_validate in drivers/net/vxlan).
    /// </summary>
    public bool IsKnown()
    {
        var body = Link(stackalloc byte[BodyBytesMax], 0);
        var info = body.Begin(Netlink.IFLA_LINKINFO);
        body.Text(Netlink.IFLA_INFO_KIND, Kind);
        var data = body.Begin(Netlink.IFLA_INFO_DATA);
        body.UInt32(Netlink.IFLA_VXLAN_ID, VniEnd);
        body.End(data);
        body.End(info);
        return Ask(Netlink.RTM_NEWLINK, Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL, body.Written) == SystemCalls.ERANGE;
    }

    /// <summary>
    /// Makes a device that sends by any route, with DF and without a UDP checksum over IPv4 (RFC 7348 section 4.1), and that
    /// goes when <paramref name="holderIndex"/> goes. 0 or an errno; EEXIST when the name is taken.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="holderIndex">The device it stands on, by which nothing is sent.</param>
    /// <param name="receivePort">The UDP port at which it listens once it is up.</param>
    /// <param name="isIpv6">The remote host will be one of IPv6.</param>
    public int Make(string name, int holderIndex, ushort receivePort, bool isIpv6)
    {
        var body = Link(stackalloc byte[BodyBytesMax], 0);
        body.Text(Netlink.IFLA_IFNAME, name);
        var info = body.Begin(Netlink.IFLA_LINKINFO);
        body.Text(Netlink.IFLA_INFO_KIND, Kind);
        var data = body.Begin(Netlink.IFLA_INFO_DATA);
        body.UInt32(Netlink.IFLA_VXLAN_ID, 0);
        body.UInt32(Netlink.IFLA_VXLAN_LINK, (uint)holderIndex);
        body.UInt16BigEndian(Netlink.IFLA_VXLAN_PORT, receivePort);
        body.Byte(Netlink.IFLA_VXLAN_LEARNING, 0);
        body.Byte(Netlink.IFLA_VXLAN_LOCALBYPASS, 0);
        if (isIpv6)
        {
            // "Any" says nothing but the family, which that of the remote host must be.
            body.Bytes(Netlink.IFLA_VXLAN_LOCAL6, stackalloc byte[16]);
        }
        else
        {
            body.Byte(Netlink.IFLA_VXLAN_DF, Netlink.VXLAN_DF_SET);
            body.Byte(Netlink.IFLA_VXLAN_UDP_CSUM, 0);
        }

        body.End(data);
        body.End(info);
        return Ask(Netlink.RTM_NEWLINK, Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL, body.Written);
    }

    /// <summary>Sends whatever the device gets to this host. Without an interface in it, so that routes decide. 0 or an errno.</summary>
    public int SetRemote(int interfaceIndex, ReadOnlySpan<byte> address, ushort port, uint vni)
    {
        var body = new NetlinkBody(stackalloc byte[BodyBytesMax], Netlink.NeighbourBytes);
        body.Header[0] = Netlink.AF_BRIDGE;
        BinaryPrimitives.WriteInt32LittleEndian(body.Header[4..], interfaceIndex);
        BinaryPrimitives.WriteUInt16LittleEndian(body.Header[8..], Netlink.NUD_PERMANENT | Netlink.NUD_NOARP);
        body.Header[10] = Netlink.NTF_SELF;
        body.Bytes(Netlink.NDA_LLADDR, stackalloc byte[6]);
        body.Bytes(Netlink.NDA_DST, address);
        body.UInt16BigEndian(Netlink.NDA_PORT, port);
        body.UInt32(Netlink.NDA_VNI, vni);
        return Ask(Netlink.RTM_NEWNEIGH, Netlink.NLM_F_CREATE | Netlink.NLM_F_APPEND, body.Written);
    }

    /// <summary>
    /// Says whose the device is and lets it send nothing by itself: no IPv6 address of its own, so no questions about one. The
    /// kernel takes neither when it makes a device. 0 or an errno.
    /// </summary>
    public int Describe(int interfaceIndex, string alias)
    {
        Invariant.Check(alias.Length <= AliasBytesMax);
        var body = Link(stackalloc byte[BodyBytesMax], interfaceIndex);
        body.Text(Netlink.IFLA_IFALIAS, alias);
        var families = body.Begin(Netlink.IFLA_AF_SPEC);
        var family = body.Begin(Socket.AF_INET6);
        body.Byte(Netlink.IFLA_INET6_ADDR_GEN_MODE, Netlink.IN6_ADDR_GEN_MODE_NONE);
        body.End(family);
        body.End(families);
        return Ask(Netlink.RTM_SETLINK, 0, body.Written);
    }

    /// <summary>Brings it up. 0 or an errno; EADDRINUSE when its UDP port is taken.</summary>
    public int BringUp(int interfaceIndex)
    {
        var body = Link(stackalloc byte[BodyBytesMax], interfaceIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(body.Header[8..], Netlink.IFF_UP);
        BinaryPrimitives.WriteUInt32LittleEndian(body.Header[12..], Netlink.IFF_UP);
        return Ask(Netlink.RTM_SETLINK, 0, body.Written);
    }

    /// <summary>Sets an interface's MTU; 0 or an errno.</summary>
    public int SetMtu(int interfaceIndex, int bytes)
    {
        var body = Link(stackalloc byte[BodyBytesMax], interfaceIndex);
        body.UInt32(Netlink.IFLA_MTU, (uint)bytes);
        return Ask(Netlink.RTM_SETLINK, 0, body.Written);
    }

    public void Dispose() => _socket.Dispose();

    private static NetlinkBody Link(Span<byte> buffer, int interfaceIndex)
    {
        var body = new NetlinkBody(buffer, Netlink.IfInfoBytes);
        BinaryPrimitives.WriteInt32LittleEndian(body.Header[4..], interfaceIndex);
        return body;
    }

    private int Ask(ushort type, int flags, ReadOnlySpan<byte> body) =>
        _socket.Request(type, (ushort)(flags | Netlink.NLM_F_ACK), body, static (_, _) => { });
}

// Bytes in, layout out: the one place where headers are parsed. Pure: borrows the frame's span for the call, keeps
// nothing, allocates nothing, any thread. Nine frames of ten are Ethernet, at most one VLAN tag, IPv4 without options
// or IPv6 without extension headers, TCP or UDP: those take a straight path of their own. Whatever surprises that path
// (short, fragmented, optioned, a tunnel's port) starts again in the general walk, which knows everything and gives
// the same answer for the plain frames too; a test holds the two together.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>The decoder: fills a <see cref="FrameLayout"/> for any bytes of any link type, and never throws.</summary>
/// <remarks>
/// Whoever needs ports or TCP flags looks at <see cref="LayoutFlags.HasTransport"/>, not at the verdict: a frame cut
/// inside its TCP options has verdict Cut and still a sound fixed header. Whoever needs addresses looks at
/// <see cref="FrameLayout.IpVersion"/>. A first fragment whose transport header is not whole has verdict Fragment.
/// </remarks>
public static class FrameDecoder
{
    private const int EthernetHeader = 14;
    private const int VlanTag = 4;
    private const int Ipv4Header = 20;
    private const int Ipv6Header = 40;
    private const int TcpHeaderMin = 20;
    private const int UdpHeader = 8;

    /// <summary>Decodes one frame.</summary>
    /// <param name="frame">The captured bytes.</param>
    /// <param name="meta">Its metadata; link type, original length and flags are used.</param>
    /// <param name="layout">Filled completely, whatever the verdict.</param>
    public static void Decode(ReadOnlySpan<byte> frame, in FrameMeta meta, out FrameLayout layout)
    {
        if (meta.LinkType == LinkType.Ethernet && frame.Length >= EthernetHeader + Ipv4Header + UdpHeader
            && (meta.Flags & FrameFlags.HasFcs) == 0)
        {
            layout = default;
            var network = EthernetHeader;
            var type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
            if (type == EtherTypes.Vlan)
            {
                layout.Vlan0 = BinaryPrimitives.ReadUInt16BigEndian(frame[14..]);
                layout.VlanCount = 1;
                type = BinaryPrimitives.ReadUInt16BigEndian(frame[16..]);
                network += VlanTag;
            }

            if (type == EtherTypes.Ipv4 ? PlainIpv4(frame, meta.OriginalLength, network, ref layout)
                : type == EtherTypes.Ipv6 && PlainIpv6(frame, meta.OriginalLength, network, ref layout))
            {
                return;
            }
        }

        DecodeAny(frame, in meta, out layout);
    }

    /// <summary>The general walk, for every frame; <see cref="Decode"/> without its shortcut.</summary>
    internal static void DecodeAny(ReadOnlySpan<byte> frame, in FrameMeta meta, out FrameLayout layout)
    {
        // A frame check sequence, where the source left one in, is neither header nor payload.
        var fcs = (meta.Flags & FrameFlags.HasFcs) != 0 ? 4 : 0;
        var end = Math.Max(0, Math.Max(meta.OriginalLength, frame.Length) - fcs);
        var walk = new Walk(frame[..Math.Min(frame.Length, end)], end);
        walk.Layout.Verdict = LinkWalk.Start(ref walk, meta.LinkType);
        ref var done = ref walk.Layout;
        if (done.IpVersion == 4)
        {
            done.AddressHash = AddressHash.Ipv4(frame[(done.NetworkOffset + 12)..]);
        }
        else if (done.IpVersion == 6)
        {
            done.AddressHash = AddressHash.Ipv6(frame[(done.NetworkOffset + 8)..]);
        }
        else if (walk.Is(LayoutFlags.HasMac))
        {
            done.AddressHash = AddressHash.Mac(frame[done.LinkOffset..]);
        }

        layout = done;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool PlainIpv4(ReadOnlySpan<byte> frame, int original, int network, ref FrameLayout layout)
    {
        var ip = frame[network..];
        if (ip.Length < Ipv4Header + UdpHeader || ip[0] != 0x45
            || (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x3FFF) != 0)
        {
            return false;
        }

        int total = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
        if (network + total > original)
        {
            return false;
        }

        layout.IpVersion = 4;
        layout.EtherType = EtherTypes.Ipv4;
        layout.NetworkOffset = (ushort)network;
        layout.NetworkLength = total;
        layout.FragmentId = BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        layout.TrafficClass = ip[1];
        layout.Ttl = ip[8];
        layout.AddressHash = AddressHash.Ipv4(ip[12..]);
        var flags = LayoutFlags.HasMac | LayoutFlags.HasTransport;
        layout.Flags = total > ip.Length ? flags | LayoutFlags.PayloadCut : flags;
        return PlainTransport(ip, ip[9], network, Ipv4Header, total, ref layout);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool PlainIpv6(ReadOnlySpan<byte> frame, int original, int network, ref FrameLayout layout)
    {
        var ip = frame[network..];
        if (ip.Length < Ipv6Header + UdpHeader || ip[0] >> 4 != 6)
        {
            return false;
        }

        int payload = BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        var total = payload + Ipv6Header;
        if (payload == 0 || network + total > original)
        {
            return false;
        }

        layout.IpVersion = 6;
        layout.EtherType = EtherTypes.Ipv6;
        layout.NetworkOffset = (ushort)network;
        layout.NetworkLength = total;
        layout.TrafficClass = (byte)((ip[0] << 4) | (ip[1] >> 4));
        layout.Ttl = ip[7];
        layout.AddressHash = AddressHash.Ipv6(ip[8..]);
        var flags = LayoutFlags.HasMac | LayoutFlags.HasTransport;
        layout.Flags = total > ip.Length ? flags | LayoutFlags.PayloadCut : flags;
        return PlainTransport(ip, ip[6], network, Ipv6Header, total, ref layout);
    }

    /// <summary>
    /// TCP or UDP at <paramref name="header"/> of the packet; false for anything out of the ordinary.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool PlainTransport(
        ReadOnlySpan<byte> ip, byte protocol, int network, int header, int total, ref FrameLayout layout)
    {
        var transport = ip[header..];
        int length;
        layout.IpProtocol = protocol;
        layout.TransportOffset = (ushort)(network + header);
        layout.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(transport);
        layout.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]);
        if (protocol == IpProtocols.Tcp)
        {
            if (transport.Length < TcpHeaderMin)
            {
                return false;
            }

            length = (transport[12] >> 4) * 4;
            layout.TcpFlags = transport[13];
            if (length < TcpHeaderMin || length > transport.Length || header + length > total)
            {
                return false;
            }

            layout.PayloadLength = total - header - length;
        }
        else if (protocol == IpProtocols.Udp)
        {
            int datagram = BinaryPrimitives.ReadUInt16BigEndian(transport[4..]);
            length = UdpHeader;
            if (datagram < UdpHeader || datagram > total - header || TunnelWalk.IsTunnelPort(layout.DestinationPort))
            {
                return false;
            }

            layout.PayloadLength = datagram - UdpHeader;
        }
        else
        {
            return false;
        }

        layout.TransportHeaderLength = (ushort)length;
        layout.PayloadOffset = (ushort)(network + header + length);
        return true;
    }
}

// What the beginning of one frame says, as expressions ask for it: MAC addresses, VLAN IDs, the first IP header, and what the decoder
// found in a tunnel. A flow's record has these of its first frames only; a query may pass over a flow only when it knows them of
// all. In: metadata, layout and bytes, borrowed. Out: a fingerprint that is cheap for every frame, and the facts
// themselves for the few frames that show a new one. Ethernet only. Hostile bytes: every read is checked. Pure.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Facts of a frame's first headers.</summary>
internal struct FrameHead
{
    private const int MacBytes = 12;
    private const int EthernetBytes = 14;
    private const int TagBytes = 4;
    private const int TagsMax = 4;
    private const int Ipv4Bytes = 20;
    private const int Ipv6Bytes = 40;
    private const ulong Odd = 0x9e37_79b9_7f4a_7c15;
    private bool _hasPorts;

    public ulong SourceMac;
    public ulong DestinationMac;

    /// <summary>Of the innermost frame in a tunnel; 0 = it has none of its own.</summary>
    public ulong InnerSourceMac;

    public ulong InnerDestinationMac;

    /// <summary>As a record packs them: 12 bits each, the outermost lowest, without those of 0.</summary>
    public ulong Vlans;

    /// <summary>Of the first IP header; none where there is none.</summary>
    public IpAddress16 SourceIp;

    public IpAddress16 DestinationIp;
    public uint Vni;
    public ushort SourcePort;
    public ushort DestinationPort;
    public ushort EtherType;
    public ushort PointId;

    /// <summary>Protocol or next header of the first IP header.</summary>
    public byte IpProtocol;

    public TunnelKind Tunnel;
    public bool IsTagged;

    /// <summary>It has a first IP header, whole enough for its addresses.</summary>
    public bool HasIp;

    /// <summary>The first IP header's protocol has ports that expressions read.</summary>
    public readonly bool IsPorted => HasIp && IpProtocol is (byte)FlowProtocol.Tcp or (byte)FlowProtocol.Udp or (byte)FlowProtocol.Sctp;

    /// <summary>True when the frame's head can be told. What is kept of a frame in a tunnel may be too little to tell its innermost
    /// packet: whoever reads it then takes the carrier for that.</summary>
    public static bool IsTold(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame) =>
        meta.LinkType == LinkType.Ethernet && frame.Length >= EthernetBytes && layout.EtherType != 0
        && (frame.Length >= meta.CapturedLength || IsInnermostKept(layout, frame.Length));

    private static bool IsInnermostKept(in FrameLayout layout, int bytes) =>
        (layout.Flags & LayoutFlags.TunnelBroken) == 0
        && (layout.Tunnel == TunnelKind.None || (layout.PayloadOffset != 0 && bytes >= layout.PayloadOffset));

    /// <summary>A number that is the same for frames with the same head. Only for frames that are told.</summary>
    public static ulong Fingerprint(ulong seed, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var hash = Mix(seed ^ BinaryPrimitives.ReadUInt64LittleEndian(frame));
        var at = MacBytes;
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
        hash = Mix(hash ^ BinaryPrimitives.ReadUInt32LittleEndian(frame[8..]) ^ ((ulong)meta.PointId << 48) ^ ((ulong)layout.Tunnel << 40));
        while (IsTag(type) && at + TagBytes + 2 <= frame.Length)
        {
            hash = Mix(hash ^ 1 ^ ((ulong)(BinaryPrimitives.ReadUInt16BigEndian(frame[(at + 2)..]) & 0xfff) << 1));
            at += TagBytes;
            type = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
        }

        var network = frame[(at + 2)..];
        var headerBytes = 0;
        if (type == EtherTypes.Ipv4 && network.Length >= Ipv4Bytes)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(network[12..]));
            hash = Mix(hash ^ type ^ ((ulong)network[9] << 16));
            headerBytes = (network[0] & 0xf) * 4;
        }
        else if (type == EtherTypes.Ipv6 && network.Length >= Ipv6Bytes)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(network[8..]));
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(network[16..]));
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(network[24..]));
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(network[32..]) ^ ((ulong)network[6] << 16));
            headerBytes = Ipv6Bytes;
        }
        else
        {
            hash = Mix(hash ^ type);
        }

        return layout.Tunnel == TunnelKind.None ? hash
            : OfTunnel(hash, layout, frame, network[Math.Min(headerBytes, network.Length)..]);
    }

    /// <summary>The facts; false where not all of them can be told. Only for frames that are told.</summary>
    public static bool TryRead(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, out FrameHead head)
    {
        head = new FrameHead { PointId = meta.PointId, Tunnel = layout.Tunnel, Vni = layout.Vni };
        head.DestinationMac = MacAt(frame, 0);
        head.SourceMac = MacAt(frame, 6);
        var at = MacBytes;
        var tags = 0;
        var shift = 0;
        head.EtherType = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
        while (IsTag(head.EtherType))
        {
            if (at + TagBytes + 2 > frame.Length || tags == TagsMax)
            {
                return false;
            }

            tags++;
            var vlan = BinaryPrimitives.ReadUInt16BigEndian(frame[(at + 2)..]) & 0xfffu;
            head.Vlans |= (ulong)vlan << shift;
            shift += vlan == 0 ? 0 : 12;
            at += TagBytes;
            head.EtherType = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
        }

        head.IsTagged = tags > 0;
        head.ReadNetwork(frame[(at + 2)..]);
        if (layout.Tunnel != TunnelKind.None && (layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset != 0)
        {
            if (layout.LinkOffset + MacBytes > frame.Length)
            {
                return false;
            }

            head.InnerDestinationMac = MacAt(frame, layout.LinkOffset);
            head.InnerSourceMac = MacAt(frame, layout.LinkOffset + 6);
        }

        // A header that is cut may still satisfy an expression that reads its first half.
        return head.HasIp ? !head.IsPorted || head._hasPorts : head.EtherType is not (EtherTypes.Ipv4 or EtherTypes.Ipv6);
    }

    private void ReadNetwork(ReadOnlySpan<byte> network)
    {
        var headerBytes = 0;
        if (EtherType == EtherTypes.Ipv4 && network.Length >= Ipv4Bytes)
        {
            SourceIp = IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(network[12..]));
            DestinationIp = IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(network[16..]));
            (HasIp, IpProtocol) = (true, network[9]);
            headerBytes = (network[0] & 0xf) * 4;
        }
        else if (EtherType == EtherTypes.Ipv6 && network.Length >= Ipv6Bytes)
        {
            SourceIp = IpAddress16.FromIpv6(network.Slice(8, 16));
            DestinationIp = IpAddress16.FromIpv6(network.Slice(24, 16));
            (HasIp, IpProtocol) = (true, network[6]);
            headerBytes = Ipv6Bytes;
        }

        if (IsPorted && network.Length >= headerBytes + 4)
        {
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(network[headerBytes..]);
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(network[(headerBytes + 2)..]);
            _hasPorts = true;
        }
    }

    private static ulong OfTunnel(ulong hash, in FrameLayout layout, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> transport)
    {
        hash = Mix(hash ^ layout.Vni);
        hash = transport.Length >= 4 ? Mix(hash ^ BinaryPrimitives.ReadUInt32LittleEndian(transport)) : hash;
        if ((layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset + MacBytes <= frame.Length)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(frame[layout.LinkOffset..]));
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt32LittleEndian(frame[(layout.LinkOffset + 8)..]));
        }

        return hash;
    }

    private static bool IsTag(ushort type) => type is 0x8100 or 0x88a8 or 0x9100;

    private static ulong MacAt(ReadOnlySpan<byte> frame, int offset) =>
        ((ulong)BinaryPrimitives.ReadUInt32BigEndian(frame[offset..]) << 16) | BinaryPrimitives.ReadUInt16BigEndian(frame[(offset + 4)..]);

    private static ulong Mix(ulong value)
    {
        var product = Math.BigMul(value ^ Odd, 0xbf58_476d_1ce4_e5b9UL, out var low);
        return product ^ low;
    }
}

// Layout and bytes in, key out. Hostile bytes: every read is checked against the captured length, and a frame that is cut
// or nonsense above some layer gets the key of the layer that was whole, so that each frame has a place to be counted.
//
// What is not part of the key, and why: priority tags (VID 0) mean "no VLAN"; MPLS labels and GTP TEIDs differ by
// direction (and the last router may pop the label one way only); ERSPAN session ids name a mirror, not a tenant.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Reads <see cref="FlowKey"/>s. Pure; any thread.</summary>
internal static class FlowKeyReader
{
    private const ulong MappedPrefix = 0x0000_ffff_0000_0000;
    private const int Ipv4HeaderMin = 20;
    private const int Ipv6Header = 40;
    private const int ArpIpv4Length = 28;
    private const ushort EtherTypeArp = 0x0806;

    /// <summary>Fills <paramref name="prepared"/> except for its hash.</summary>
    public static void Read(in FrameLayout layout, ReadOnlySpan<byte> frame, out PreparedKey prepared)
    {
        prepared = default;
        if (layout.Verdict == DecodeVerdict.UndecodableLink)
        {
            return;
        }

        prepared.IsFlow = true;
        if (!TryReadIp(layout, frame, ref prepared))
        {
            ReadLayer2(layout, frame, ref prepared);
        }
    }

    private static bool TryReadIp(in FrameLayout layout, ReadOnlySpan<byte> frame, ref PreparedKey prepared)
    {
        ulong sourceHigh;
        ulong sourceLow;
        ulong destinationHigh;
        ulong destinationLow;
        int offset = layout.NetworkOffset;
        if (layout.IpVersion == 4 && offset + Ipv4HeaderMin <= frame.Length)
        {
            var addresses = BinaryPrimitives.ReadUInt64BigEndian(frame[(offset + 12)..]);
            sourceHigh = 0;
            destinationHigh = 0;
            sourceLow = MappedPrefix | (addresses >> 32);
            destinationLow = MappedPrefix | (addresses & 0xffff_ffff);
        }
        else if (layout.IpVersion == 6 && offset + Ipv6Header <= frame.Length)
        {
            var addresses = frame.Slice(offset + 8, 32);
            sourceHigh = BinaryPrimitives.ReadUInt64BigEndian(addresses);
            sourceLow = BinaryPrimitives.ReadUInt64BigEndian(addresses[8..]);
            destinationHigh = BinaryPrimitives.ReadUInt64BigEndian(addresses[16..]);
            destinationLow = BinaryPrimitives.ReadUInt64BigEndian(addresses[24..]);
        }
        else
        {
            return false;
        }

        prepared.Key.Scope = ReadScope(layout, layout.IpProtocol);
        prepared.Key.Vni = TenantOf(layout);
        var isIcmp = layout.IpProtocol is (byte)FlowProtocol.Icmp or (byte)FlowProtocol.Icmpv6;

        // Ports are there even when the rest of a transport header is not; they are 0 where a protocol has none.
        uint sourcePort = isIcmp ? 0u : layout.SourcePort;
        uint destinationPort = isIcmp ? 0u : layout.DestinationPort;

        var comparison = Compare(sourceHigh, sourceLow, destinationHigh, destinationLow);
        if (comparison == 0)
        {
            comparison = sourcePort.CompareTo(destinationPort);
        }

        prepared.Direction = comparison > 0 ? (byte)1 : (byte)0;
        ref var key = ref prepared.Key;
        if (comparison <= 0)
        {
            (key.AHigh, key.ALow, key.BHigh, key.BLow) = (sourceHigh, sourceLow, destinationHigh, destinationLow);
            key.Ports = (sourcePort << 16) | destinationPort;
        }
        else
        {
            (key.AHigh, key.ALow, key.BHigh, key.BLow) = (destinationHigh, destinationLow, sourceHigh, sourceLow);
            key.Ports = (destinationPort << 16) | sourcePort;
        }

        if (isIcmp && (layout.Flags & LayoutFlags.HasTransport) != 0)
        {
            ReadIcmp(layout, comparison == 0, ref prepared);
        }

        return true;
    }

    /// <summary>Queries and their replies share a flow, named by the query's type and the identifier.</summary>
    private static void ReadIcmp(in FrameLayout layout, bool sameEndpoint, ref PreparedKey prepared)
    {
        var type = layout.SourcePort >> 8;
        var isVersion6 = layout.IpProtocol == FlowProtocol.Icmpv6;
        var pair = IcmpPairs.QueryOf(isVersion6, type, out var isReply);
        prepared.IsReply = isReply;
        if (pair < 0)
        {
            // Errors and announcements: one flow for each type and code between two hosts.
            prepared.Key.Ports = (uint)layout.SourcePort << 16;
            return;
        }

        var identifier = IcmpPairs.HasIdentifier(isVersion6, pair) ? layout.DestinationPort : (ushort)0;
        if (sameEndpoint)
        {
            prepared.Direction = isReply ? (byte)1 : (byte)0;
        }

        // Two hosts that ask each other are two conversations: who asks is part of the key.
        var asker = (uint)(isReply ? 1 - prepared.Direction : prepared.Direction);
        prepared.Key.Ports = ((uint)pair << 24) | (asker << 16) | identifier;
    }

    private static void ReadLayer2(in FrameLayout layout, ReadOnlySpan<byte> frame, ref PreparedKey prepared)
    {
        ulong source = 0;
        ulong destination = 0;
        if ((layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset + 12 <= frame.Length)
        {
            destination = ReadMac(frame[layout.LinkOffset..]);
            source = ReadMac(frame[(layout.LinkOffset + 6)..]);
        }

        ref var key = ref prepared.Key;
        var kind = (layout.Flags & LayoutFlags.Llc) != 0 ? FlowProtocol.Llc : FlowProtocol.EtherTypeFlow;
        uint etherType = layout.EtherType;
        if (layout.EtherType == EtherTypeArp)
        {
            kind = FlowProtocol.Arp;
            if (layout.NetworkOffset != 0 && TryReadArp(frame, layout.NetworkOffset, out var sender, out var target))
            {
                (source, destination) = (sender, target);
                etherType = 0;
            }
        }

        key.Scope = ReadScope(layout, kind);
        key.Vni = TenantOf(layout);
        key.Ports = etherType << 16;
        prepared.Direction = source > destination ? (byte)1 : (byte)0;
        (key.ALow, key.BLow) = source > destination ? (destination, source) : (source, destination);
    }

    /// <summary>Addresses of an ARP packet for IPv4 over a link with 6-byte addresses (RFC 826).</summary>
    private static bool TryReadArp(ReadOnlySpan<byte> frame, int offset, out ulong sender, out ulong target)
    {
        sender = 0;
        target = 0;
        if (offset + ArpIpv4Length > frame.Length)
        {
            return false;
        }

        var arp = frame.Slice(offset, ArpIpv4Length);
        if (BinaryPrimitives.ReadUInt32BigEndian(arp[2..]) != 0x0800_0604)
        {
            return false;
        }

        sender = MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(arp[14..]);
        target = MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(arp[24..]);
        return true;
    }

    /// <summary>48 bits of a MAC address in the low bits.</summary>
    public static ulong ReadMac(ReadOnlySpan<byte> bytes) =>
        ((ulong)BinaryPrimitives.ReadUInt32BigEndian(bytes) << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ReadScope(in FrameLayout layout, ushort protocol)
    {
        var tunnel = layout.Tunnel is TunnelKind.Mpls ? TunnelKind.None : layout.Tunnel;
        var scope = ((ulong)protocol << FlowKey.ProtocolShift) | ((ulong)tunnel << FlowKey.TunnelShift);
        return layout.VlanCount == 0 ? scope : scope | ReadVlans(layout);
    }

    private static ulong ReadVlans(in FrameLayout layout)
    {
        ulong vlans = 0;
        var shift = 0;
        Push(layout.Vlan0, layout.VlanCount > 0, ref vlans, ref shift);
        Push(layout.Vlan1, layout.VlanCount > 1, ref vlans, ref shift);
        Push(layout.Vlan2, layout.VlanCount > 2, ref vlans, ref shift);
        Push(layout.Vlan3, layout.VlanCount > 3, ref vlans, ref shift);
        return vlans;
    }

    private static void Push(ushort tci, bool present, ref ulong vlans, ref int shift)
    {
        var vlanId = (ulong)(tci & 0x0fff);
        if (present && vlanId != 0)
        {
            vlans |= vlanId << shift;
            shift += 12;
        }
    }

    private static uint TenantOf(in FrameLayout layout) => layout.Tunnel switch
    {
        TunnelKind.Vxlan or TunnelKind.VxlanGpe or TunnelKind.Geneve or TunnelKind.Gre or TunnelKind.Nvgre => layout.Vni,
        _ => 0,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Compare(ulong leftHigh, ulong leftLow, ulong rightHigh, ulong rightLow) =>
        leftHigh != rightHigh ? leftHigh.CompareTo(rightHigh) : leftLow.CompareTo(rightLow);
}

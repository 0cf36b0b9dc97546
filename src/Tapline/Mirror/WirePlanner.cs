// Decides how a captured frame becomes wire frames. In: what capture and decoder know of it, and its bytes. Out: a plan
// whose offsets are all checked, or the reason why the frame cannot leave. Guests choose every byte and, through
// virtio, the segmentation facts too, so nothing here is trusted. Pure; allocates nothing; any thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror;

/// <summary>Plans wire frames.</summary>
internal static class WirePlanner
{
    private const int EthernetHeaderBytes = 14;
    private const int Ipv4HeaderBytesMin = 20;
    private const int Ipv6HeaderBytes = 40;
    private const int TcpHeaderBytesMin = 20;
    private const int UdpHeaderBytes = 8;
    private const int TcpChecksumOffset = 16;
    private const int UdpChecksumOffset = 6;
    private const int FragmentHeaderBytes = 8;
    private const byte ProtocolIpv4 = 4;
    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;
    private const byte ProtocolIpv6 = 41;
    private const byte ProtocolGre = 47;
    private const byte ProtocolEtherIp = 97;
    private const byte ProtocolSctp = 132;

    /// <summary>
    /// Plans the frame. False when it cannot leave as a wire would carry it: cut by the capture, or its headers
    /// contradict its segmentation facts. <paramref name="frame"/> holds the captured bytes.
    /// </summary>
    /// <param name="meta">What capture knows.</param>
    /// <param name="layout">What the decoder found.</param>
    /// <param name="frame">The captured bytes.</param>
    /// <param name="unfragmentedBytesMax">
    /// A datagram that is no longer than this leaves whole, not as fragments.
    /// </param>
    /// <param name="plan">The plan.</param>
    public static bool TryPlan(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int unfragmentedBytesMax, out WirePlan plan)
    {
        plan = default;
        plan.OuterNetwork = -1;
        plan.FrameBytes = meta.OriginalLength;
        if (meta.LinkType != LinkType.Ethernet || frame.Length < meta.OriginalLength
            || meta.OriginalLength < EthernetHeaderBytes)
        {
            return false;
        }

        frame = frame[..meta.OriginalLength];
        var kind = meta.GsoType & ~GsoType.Ecn;
        if (kind == GsoType.None || meta.GsoSize == 0)
        {
            return PlanWhole(meta, layout, frame, ref plan);
        }

        return kind switch
        {
            GsoType.Tcpv4 or GsoType.Tcpv6 => PlanTcp(meta, layout, frame, ref plan),
            GsoType.UdpL4 => PlanUdp(meta, layout, frame, ref plan),
            GsoType.Udp when frame.Length <= unfragmentedBytesMax => PlanWhole(meta, layout, frame, ref plan),
            GsoType.Udp => PlanFragments(meta, layout, frame, ref plan),
            _ => false,
        };
    }

    /// <summary>
    /// Plans shorter wire frames of the same frame: a TCP segment can be carried as several, and fragments can be smaller. False
    /// when it can't be cut so that its receiver would not care, or not so that <paramref name="bytesMax"/> is kept.
    /// </summary>
    public static bool TryShorten(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int bytesMax, ref WirePlan plan)
    {
        frame = frame[..plan.FrameBytes];
        switch (plan.Shape)
        {
            case WireShape.AsIs or WireShape.CompleteChecksum:
                return IsWholeTcp(meta, layout, frame) && FindTcp(meta, layout, frame, ref plan)
                    && (plan.OuterNetwork < 0 || EndsWithFrame(frame, plan.OuterNetwork))
                    && CountSegments(bytesMax - plan.Payload, frame, ref plan);
            case WireShape.SegmentTcp:
                return CountSegments(bytesMax - (plan.Payload - plan.JumboOptionBytes), frame, ref plan);
            case WireShape.Fragment:
                var headerBytes = plan.Payload + (frame[plan.Network] >> 4 == 6 ? FragmentHeaderBytes : 0);
                plan.SegmentBytes = (bytesMax - headerBytes) & ~7;
                return plan.SegmentBytes > 0 && CountFragments(frame, ref plan);
            default:
                return false;
        }
    }

    // Cut anew, its checksums are too: what is wrong must not become right, nor may bytes behind the packet become payload.
    private static bool IsWholeTcp(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (layout.IpProtocol != ProtocolTcp
            || (layout.Flags & (LayoutFlags.HasTransport | LayoutFlags.IsFragment)) != LayoutFlags.HasTransport
            || PacketChecksum.VerifyIpv4Header(frame, layout) == ChecksumState.Bad
            || !EndsWithFrame(frame, layout.NetworkOffset))
        {
            return false;
        }

        return (meta.Flags & FrameFlags.ChecksumPartial) != 0
            ? meta.ChecksumStart == layout.TransportOffset && meta.ChecksumOffset == TcpChecksumOffset
            : PacketChecksum.VerifyTransport(frame, layout) == ChecksumState.Good;
    }

    // By the IP header's own length.
    private static bool EndsWithFrame(ReadOnlySpan<byte> frame, int network)
    {
        if (network + Ipv4HeaderBytesMin > frame.Length)
        {
            return false;
        }

        var bytes = frame[network] >> 4 == 4
            ? BinaryPrimitives.ReadUInt16BigEndian(frame[(network + 2)..])
            : BinaryPrimitives.ReadUInt16BigEndian(frame[(network + 4)..]) + Ipv6HeaderBytes;
        return network + bytes == frame.Length;
    }

    private static bool PlanWhole(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        plan.Count = 1;
        plan.LongestBytes = frame.Length;
        if ((meta.Flags & FrameFlags.ChecksumPartial) == 0)
        {
            return true;
        }

        plan.Shape = WireShape.CompleteChecksum;
        plan.IsCrc32c = layout.IpProtocol == ProtocolSctp && layout.TransportOffset == meta.ChecksumStart;
        return PlanChecksum(meta, frame, ref plan);
    }

    private static bool PlanChecksum(in FrameMeta meta, ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        plan.ChecksumStart = meta.ChecksumStart;
        plan.ChecksumField = meta.ChecksumStart + meta.ChecksumOffset;
        var fieldBytes = plan.IsCrc32c ? sizeof(uint) : sizeof(ushort);
        return meta.ChecksumStart >= EthernetHeaderBytes && plan.ChecksumField + fieldBytes <= frame.Length;
    }

    private static bool PlanTcp(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, ref WirePlan plan) =>
        FindTcp(meta, layout, frame, ref plan) && CountSegments(meta.GsoSize, frame, ref plan);

    private static bool FindTcp(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        plan.Shape = WireShape.SegmentTcp;
        plan.Transport = TransportOf(meta, layout);
        if (!FindNetwork(layout, frame, ProtocolTcp, ref plan)
            || plan.Transport + TcpHeaderBytesMin > frame.Length)
        {
            return false;
        }

        var headerBytes = (frame[plan.Transport + 12] >> 4) * 4;
        plan.Payload = plan.Transport + headerBytes;
        return headerBytes >= TcpHeaderBytesMin && plan.Payload <= frame.Length;
    }

    private static bool PlanUdp(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        plan.Shape = WireShape.SegmentUdp;
        plan.Transport = TransportOf(meta, layout);
        plan.Payload = plan.Transport + UdpHeaderBytes;
        return FindNetwork(layout, frame, ProtocolUdp, ref plan) && CountSegments(meta.GsoSize, frame, ref plan);
    }

    private static bool PlanFragments(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        plan.Shape = WireShape.Fragment;
        plan.Transport = TransportOf(meta, layout);
        plan.Payload = plan.Transport;
        plan.SegmentBytes = meta.GsoSize & ~7;
        plan.FragmentId = (uint)meta.FrameNumber;
        if (plan.SegmentBytes == 0 || !FindNetwork(layout, frame, ProtocolUdp, ref plan) || plan.OuterNetwork >= 0
            || plan.Transport + UdpHeaderBytes > frame.Length)
        {
            return false;
        }

        var isIpv6 = frame[plan.Network] >> 4 == 6;
        if (isIpv6 && plan.Transport != plan.Network + Ipv6HeaderBytes)
        {
            return false;
        }

        if ((meta.Flags & FrameFlags.ChecksumPartial) != 0
            && (meta.ChecksumOffset != UdpChecksumOffset || !PlanChecksum(meta, frame, ref plan)))
        {
            return false;
        }

        return CountFragments(frame, ref plan);
    }

    private static bool CountFragments(ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        var bytes = frame.Length - plan.Payload;
        var extraBytes = frame[plan.Network] >> 4 == 6 ? FragmentHeaderBytes : 0;
        plan.Count = (bytes + plan.SegmentBytes - 1) / plan.SegmentBytes;
        plan.LongestBytes = plan.Payload + Math.Min(plan.SegmentBytes, bytes) + extraBytes;

        // The fragment offset has 13 bits of 8 bytes.
        return bytes <= ushort.MaxValue && plan.Count <= Limits.MirrorWireFramesPerFrameMax;
    }

    private static bool CountSegments(int segmentBytes, ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        var bytes = frame.Length - plan.Payload;
        if (bytes < 0 || segmentBytes <= 0)
        {
            return false;
        }

        plan.SegmentBytes = segmentBytes;
        plan.Count = Math.Max(1, (bytes + plan.SegmentBytes - 1) / plan.SegmentBytes);
        plan.LongestBytes = plan.Payload - plan.JumboOptionBytes + Math.Min(plan.SegmentBytes, bytes);

        // The IP length fields have 16 bits; LongestBytes counts more than they do, so this errs on the safe side.
        return plan.Count <= Limits.MirrorWireFramesPerFrameMax && plan.LongestBytes <= ushort.MaxValue;
    }

    // Where the sender wants the checksum is where it wants the segmentation: the one thing that tells an outer from an
    // inner transport header (virtio_net_hdr has no word for tunnels).
    private static int TransportOf(in FrameMeta meta, in FrameLayout layout) =>
        (meta.Flags & FrameFlags.ChecksumPartial) != 0 ? meta.ChecksumStart : layout.TransportOffset;

    private static bool FindNetwork(in FrameLayout layout, ReadOnlySpan<byte> frame, byte protocol, ref WirePlan plan)
    {
        if (layout.IpVersion == 0)
        {
            return false;
        }

        var isTunnelled = (layout.Flags & LayoutFlags.Tunnelled) != 0 && layout.OuterIpVersion != 0;
        plan.Network = layout.NetworkOffset;
        if (!isTunnelled)
        {
            return CheckNetwork(frame, protocol, ref plan);
        }

        // Lengths of carriers further out than one could not be put right.
        if (layout.TunnelDepth != 1)
        {
            return false;
        }

        if (plan.Transport <= layout.NetworkOffset)
        {
            plan.Network = layout.OuterNetworkOffset;
            return CheckNetwork(frame, protocol, ref plan);
        }

        plan.OuterNetwork = layout.OuterNetworkOffset;
        return CheckNetwork(frame, protocol, ref plan) && CheckOuter(frame, ref plan);
    }

    private static bool CheckNetwork(ReadOnlySpan<byte> frame, byte protocol, ref WirePlan plan)
    {
        var network = plan.Network;
        if (network < EthernetHeaderBytes || network + Ipv4HeaderBytesMin > frame.Length)
        {
            return false;
        }

        if (frame[network] >> 4 == 4)
        {
            var headerBytes = (frame[network] & 0xf) * 4;
            return headerBytes >= Ipv4HeaderBytesMin && plan.Transport == network + headerBytes
                && frame[network + 9] == protocol;
        }

        if (frame[network] >> 4 != 6 || plan.Transport < network + Ipv6HeaderBytes || plan.Transport > frame.Length)
        {
            return false;
        }

        plan.JumboOptionBytes = JumboOptionBytes(frame, network, plan.Transport);
        return LastNextHeader(frame, network, plan.Transport) == protocol;
    }

    // RFC 2675: hop-by-hop header of 8 bytes with just the jumbo payload option (type 0xC2, 4 bytes of length).
    private static int JumboOptionBytes(ReadOnlySpan<byte> frame, int network, int transport)
    {
        var option = network + Ipv6HeaderBytes;
        var isJumbo = frame[network + 6] == 0 && transport >= option + 8
            && frame[option + 1] == 0 && frame[option + 2] == 0xC2 && frame[option + 3] == 4;
        return isJumbo ? 8 : 0;
    }

    // Follows extension headers (RFC 8200 section 4) until the transport header; -1 when the chain does not lead there.
    private static int LastNextHeader(ReadOnlySpan<byte> frame, int network, int transport)
    {
        int next = frame[network + 6];
        var offset = network + Ipv6HeaderBytes;
        while (offset < transport)
        {
            if (next is not (0 or 43 or 60) || offset + 8 > transport)
            {
                return -1;
            }

            next = frame[offset];
            offset += (frame[offset + 1] + 1) * 8;
        }

        return offset == transport ? next : -1;
    }

    private static bool CheckOuter(ReadOnlySpan<byte> frame, ref WirePlan plan)
    {
        var outer = plan.OuterNetwork;
        if (outer < EthernetHeaderBytes || outer + Ipv4HeaderBytesMin > plan.Network)
        {
            return false;
        }

        var version = frame[outer] >> 4;
        var isIpv4 = version == 4;
        var headerBytes = isIpv4 ? (frame[outer] & 0xf) * 4 : version == 6 ? Ipv6HeaderBytes : 0;
        plan.OuterTransport = outer + headerBytes;
        if (headerBytes < Ipv4HeaderBytesMin || plan.OuterTransport > plan.Network)
        {
            return false;
        }

        return (isIpv4 ? frame[outer + 9] : frame[outer + 6]) switch
        {
            ProtocolUdp => plan.OuterTransport + UdpHeaderBytes <= plan.Network,

            // RFC 2784: with the C bit a checksum follows the first four bytes.
            ProtocolGre => plan.OuterTransport + 8 <= plan.Network
                || (plan.OuterTransport + 4 <= plan.Network && (frame[plan.OuterTransport] & 0x80) == 0),
            ProtocolIpv4 or ProtocolIpv6 or ProtocolEtherIp => true,
            _ => false,
        };
    }
}

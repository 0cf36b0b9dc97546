// Verifies and completes the checksums of the decoded (innermost) packet: IPv4 header, TCP, UDP, UDP-Lite, ICMP,
// ICMPv6, IGMP, DCCP and SCTP (CRC-32C, RFC 9260 appendix A). Pure: borrows the frame for the call. Special cases:
// over IPv4 a UDP checksum of 0 means none and a sum that comes out 0 is sent as 0xFFFF (RFC 768); over IPv6 0 is
// allowed for tunnels only (RFC 6935); UDP-Lite and DCCP may cover a part only.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>Checksums of a decoded packet.</summary>
public static class PacketChecksum
{
    /// <summary>The IPv4 header's checksum; NotPresent for anything but IPv4.</summary>
    public static ChecksumState VerifyIpv4Header(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        if (layout.IpVersion != 4)
        {
            return ChecksumState.NotPresent;
        }

        var length = (frame[layout.NetworkOffset] & 15) * 4;
        return layout.NetworkOffset + length > frame.Length ? ChecksumState.Unverified
            : InternetSum.Of(frame.Slice(layout.NetworkOffset, length)) == 0xFFFF ? ChecksumState.Good
            : ChecksumState.Bad;
    }

    /// <summary>The transport header's checksum.</summary>
    public static ChecksumState VerifyTransport(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        var at = FieldOffset(layout);
        if (at < 0)
        {
            return ChecksumState.NotPresent;
        }

        if (!TrySegment(frame, layout, out var segment))
        {
            return ChecksumState.Unverified;
        }

        if (layout.IpProtocol == IpProtocols.Sctp)
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(segment[8..]) == SctpSum(segment)
                ? ChecksumState.Good
                : ChecksumState.Bad;
        }

        if (layout.IpProtocol == IpProtocols.Udp && segment[6] == 0 && segment[7] == 0)
        {
            return layout.IpVersion == 4 || TunnelWalk.IsTunnelPort(layout.DestinationPort)
                ? ChecksumState.NotPresent
                : ChecksumState.Bad;
        }

        var sum = Sum(frame, layout, segment);
        return sum == 0xFFFF ? ChecksumState.Good : ChecksumState.Bad;
    }

    /// <summary>
    /// Writes the right checksums of the IPv4 header (if any) and the transport header. False when the transport's
    /// cannot be told (see <see cref="ChecksumState.Unverified"/>) or does not exist;
    /// the IPv4 header's is written if it is whole.
    /// </summary>
    public static bool Complete(Span<byte> frame, in FrameLayout layout)
    {
        if (VerifyIpv4Header(frame, layout) is ChecksumState.Good or ChecksumState.Bad)
        {
            var header = frame.Slice(layout.NetworkOffset, (frame[layout.NetworkOffset] & 15) * 4);
            header[10..12].Clear();
            BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetSum.Complement(InternetSum.Of(header)));
        }

        var at = FieldOffset(layout);
        if (at < 0 || !TrySegment(frame, layout, out var readable))
        {
            return false;
        }

        var segment = frame.Slice(layout.TransportOffset, readable.Length);
        if (layout.IpProtocol == IpProtocols.Sctp)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(segment[at..], SctpSum(segment));
            return true;
        }

        segment.Slice(at, 2).Clear();
        var sum = Sum(frame, layout, segment);
        var checksum = InternetSum.Complement(sum);
        var zeroMeansNone = layout.IpProtocol is IpProtocols.Udp or IpProtocols.UdpLite;
        checksum = checksum == 0 && zeroMeansNone ? (ushort)0xFFFF : checksum;
        BinaryPrimitives.WriteUInt16BigEndian(segment[at..], checksum);
        return true;
    }

    private static int FieldOffset(in FrameLayout layout) => layout.IpProtocol switch
    {
        IpProtocols.Tcp => 16,
        IpProtocols.Udp or IpProtocols.UdpLite or IpProtocols.Dccp => 6,
        IpProtocols.Icmp or IpProtocols.Igmp or IpProtocols.Icmpv6 => 2,
        IpProtocols.Sctp => 8,
        _ => -1,
    };

    /// <summary>
    /// The whole transport header and payload, if all of it is here and its addresses are the final ones.
    /// </summary>
    private static bool TrySegment(ReadOnlySpan<byte> frame, in FrameLayout layout, out ReadOnlySpan<byte> segment)
    {
        segment = default;
        var length = layout.TransportHeaderLength + layout.PayloadLength;
        if ((layout.Flags & LayoutFlags.HasTransport) == 0
            || (layout.Flags & (LayoutFlags.IsFragment | LayoutFlags.OuterFragment)) != 0
            || layout.TransportOffset + length > frame.Length
            || OnSourceRoute(frame, layout))
        {
            return false;
        }

        segment = frame.Slice(layout.TransportOffset, length);
        return true;
    }

    /// <summary>
    /// True with an IPv6 routing header that has segments left: the destination field is not the final one.
    /// </summary>
    private static bool OnSourceRoute(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        if (layout.IpVersion != 6)
        {
            return false;
        }

        var next = frame[layout.NetworkOffset + 6];
        var offset = layout.NetworkOffset + 40;
        while (offset + 8 <= layout.TransportOffset)
        {
            if (next == IpProtocols.Routing && frame[offset + 3] != 0)
            {
                return true;
            }

            var length = next switch
            {
                IpProtocols.Fragment => 8,
                IpProtocols.Ah => (frame[offset + 1] + 2) * 4,
                _ => (frame[offset + 1] + 1) * 8,
            };
            next = frame[offset];
            offset += length;
        }

        return false;
    }

    /// <summary>What is summed: UDP-Lite (RFC 3828 section 3.1) and DCCP (section 9.2) may leave a part out.</summary>
    private static ReadOnlySpan<byte> Covered(ReadOnlySpan<byte> segment, in FrameLayout layout)
    {
        if (layout.IpProtocol == IpProtocols.UdpLite)
        {
            int coverage = BinaryPrimitives.ReadUInt16BigEndian(segment[4..]);
            return coverage >= 8 && coverage <= segment.Length ? segment[..coverage] : segment;
        }

        if (layout.IpProtocol == IpProtocols.Dccp && (segment[5] & 15) is var words && words != 0)
        {
            return segment[..Math.Min(segment.Length, layout.TransportHeaderLength + ((words - 1) * 4))];
        }

        return segment;
    }

    private static uint Sum(ReadOnlySpan<byte> frame, in FrameLayout layout, ReadOnlySpan<byte> segment) =>
        InternetSum.Add(PseudoHeader(frame, layout, segment.Length), InternetSum.Of(Covered(segment, layout)));

    private static uint PseudoHeader(ReadOnlySpan<byte> frame, in FrameLayout layout, int length)
    {
        // ICMP and IGMP of version 4 sum nothing but themselves.
        if (layout.IpProtocol is IpProtocols.Icmp or IpProtocols.Igmp)
        {
            return 0;
        }

        var addresses = layout.IpVersion == 4
            ? frame.Slice(layout.NetworkOffset + 12, 8)
            : frame.Slice(layout.NetworkOffset + 8, 32);
        var rest = InternetSum.Add((uint)(length & 0xFFFF), (uint)(length >> 16) + layout.IpProtocol);
        return InternetSum.Add(InternetSum.Of(addresses), rest);
    }

    /// <summary>CRC-32C of a whole SCTP packet of at least 12 bytes, its checksum field taken as zero (RFC 9260 section 6.8).</summary>
    internal static uint SctpSum(ReadOnlySpan<byte> segment)
    {
        ReadOnlySpan<byte> zero = [0, 0, 0, 0];
        return Crc32C.Compute(segment[12..], Crc32C.Compute(zero, Crc32C.Compute(segment[..8])));
    }
}

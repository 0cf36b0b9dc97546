// Writes the wire frames that a captured frame stands for, one by index, into the caller's memory, as the sender's NIC
// would have put them on the wire: own lengths, identification, sequence number, flags and checksums (the rules are
// those of the kernel's inet_gso_segment, tcp_gso_segment, __udp_gso_segment and ip_fragment). Pure; allocates nothing;
// any thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror;

/// <summary>Writes wire frames from a <see cref="WirePlan"/>.</summary>
internal static class WireWriter
{
    private const int Ipv6HeaderBytes = 40;
    private const int FragmentHeaderBytes = 8;
    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;
    private const byte ProtocolGre = 47;
    private const byte NextHeaderFragment = 44;
    private const byte TcpFin = 0x01;
    private const byte TcpPush = 0x08;
    private const byte TcpCwr = 0x80;

    /// <summary>
    /// Writes wire frame <paramref name="index"/> of the plan and returns its length.
    /// <paramref name="destination"/> has room for the plan's longest frame.
    /// </summary>
    public static int Write(in WirePlan plan, ReadOnlySpan<byte> frame, int index, Span<byte> destination)
    {
        Invariant.Check((uint)index < (uint)plan.Count);
        Invariant.Check(destination.Length >= plan.LongestBytes);
        switch (plan.Shape)
        {
            case WireShape.AsIs:
                frame[..plan.FrameBytes].CopyTo(destination);
                return plan.FrameBytes;
            case WireShape.CompleteChecksum:
                frame[..plan.FrameBytes].CopyTo(destination);
                Complete(plan, destination[..plan.FrameBytes]);
                return plan.FrameBytes;
            case WireShape.Fragment:
                return WriteFragment(plan, frame, index, destination);
            default:
                return WriteSegment(plan, frame, index, destination);
        }
    }

    private static void Complete(in WirePlan plan, Span<byte> frame)
    {
        if (plan.IsCrc32c)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(frame[plan.ChecksumField..], 0);
            var crc = Crc32C.Compute(frame[plan.ChecksumStart..]);
            BinaryPrimitives.WriteUInt32LittleEndian(frame[plan.ChecksumField..], crc);
            return;
        }

        // The field holds the pseudo header's sum, so summing over it completes the checksum. Zero would mean "none"
        // for UDP, and for the others is the same number as all ones (CSUM_MANGLED_0 in the kernel).
        var checksum = InternetSum.Complement(InternetSum.Of(frame[plan.ChecksumStart..]));
        BinaryPrimitives.WriteUInt16BigEndian(frame[plan.ChecksumField..], checksum == 0 ? (ushort)0xffff : checksum);
    }

    private static int WriteSegment(in WirePlan plan, ReadOnlySpan<byte> frame, int index, Span<byte> destination)
    {
        var from = plan.Payload + (index * plan.SegmentBytes);
        var payloadBytes = Math.Min(plan.SegmentBytes, plan.FrameBytes - from);
        var shift = plan.JumboOptionBytes;
        var payload = plan.Payload - shift;
        var transport = plan.Transport - shift;
        var wire = destination[..(payload + payloadBytes)];

        CopyHeaders(plan, frame, wire);
        frame.Slice(from, payloadBytes).CopyTo(wire[payload..]);
        SetLengths(wire, plan.Network, index);
        if (plan.Shape == WireShape.SegmentTcp)
        {
            SetTcp(plan, wire, transport, index);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(wire[(transport + 4)..], (ushort)(wire.Length - transport));
            SetUdpChecksum(wire, plan.Network, transport);
        }

        if (plan.OuterNetwork >= 0)
        {
            SetOuter(plan, wire, index);
        }

        return wire.Length;
    }

    private static void CopyHeaders(in WirePlan plan, ReadOnlySpan<byte> frame, Span<byte> wire)
    {
        if (plan.JumboOptionBytes == 0)
        {
            frame[..plan.Payload].CopyTo(wire);
            return;
        }

        // The jumbo option goes (ipv6_hopopt_jumbo_remove): what it announced is now the IPv6 header's next header.
        var option = plan.Network + Ipv6HeaderBytes;
        frame[..option].CopyTo(wire);
        frame[(option + plan.JumboOptionBytes)..plan.Payload].CopyTo(wire[option..]);
        wire[plan.Network + 6] = frame[option];
    }

    // Lengths count to the end of the wire frame. IPv4 identification goes up by one for each segment (RFC 791 wants
    // them distinct; the sender's stack has reserved that many).
    private static void SetLengths(Span<byte> wire, int network, int index)
    {
        if (wire[network] >> 4 == 6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(
                wire[(network + 4)..], (ushort)(wire.Length - network - Ipv6HeaderBytes));
            return;
        }

        var identification = BinaryPrimitives.ReadUInt16BigEndian(wire[(network + 4)..]);
        BinaryPrimitives.WriteUInt16BigEndian(wire[(network + 2)..], (ushort)(wire.Length - network));
        BinaryPrimitives.WriteUInt16BigEndian(wire[(network + 4)..], (ushort)(identification + index));
        SetIpv4Checksum(wire, network);
    }

    private static void SetIpv4Checksum(Span<byte> wire, int network)
    {
        var header = wire.Slice(network, (wire[network] & 0xf) * 4);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetSum.Complement(InternetSum.Of(header)));
    }

    private static void SetTcp(in WirePlan plan, Span<byte> wire, int transport, int index)
    {
        var tcp = wire[transport..];
        var sequence = BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence + (uint)(index * plan.SegmentBytes));

        // RFC 3168 section 6.1.2: the reduction of the window is told once. FIN and PSH belong to the last byte.
        var clear = (index > 0 ? TcpCwr : 0) | (index < plan.Count - 1 ? TcpFin | TcpPush : 0);
        tcp[13] = (byte)(tcp[13] & ~clear);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], 0);
        var sum = InternetSum.Add(PseudoHeader(wire, plan.Network, ProtocolTcp, tcp.Length), InternetSum.Of(tcp));
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], InternetSum.Complement(sum));
    }

    private static void SetUdpChecksum(Span<byte> wire, int network, int transport)
    {
        var udp = wire[transport..];
        if (BinaryPrimitives.ReadUInt16BigEndian(udp[6..]) == 0)
        {
            // The sender chose to have none (RFC 768).
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], 0);
        var sum = InternetSum.Add(PseudoHeader(wire, network, ProtocolUdp, udp.Length), InternetSum.Of(udp));
        var checksum = InternetSum.Complement(sum);
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], checksum == 0 ? (ushort)0xffff : checksum);
    }

    // RFC 9293 section 3.1 and RFC 8200 section 8.1; the two sum to the same but for the addresses.
    private static uint PseudoHeader(ReadOnlySpan<byte> wire, int network, byte protocol, int bytes)
    {
        var addresses = wire[network] >> 4 == 6 ? wire.Slice(network + 8, 32) : wire.Slice(network + 12, 8);
        return InternetSum.Add(InternetSum.Of(addresses), (uint)(protocol + bytes));
    }

    private static void SetOuter(in WirePlan plan, Span<byte> wire, int index)
    {
        SetLengths(wire, plan.OuterNetwork, index);
        var outer = wire[plan.OuterTransport..];
        var protocol = wire[plan.OuterNetwork] >> 4 == 6 ? wire[plan.OuterNetwork + 6] : wire[plan.OuterNetwork + 9];
        if (protocol == ProtocolUdp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(outer[4..], (ushort)outer.Length);
            SetUdpChecksum(wire, plan.OuterNetwork, plan.OuterTransport);
        }
        else if (protocol == ProtocolGre && (outer[0] & 0x80) != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(outer[4..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(outer[4..], InternetSum.Complement(InternetSum.Of(outer)));
        }
    }

    private static int WriteFragment(in WirePlan plan, ReadOnlySpan<byte> frame, int index, Span<byte> destination)
    {
        var offset = index * plan.SegmentBytes;
        var bytes = Math.Min(plan.SegmentBytes, plan.FrameBytes - plan.Payload - offset);
        var isLast = index == plan.Count - 1;
        var isIpv6 = frame[plan.Network] >> 4 == 6;
        var extra = isIpv6 ? FragmentHeaderBytes : 0;
        var wire = destination[..(plan.Payload + extra + bytes)];
        frame[..plan.Payload].CopyTo(wire);
        frame.Slice(plan.Payload + offset, bytes).CopyTo(wire[(plan.Payload + extra)..]);
        if (index == 0 && plan.ChecksumField != 0)
        {
            // Over the whole datagram, which only the captured frame has in one piece.
            var checksum = InternetSum.Complement(InternetSum.Of(frame[plan.ChecksumStart..plan.FrameBytes]));
            BinaryPrimitives.WriteUInt16BigEndian(
                wire[(plan.ChecksumField + extra)..], checksum == 0 ? (ushort)0xffff : checksum);
        }

        if (isIpv6)
        {
            WriteFragmentHeader(plan, wire, offset, isLast);
            return wire.Length;
        }

        // RFC 791: offset in units of 8 bytes, more-fragments is bit 13; the reserved and don't-fragment bits are
        // cleared.
        BinaryPrimitives.WriteUInt16BigEndian(wire[(plan.Network + 2)..], (ushort)(wire.Length - plan.Network));
        BinaryPrimitives.WriteUInt16BigEndian(
            wire[(plan.Network + 6)..], (ushort)((offset / 8) | (isLast ? 0 : 0x2000)));
        SetIpv4Checksum(wire, plan.Network);
        return wire.Length;
    }

    // RFC 8200 section 4.5.
    private static void WriteFragmentHeader(in WirePlan plan, Span<byte> wire, int offset, bool isLast)
    {
        var header = wire.Slice(plan.Payload, FragmentHeaderBytes);
        header[0] = wire[plan.Network + 6];
        header[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(offset | (isLast ? 0 : 1)));
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], plan.FragmentId);
        wire[plan.Network + 6] = NextHeaderFragment;
        BinaryPrimitives.WriteUInt16BigEndian(
            wire[(plan.Network + 4)..], (ushort)(wire.Length - plan.Network - Ipv6HeaderBytes));
    }
}

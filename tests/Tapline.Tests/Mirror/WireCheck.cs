// A second opinion on finished wire frames: sums word by word as RFC 1071 tells it, parses lengths from the bytes,
// shares no code with the mirror.
using System.Buffers.Binary;
using Xunit;

namespace Tapline.Tests.Mirror;

/// <summary>What a wire frame says of itself once all its checksums were found right.</summary>
internal sealed record WireFrame(
    int Identification, uint Sequence, byte TcpFlags, byte[] Payload, int FragmentOffset, bool MoreFragments)
{
    public byte[] IpPayload { get; init; } = [];
}

/// <summary>Verifies wire frames.</summary>
internal static class WireCheck
{
    /// <summary>The folded one's complement sum.</summary>
    public static uint Sum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (var i = 0; i < data.Length; i += 2)
        {
            sum += (uint)(data[i] << 8 | (i + 1 < data.Length ? data[i + 1] : 0));
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return sum;
    }

    /// <summary>The pseudo header's folded sum for the packet's addresses.</summary>
    public static uint PseudoHeader(ReadOnlySpan<byte> packet, byte protocol, int bytes)
    {
        var isIpv6 = packet[0] >> 4 == 6;
        var sum = Sum(isIpv6 ? packet.Slice(8, 32) : packet.Slice(12, 8)) + protocol + (uint)(bytes & 0xffff) + (uint)(bytes >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (sum & 0xffff) + (sum >> 16);
    }

    /// <summary>
    /// Checks an Ethernet frame to its innermost transport (VXLAN on port 4789 is entered) and tells of it.
    /// </summary>
    public static WireFrame Verify(ReadOnlySpan<byte> frame)
    {
        var offset = 12;
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame[offset..]);
        while (type is 0x8100 or 0x88a8)
        {
            offset += 4;
            type = BinaryPrimitives.ReadUInt16BigEndian(frame[offset..]);
        }

        Assert.True(type is 0x0800 or 0x86dd, $"type {type:x4}");
        return VerifyPacket(frame[(offset + 2)..]);
    }

    private static WireFrame VerifyPacket(ReadOnlySpan<byte> packet)
    {
        var isIpv6 = packet[0] >> 4 == 6;
        var header = isIpv6 ? 40 : (packet[0] & 0xf) * 4;
        int protocol = isIpv6 ? packet[6] : packet[9];
        var identification = 0;
        var fragment = 0;
        if (isIpv6)
        {
            Assert.Equal(packet.Length - 40, BinaryPrimitives.ReadUInt16BigEndian(packet[4..]));
        }
        else
        {
            Assert.Equal(packet.Length, BinaryPrimitives.ReadUInt16BigEndian(packet[2..]));
            Assert.Equal(0xffffu, Sum(packet[..header]));
            identification = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
            var word = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
            fragment = ((word & 0x1fff) * 8) | ((word & 0x2000) != 0 ? 1 : 0);
        }

        while (isIpv6 && protocol is 0 or 44)
        {
            if (protocol == 44)
            {
                fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[(header + 2)..]);
            }

            var bytes = protocol == 44 ? 8 : (packet[header + 1] + 1) * 8;
            protocol = packet[header];
            header += bytes;
        }

        if (fragment != 0)
        {
            return new WireFrame(identification, 0, 0, [], fragment & ~7, (fragment & 1) != 0)
            {
                IpPayload = packet[header..].ToArray(),
            };
        }

        return VerifyTransport(packet, header, (byte)protocol, identification);
    }

    private static WireFrame VerifyTransport(
        ReadOnlySpan<byte> packet, int header, byte protocol, int identification)
    {
        var transport = packet[header..];
        var hasNone = protocol == SuperFrame.Udp && transport[6] == 0 && transport[7] == 0;
        if (!hasNone)
        {
            var sum = Sum(transport) + PseudoHeader(packet, protocol, transport.Length);
            Assert.Equal(0xffffu, (sum & 0xffff) + (sum >> 16));
        }

        if (protocol == SuperFrame.Tcp)
        {
            var payload = transport[((transport[12] >> 4) * 4)..].ToArray();
            var sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[4..]);
            return new WireFrame(identification, sequence, transport[13], payload, 0, false);
        }

        Assert.Equal(SuperFrame.Udp, protocol);
        Assert.Equal(transport.Length, BinaryPrimitives.ReadUInt16BigEndian(transport[4..]));
        return BinaryPrimitives.ReadUInt16BigEndian(transport[2..]) == 4789
            ? Verify(transport[16..])
            : new WireFrame(identification, 0, 0, transport[8..].ToArray(), 0, false);
    }
}

// An ICMP error quotes the packet that it is about (RFC 792, RFC 4443): header and at least 8 bytes, enough for ports.
using System.Buffers.Binary;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Finds the quoted packet's headers. Hostile bytes: checked, no options of IPv6 are followed.</summary>
internal static class QuotedPacket
{
    /// <summary>A layout of the quoted packet, good for reading its key; false when it is not whole enough.</summary>
    public static bool TryLayout(in FrameLayout layout, ReadOnlySpan<byte> frame, out FrameLayout quoted)
    {
        quoted = layout;
        int offset = layout.PayloadOffset;
        if (offset >= frame.Length)
        {
            return false;
        }

        var packet = frame[offset..];
        int headerLength;
        if (layout.IpVersion == 4 && packet.Length >= 24 && packet[0] >> 4 == 4)
        {
            headerLength = (packet[0] & 0x0f) * 4;
            quoted.IpProtocol = packet[9];
            if (headerLength < 20 || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1fff) != 0)
            {
                return false;
            }
        }
        else if (layout.IpVersion == 6 && packet.Length >= 44 && packet[0] >> 4 == 6)
        {
            headerLength = 40;
            quoted.IpProtocol = packet[6];
        }
        else
        {
            return false;
        }

        var hasPorts = quoted.IpProtocol is (byte)FlowProtocol.Tcp or (byte)FlowProtocol.Udp
            or (byte)FlowProtocol.Sctp or (byte)FlowProtocol.UdpLite;
        if (!hasPorts || packet.Length < headerLength + 4)
        {
            return false;
        }

        quoted.Verdict = DecodeVerdict.Transport;
        quoted.Flags = LayoutFlags.HasTransport;
        quoted.NetworkOffset = (ushort)offset;
        quoted.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(packet[headerLength..]);
        quoted.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(packet[(headerLength + 2)..]);
        return true;
    }
}

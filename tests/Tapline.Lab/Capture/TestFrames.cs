// Small literal frames for capture tests.
using System.Buffers.Binary;

namespace Tapline.Lab.Capture;

/// <summary>Builds Ethernet frames with IPv4/UDP inside.</summary>
internal static class TestFrames
{
    /// <summary>An IPv4/UDP frame of <paramref name="length"/> bytes with a sequence number at the payload's start.</summary>
    public static byte[] Udp(uint source, uint destination, int length = 64, ReadOnlySpan<byte> tags = default)
    {
        var frame = new byte[length + tags.Length];
        new byte[] { 0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1 }.CopyTo(frame, 0);
        tags.CopyTo(frame.AsSpan(12));
        var at = 12 + tags.Length;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(at), 0x0800);
        WriteIpv4(frame.AsSpan(at + 2), source, destination, protocol: 17);
        var udp = frame.AsSpan(at + 22);
        BinaryPrimitives.WriteUInt16BigEndian(udp, 1000);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], 2000);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        return frame;
    }

    /// <summary>An IPv4/TCP frame with a data segment; its checksum field is left to be completed.</summary>
    public static byte[] Tcp(uint source, uint destination, int payloadBytes, ReadOnlySpan<byte> tags = default)
    {
        var frame = Udp(source, destination, 54 + payloadBytes, tags);
        var at = 14 + tags.Length;
        WriteIpv4(frame.AsSpan(at), source, destination, protocol: 6);
        var tcp = frame.AsSpan(at + 20);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], 1000);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], 1);
        tcp[12] = 0x50;
        tcp[13] = 0x10;
        tcp[14] = 0xFF;
        return frame;
    }

    /// <summary>Puts <paramref name="inner"/> into VXLAN (VNI 42) between two outer addresses.</summary>
    public static byte[] Vxlan(uint source, uint destination, ReadOnlySpan<byte> inner)
    {
        var frame = Udp(source, destination, 14 + 20 + 8 + 8 + inner.Length);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(36), 4789);
        frame[42] = 0x08;
        frame[48] = 42;
        inner.CopyTo(frame.AsSpan(50));
        return frame;
    }

    /// <summary>Numbers the frame in its UDP payload.</summary>
    public static void Number(Span<byte> frame, int number, int tagBytes = 0) =>
        BinaryPrimitives.WriteInt32BigEndian(frame[(42 + tagBytes)..], number);

    private static void WriteIpv4(Span<byte> packet, uint source, uint destination, byte protocol)
    {
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = protocol;
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], source);
        BinaryPrimitives.WriteUInt32BigEndian(packet[16..], destination);
        uint sum = 0;
        for (var i = 0; i < 20; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet[i..]);
        }

        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], (ushort)~sum);
    }
}

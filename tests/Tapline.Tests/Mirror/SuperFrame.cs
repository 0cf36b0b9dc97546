// Builds the frames that a virtual switch hands up: super-frames with partial checksums, tagged or tunnelled, and what
// capture and decoder know of them. Offsets come from the construction, not from our decoder, so that the mirror is
// tested alone.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Tests.Mirror;

/// <summary>What to build.</summary>
internal sealed record SuperFrame
{
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Sctp = 132;

    /// <summary>Tags outermost first: type, then control information.</summary>
    public (ushort Type, ushort Control)[] Tags { get; init; } = [];

    public bool IsIpv6 { get; init; }

    /// <summary>IPv4 options or IPv6 extension headers in bytes (multiple of 4 or 8).</summary>
    public int ExtraHeaderBytes { get; init; }

    /// <summary>An IPv6 hop-by-hop jumbo option, as BIG TCP puts there.</summary>
    public bool HasJumboOption { get; init; }

    public byte Protocol { get; init; } = Tcp;

    public int TcpOptionBytes { get; init; } = 12;

    public byte TcpFlags { get; init; } = 0x18;

    public ushort Identification { get; init; } = 0xfffe;

    public uint Sequence { get; init; } = 0xffff_ff00;

    public byte[] Payload { get; init; } = [];

    public int SegmentBytes { get; init; }

    /// <summary>UDP fragmentation offload instead of segmentation.</summary>
    public bool IsFragmentation { get; init; }

    /// <summary>VXLAN around it: 0 = none, 4 or 6 = version of the outer IP.</summary>
    public int VxlanOuterVersion { get; init; }

    /// <summary>True when the outer UDP header has a checksum (always so with an outer IPv6).</summary>
    public bool HasOuterChecksum { get; init; }

    /// <summary>False: all checksums are there already.</summary>
    public bool IsPartial { get; init; } = true;

    public int InnerNetwork { get; private set; }

    public int InnerTransport { get; private set; }

    public int InnerPayload { get; private set; }

    public int OuterNetwork { get; private set; }

    /// <summary>The frame's bytes.</summary>
    public byte[] Bytes { get; private set; } = [];

    public FrameMeta Meta { get; private set; }

    public FrameLayout Layout { get; private set; }

    public SuperFrame Build()
    {
        var frame = new List<byte>();
        AddEthernet(frame, VxlanOuterVersion == 6 || (VxlanOuterVersion == 0 && IsIpv6));
        var inner = new List<byte>();
        if (VxlanOuterVersion != 0)
        {
            OuterNetwork = frame.Count;
            inner.AddRange(new byte[12]);
            inner.AddRange(IsIpv6 ? [0x86, 0xdd] : [8, 0]);
        }

        var body = NetworkPacket();
        var innerOffset = inner.Count;
        inner.AddRange(body);
        if (VxlanOuterVersion != 0)
        {
            byte[] vxlan = [8, 0, 0, 0, 0, 0, 42, 0];
            var udp = UdpHeader(8 + vxlan.Length + inner.Count, 4789);
            var hasChecksum = HasOuterChecksum || VxlanOuterVersion == 6;
            BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(6), (ushort)(hasChecksum ? 0x1234 : 0));
            var packet = Ip(VxlanOuterVersion == 6, Udp, [], [.. udp, .. vxlan, .. inner]);
            innerOffset += frame.Count + packet.Length - inner.Count;
            frame.AddRange(packet);
        }
        else
        {
            innerOffset = frame.Count;
            frame.AddRange(body);
        }

        InnerNetwork = innerOffset;
        InnerTransport = innerOffset + InnerTransport;
        InnerPayload = InnerTransport + TransportHeaderBytes;
        Bytes = [.. frame];
        Describe();
        return this;
    }

    private int TransportHeaderBytes => Protocol == Tcp ? 20 + TcpOptionBytes : Protocol == Udp ? 8 : 12;

    private void Describe()
    {
        Layout = new FrameLayout
        {
            Verdict = DecodeVerdict.Transport,
            IpVersion = (byte)(IsIpv6 ? 6 : 4),
            Flags = LayoutFlags.HasMac | LayoutFlags.HasTransport
                | (VxlanOuterVersion != 0 ? LayoutFlags.Tunnelled : LayoutFlags.None),
            NetworkOffset = (ushort)InnerNetwork,
            TransportOffset = (ushort)InnerTransport,
            PayloadOffset = (ushort)InnerPayload,
            PayloadLength = Payload.Length,
            IpProtocol = Protocol,
            Tunnel = VxlanOuterVersion != 0 ? TunnelKind.Vxlan : TunnelKind.None,
            TunnelDepth = (byte)(VxlanOuterVersion != 0 ? 1 : 0),
            OuterIpVersion = (byte)VxlanOuterVersion,
            OuterNetworkOffset = (ushort)OuterNetwork,
        };
        Meta = new FrameMeta
        {
            LinkType = LinkType.Ethernet,
            CapturedLength = Bytes.Length,
            OriginalLength = Bytes.Length,
            FrameNumber = 77,
            Flags = IsPartial ? FrameFlags.ChecksumPartial : FrameFlags.None,
            GsoType = SegmentBytes == 0 ? GsoType.None
                : IsFragmentation ? GsoType.Udp
                : Protocol == Udp ? GsoType.UdpL4
                : IsIpv6 ? GsoType.Tcpv6 : GsoType.Tcpv4,
            GsoSize = (ushort)SegmentBytes,
            ChecksumStart = (ushort)InnerTransport,
            ChecksumOffset = (ushort)(Protocol == Tcp ? 16 : Protocol == Udp ? 6 : 8),
        };
    }

    private void AddEthernet(List<byte> frame, bool isIpv6)
    {
        frame.AddRange([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
        foreach (var (type, control) in Tags)
        {
            frame.AddRange([(byte)(type >> 8), (byte)type, (byte)(control >> 8), (byte)control]);
        }

        frame.AddRange(isIpv6 ? [0x86, 0xdd] : [8, 0]);
    }

    private byte[] NetworkPacket()
    {
        byte[] extra = IsIpv6 && HasJumboOption ? [Protocol, 0, 0xC2, 4, 0, 1, 0, 0]
            : IsIpv6 && ExtraHeaderBytes > 0 ? HopByHop()
            : Enumerable.Repeat((byte)1, IsIpv6 ? 0 : ExtraHeaderBytes).ToArray();
        var transport = TransportHeader();
        var packet = Ip(IsIpv6, extra.Length > 0 && IsIpv6 ? (byte)0 : Protocol, extra, [.. transport, .. Payload]);
        InnerTransport = (IsIpv6 ? 40 : 20) + extra.Length;
        SetChecksum(packet, InnerTransport);
        return packet;
    }

    // RFC 8200 section 4.3 with one PadN option.
    private byte[] HopByHop() =>
    [
        Protocol, (byte)((ExtraHeaderBytes / 8) - 1), 1, (byte)(ExtraHeaderBytes - 4), .. new byte[ExtraHeaderBytes - 4],
    ];

    private void SetChecksum(byte[] packet, int transport)
    {
        var field = transport + (Protocol == Tcp ? 16 : Protocol == Udp ? 6 : 8);
        if (Protocol == Sctp)
        {
            return;
        }

        var pseudo = WireCheck.PseudoHeader(packet, Protocol, packet.Length - transport);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(field), (ushort)pseudo);
        if (!IsPartial)
        {
            var checksum = (ushort)~WireCheck.Sum(packet.AsSpan(transport));
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(field), checksum == 0 ? (ushort)0xffff : checksum);
        }
    }

    private byte[] TransportHeader()
    {
        if (Protocol == Udp)
        {
            return UdpHeader(8 + Payload.Length, 9999);
        }

        if (Protocol == Sctp)
        {
            return [0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0];
        }

        var tcp = new byte[20 + TcpOptionBytes];
        tcp[0] = 0x30;
        tcp[3] = 80;
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(4), Sequence);
        tcp[12] = (byte)(tcp.Length / 4 << 4);
        tcp[13] = TcpFlags;
        tcp.AsSpan(20).Fill(1);
        return tcp;
    }

    private static byte[] UdpHeader(int lengthBytes, ushort port)
    {
        byte[] udp = [0x30, 0x39, (byte)(port >> 8), (byte)port, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)lengthBytes);
        return udp;
    }

    private byte[] Ip(bool isIpv6, byte next, byte[] extra, byte[] body)
    {
        if (isIpv6)
        {
            var header = new byte[40];
            header[0] = 0x60;
            var length = extra.Length + body.Length;
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)(length > 65535 ? 0 : length));
            header[6] = next;
            header[7] = 64;
            header[8] = header[24] = 0xfd;
            header[23] = 1;
            header[39] = 2;
            return [.. header, .. extra, .. body];
        }

        var ip = new byte[20 + extra.Length];
        extra.CopyTo(ip, 20);
        ip[0] = (byte)(0x40 | (ip.Length / 4));
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(2), (ushort)(ip.Length + body.Length));
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(4), Identification);
        ip[6] = 0x40;
        ip[8] = 64;
        ip[9] = next;
        byte[] addresses = [10, 0, 0, 1, 10, 0, 0, 2];
        addresses.CopyTo(ip, 12);
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(10), (ushort)~WireCheck.Sum(ip));
        return [.. ip, .. body];
    }
}

// Builds frames layer by layer, outermost first, with right lengths and checksums, by plain slow code of its own: what
// the product computes is compared with it.
//
//   var frame = new FrameBuilder().Ethernet().Vlan(10).Ipv4("10.0.0.1", "10.0.0.2").Tcp(1000, 80, TcpFlag.Syn).Build();
//   tunnels: ….Udp(5555, 4789).Vxlan(42).Ethernet().Ipv6("::1", "::2").Udp(1, 2).Payload("hello").Build()
using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Tapline.Tests.Support;

/// <summary>TCP flag bits.</summary>
[Flags]
public enum TcpFlag : byte
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
    Urg = 32,
    Ece = 64,
    Cwr = 128,
}

/// <summary>A frame under construction. Not reusable after <see cref="Build"/>.</summary>
public sealed class FrameBuilder
{
    private readonly List<Layer> _layers = [];
    private byte[] _payload = [];

    /// <summary>A layer: what its carrier calls it, and how it wraps what is inside.</summary>
    private sealed record Layer(int EtherType, int IpProtocol, Func<byte[], Layer?, byte[]> Wrap);

    public FrameBuilder Ethernet(
        string source = "02:00:00:00:00:01", string destination = "02:00:00:00:00:02", int? type = null) =>
        Add(0x6558, 97, (inside, next) =>
            [.. Mac(destination), .. Mac(source), .. Be16(type ?? next?.EtherType ?? 0x88B5), .. inside]);

    public FrameBuilder Vlan(int id, int priority = 0, int tpid = 0x8100) =>
        Add(tpid, 0, (inside, next) => [.. Be16((priority << 13) | id), .. Be16(next?.EtherType ?? 0x88B5), .. inside]);

    public FrameBuilder Mpls(int label, bool bottom = true, int ttl = 64) =>
        Add(0x8847, 137, (inside, _) => [.. Be32(((uint)label << 12) | (bottom ? 0x100u : 0) | (uint)ttl), .. inside]);

    public FrameBuilder Pppoe(int session) => Add(0x8864, 0, (inside, next) =>
        [0x11, 0, .. Be16(session), .. Be16(inside.Length + 2), .. Be16(next?.EtherType == 0x86DD ? 0x57 : 0x21), .. inside]);

    public FrameBuilder Arp() => Add(0x0806, 0, (inside, _) => [0, 1, 8, 0, 6, 4, 0, 1, .. new byte[20], .. inside]);

    public FrameBuilder Ipv4(
        string source = "10.0.0.1", string destination = "10.0.0.2", int ttl = 64, int id = 1, int tos = 0,
        int fragmentOffset = 0, bool more = false, int? protocol = null, byte[]? options = null, int? totalLength = null) =>
        Add(0x0800, 4, (inside, next) =>
        {
            options ??= [];
            var proto = (byte)(protocol ?? next?.IpProtocol ?? 253);
            var headerLength = 20 + options.Length;
            byte[] header =
            [
                (byte)(0x40 | (headerLength / 4)), (byte)tos, .. Be16(totalLength ?? headerLength + inside.Length), .. Be16(id),
                .. Be16((more ? 0x2000 : 0) | (fragmentOffset / 8)), (byte)ttl, proto, 0, 0,
                .. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(destination).GetAddressBytes(), .. options,
            ];
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), Sum(header));
            if (fragmentOffset == 0 && !more)
            {
                Finish(inside, proto, [.. header[12..20], 0, proto, .. Be16(inside.Length)]);
            }

            return [.. header, .. inside];
        });

    public FrameBuilder Ipv6(
        string source = "2001:db8::1", string destination = "2001:db8::2", int hopLimit = 64, int trafficClass = 0,
        int? next = null, int? payloadLength = null, byte[]? extensions = null, int finalProtocol = -1) =>
        Add(0x86DD, 41, (inside, layer) =>
        {
            extensions ??= [];
            var proto = (byte)(next ?? layer?.IpProtocol ?? 59);
            byte[] addresses = [.. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(destination).GetAddressBytes()];
            var upper = (byte)(finalProtocol >= 0 ? finalProtocol : layer?.IpProtocol ?? proto);
            if (inside.Length > 0)
            {
                Finish(inside, upper, [.. addresses, .. Be32((uint)inside.Length), 0, 0, 0, upper]);
            }

            return
            [
                .. Be32(0x60000000u | ((uint)trafficClass << 20)), .. Be16(payloadLength ?? extensions.Length + inside.Length),
                proto, (byte)hopLimit, .. addresses, .. extensions, .. inside,
            ];
        });

    public FrameBuilder Tcp(
        int source, int destination, TcpFlag flags = TcpFlag.Ack, uint seq = 1000, uint ack = 0, int window = 65535,
        byte[]? options = null) =>
        Add(0, 6, (inside, _) =>
        {
            options ??= [];
            return
            [
                .. Be16(source), .. Be16(destination), .. Be32(seq), .. Be32(ack), (byte)((20 + options.Length) / 4 << 4),
                (byte)flags, .. Be16(window), 0, 0, 0, 0, .. options, .. inside,
            ];
        });

    public FrameBuilder Udp(int source, int destination, int? length = null) => Add(0, 17, (inside, _) =>
        [.. Be16(source), .. Be16(destination), .. Be16(length ?? 8 + inside.Length), 0, 0, .. inside]);

    public FrameBuilder UdpLite(int source, int destination) => Add(0, 136, (inside, _) =>
        [.. Be16(source), .. Be16(destination), .. Be16(8), 0, 0, .. inside]);

    public FrameBuilder Sctp(int source, int destination) => Add(0, 132, (inside, _) =>
        [.. Be16(source), .. Be16(destination), .. Be32(1), .. Be32(0), .. inside]);

    public FrameBuilder Icmp(int type, int code = 0, int id = 0, int seq = 0) => Add(0, 1, (inside, _) =>
        [(byte)type, (byte)code, 0, 0, .. Be16(id), .. Be16(seq), .. inside]);

    public FrameBuilder Icmpv6(int type, int code = 0, int id = 0, int seq = 0) => Add(0, 58, (inside, _) =>
        [(byte)type, (byte)code, 0, 0, .. Be16(id), .. Be16(seq), .. inside]);

    public FrameBuilder Vxlan(int vni, int flags = 0x08) =>
        Add(0, 0, (inside, _) => [(byte)flags, 0, 0, 0, .. Be32((uint)vni << 8), .. inside]);

    public FrameBuilder VxlanGpe(int vni) => Add(0, 0, (inside, next) =>
        [0x0C, 0, 0, (byte)(next?.EtherType switch { 0x0800 => 1, 0x86DD => 2, _ => 3 }), .. Be32((uint)vni << 8), .. inside]);

    public FrameBuilder Geneve(int vni, byte[]? options = null) => Add(0, 0, (inside, next) =>
        [(byte)((options?.Length ?? 0) / 4), 0, .. Be16(next?.EtherType ?? 0x6558), .. Be32((uint)vni << 8),
            .. options ?? [], .. inside]);

    public FrameBuilder Gtpu(uint teid, byte[]? extra = null, int flags = 0x30) => Add(0, 0, (inside, _) =>
        [(byte)flags, 255, .. Be16((extra?.Length ?? 0) + inside.Length), .. Be32(teid), .. extra ?? [], .. inside]);

    public FrameBuilder Gre(uint? key = null, uint? sequence = null, int? protocol = null) => Add(0, 47, (inside, next) =>
        [.. Be16((key is null ? 0 : 0x2000) | (sequence is null ? 0 : 0x1000)), .. Be16(protocol ?? next?.EtherType ?? 0x6558),
            .. key is { } k ? Be32(k) : [], .. sequence is { } s ? Be32(s) : [], .. inside]);

    public FrameBuilder Erspan2(int session) => Add(0x88BE, 0, (inside, _) =>
        [.. Be16(0x1000), .. Be16(session & 0x3FF), .. Be32(0), .. inside]);

    public FrameBuilder Erspan3(int session) => Add(0x22EB, 0, (inside, _) =>
        [.. Be16(0x2000), .. Be16(session & 0x3FF), .. Be32(0), .. Be32(0), .. inside]);

    /// <summary>Bytes of a layer without a method here; the carrier calls it by the given numbers.</summary>
    public FrameBuilder Raw(byte[] header, int etherType = 0x88B5, int ipProtocol = 253) =>
        Add(etherType, ipProtocol, (inside, _) => [.. header, .. inside]);

    /// <summary>EtherIP's two bytes, then the Ethernet layer that follows.</summary>
    public FrameBuilder EtherIp() => Raw([0x30, 0], ipProtocol: 97);

    public FrameBuilder Payload(byte[] payload)
    {
        _payload = payload;
        return this;
    }

    public FrameBuilder Payload(int length) => Payload(Enumerable.Range(0, length).Select(i => (byte)i).ToArray());

    public FrameBuilder Payload(string text) => Payload(Encoding.UTF8.GetBytes(text));

    /// <summary>The frame's bytes, padded with zeros to <paramref name="minimum"/>.</summary>
    public byte[] Build(int minimum = 0)
    {
        var bytes = (byte[])_payload.Clone();
        for (var i = _layers.Count - 1; i >= 0; i--)
        {
            bytes = _layers[i].Wrap(bytes, i + 1 < _layers.Count ? _layers[i + 1] : null);
        }

        Array.Resize(ref bytes, Math.Max(bytes.Length, minimum));
        return bytes;
    }

    /// <summary>The internet checksum, the slow way.</summary>
    public static ushort Sum(params byte[][] parts)
    {
        uint sum = 0;
        foreach (var part in parts)
        {
            for (var i = 0; i < part.Length; i += 2)
            {
                sum += (uint)((part[i] << 8) | (i + 1 < part.Length ? part[i + 1] : 0));
                sum = (sum & 0xFFFF) + (sum >> 16);
            }
        }

        return (ushort)~sum;
    }

    private static void Finish(byte[] segment, byte protocol, byte[] pseudoHeader)
    {
        var at = protocol switch { 6 => 16, 17 or 136 => 6, 58 or 1 => 2, _ => -1 };
        if (at < 0 || segment.Length < at + 2)
        {
            return;
        }

        var sum = protocol == 1 ? Sum(segment) : Sum(pseudoHeader, segment);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(at), protocol == 17 && sum == 0 ? (ushort)0xFFFF : sum);
    }

    private static byte[] Mac(string text) => text.Split(':').Select(part => System.Convert.ToByte(part, 16)).ToArray();

    private static byte[] Be16(int value) => [(byte)(value >> 8), (byte)value];

    private static byte[] Be32(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private FrameBuilder Add(int etherType, int ipProtocol, Func<byte[], Layer?, byte[]> wrap)
    {
        _layers.Add(new Layer(etherType, ipProtocol, wrap));
        return this;
    }
}

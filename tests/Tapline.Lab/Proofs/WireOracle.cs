// What a wire would have carried of a frame that a guest handed to its switch: super-frames cut at the MTU, checksums that
// were left to the NIC completed. Written plainly from RFC 791, 793 and 1071 and sharing no code with the mirror, it is what
// the mirror is compared with. In: a frame. Out: frames. Pure. IPv4 without tags, which is what the lab's guests send.
using System.Buffers.Binary;
using Tapline.Tests.Mirror;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>The expected wire frames.</summary>
internal static class WireOracle
{
    private const int EthernetBytes = 14;
    private const int Tcp = 6;
    private const int Udp = 17;
    private const byte Fin = 0x01;
    private const byte Push = 0x08;
    private const byte Reduced = 0x80; // CWR, only on the first segment (RFC 3168)

    /// <summary>
    /// Compares what the tool saw with what the guests sent: the same bytes, each once, in order flow by flow, where a flow
    /// is all that one address sends to another. Fails the test at the first difference; returns the expected frames.
    /// </summary>
    /// <param name="sent">What entered the switch, in order of time.</param>
    /// <param name="seen">What the tool got.</param>
    /// <param name="mtu">Of the guests and of the tool port.</param>
    public static List<TimedFrame> Match(IEnumerable<TimedFrame> sent, List<TimedFrame> seen, int mtu)
    {
        var flows = seen.GroupBy(Flow).ToDictionary(g => g.Key, g => new Queue<byte[]>(g.Select(f => f.Bytes)));
        var expected = new List<TimedFrame>();
        foreach (var (time, frame) in sent)
        {
            Assert.True(flows.TryGetValue(Flow(new TimedFrame(time, frame)), out var copies), Text("no copy of any", frame));
            Assert.True(copies.TryPeek(out var next), Text("no copy of", frame));
            foreach (var wire in Expand(frame, mtu, next))
            {
                Assert.True(copies.TryDequeue(out var copy), Text("no copy of", wire));
                Assert.True(IsSame(wire, copy), Text("expected", wire) + Text(" but the tool got", copy));
                expected.Add(new TimedFrame(time, wire));
            }
        }

        Assert.All(flows.Values, rest => Assert.True(rest.Count == 0, Text("one too many", rest.FirstOrDefault() ?? [])));
        return expected;
    }

    /// <summary>Compares two lists of wire frames flow by flow: the same bytes, each once, in order.</summary>
    public static void Compare(IEnumerable<TimedFrame> expected, IEnumerable<TimedFrame> seen)
    {
        var flows = seen.GroupBy(Flow).ToDictionary(g => g.Key, g => new Queue<byte[]>(g.Select(f => f.Bytes)));
        foreach (var frame in expected)
        {
            byte[]? copy = null;
            Assert.True(flows.TryGetValue(Flow(frame), out var copies) && copies.TryDequeue(out copy), Text("no copy of", frame.Bytes));
            Assert.True(
                IsSame(frame.Bytes.AsSpan().ToArray(), copy), Text("expected", frame.Bytes) + Text(" but the tool got", copy));
        }

        Assert.All(flows.Values, rest => Assert.True(rest.Count == 0, Text("one too many", rest.FirstOrDefault() ?? [])));
    }

    // How large a segment is to be says the sender's stack and not the frame. The copy's first segment tells it; the rest
    // has to be cut alike, and no larger than a wire takes nor smaller than options can make it (40 bytes, RFC 793).
    private static IEnumerable<byte[]> Expand(byte[] frame, int mtu, byte[] firstCopy)
    {
        if (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) != 0x0800)
        {
            return [frame];
        }

        var ip = EthernetBytes;
        var transport = ip + ((frame[ip] & 0xf) * 4);
        var isFragment = (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(ip + 6)) & 0x3fff) != 0;
        var protocol = frame[ip + 9];
        if (isFragment || protocol is not (Tcp or Udp))
        {
            return [frame];
        }

        if (frame.Length <= mtu + EthernetBytes)
        {
            return [Completed(frame, transport)];
        }

        Assert.Equal(Tcp, protocol);
        var headers = transport + ((frame[transport + 12] >> 4) * 4);
        var step = firstCopy.Length - headers;
        Assert.InRange(step, mtu + EthernetBytes - transport - 20 - 40, mtu + EthernetBytes - headers);
        return Segments(frame, transport, headers, step);
    }

    private static IEnumerable<byte[]> Segments(byte[] frame, int tcp, int headers, int step)
    {
        var payload = frame.AsSpan(headers).ToArray();
        var identification = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(EthernetBytes + 4));
        var sequence = BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(tcp + 4));
        for (var at = 0; at < payload.Length; at += step)
        {
            var bytes = Math.Min(step, payload.Length - at);
            byte[] segment = [.. frame.AsSpan(0, headers), .. payload.AsSpan(at, bytes)];
            BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(EthernetBytes + 2), (ushort)(segment.Length - EthernetBytes));
            BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(EthernetBytes + 4), identification++);
            BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(tcp + 4), sequence + (uint)at);
            var isLast = at + bytes == payload.Length;
            segment[tcp + 13] &= (byte)~((isLast ? 0 : Fin | Push) | (at == 0 ? 0 : Reduced));
            yield return Completed(segment, tcp);
        }
    }

    private static byte[] Completed(byte[] frame, int transport)
    {
        var whole = frame.AsSpan().ToArray();
        var ip = whole.AsSpan(EthernetBytes);
        ip[10] = ip[11] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], (ushort)~WireCheck.Sum(ip[..(transport - EthernetBytes)]));
        var protocol = ip[9];
        var checksum = whole.AsSpan(transport + (protocol == Tcp ? 16 : 6), 2);
        if (protocol == Udp && checksum is [0, 0])
        {
            return whole; // none, RFC 768
        }

        // The frame may be padded to Ethernet's minimum: the transport ends where IP says.
        var bytes = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]) - (transport - EthernetBytes);
        checksum.Clear();
        var sum = WireCheck.Sum(whole.AsSpan(transport, bytes)) + WireCheck.PseudoHeader(ip, protocol, bytes);
        sum = (sum & 0xffff) + (sum >> 16);
        var value = (ushort)~sum;
        BinaryPrimitives.WriteUInt16BigEndian(checksum, protocol == Udp && value == 0 ? (ushort)0xffff : value);
        return whole;
    }

    // A sum of zero may be written as its other form, all ones, as skb_checksum_help() of net/core/dev.c does for TCP too. The
    // expected frame takes the copy's form then.
    private static bool IsSame(byte[] wire, byte[] copy)
    {
        if (wire.AsSpan().SequenceEqual(copy))
        {
            return true;
        }

        var checksum = EthernetBytes + ((wire[EthernetBytes] & 0xf) * 4) + 16;
        if (wire.Length == copy.Length && wire[EthernetBytes + 9] == Tcp
            && IsZero(wire.AsSpan(checksum, 2)) && IsZero(copy.AsSpan(checksum, 2)))
        {
            copy.AsSpan(checksum, 2).CopyTo(wire.AsSpan(checksum));
        }

        return wire.AsSpan().SequenceEqual(copy);
    }

    private static bool IsZero(ReadOnlySpan<byte> sum) => sum is [0, 0] or [0xff, 0xff];

    /// <summary>What belongs in one order: all that one MAC address sends to another.</summary>
    public static string Flow(TimedFrame frame) => Convert.ToHexString(frame.Bytes.AsSpan(0, EthernetBytes));

    private static string Text(string what, byte[] frame) =>
        $"{what} {frame.Length} bytes {Convert.ToHexString(frame.AsSpan(0, Math.Min(80, frame.Length)))}";
}

// Tells second copies of a frame (a SPAN port that mirrors both sides of a switch, two taps on one path) from new ones.
// The key is the whole packet from the first layer behind Ethernet on: VLAN ids, every header, every payload byte
// (ADR 0035). A TCP retransmission or a repeated RTP packet has another IPv4 identification and is no copy. Frames
// that are all header and carry no identification (an IPv6 acknowledgement) are never taken for copies.
//
// Two independent 64-bit hashes with a secret decide; a table of fixed size remembers them. One worker's, one thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>The copies of one session on one worker. Owns its table.</summary>
internal sealed class Deduplicator(ShapePlan plan) : IDisposable
{
    private const int Ways = 8;
    private const int HeadBytes = 256;

    private readonly NativeArray<Entry> _entries = new(Limits.MirrorDedupFrames);

    /// <summary>Frames that were forgotten before their window was over, because the table was full.</summary>
    public long Forgotten { get; private set; }

    /// <summary>True when the frame is a copy of one seen at most a window earlier; remembers it when it is not.</summary>
    public bool IsCopy(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (meta.LinkType != LinkType.Ethernet || frame.Length < 14 || HasNoIdentity(layout, frame))
        {
            return false;
        }

        var (first, second) = Hash(meta, layout, frame);
        var bucket = (int)(first >> 40) & ((_entries.Length / Ways) - 1);
        var entries = _entries.Span.Slice(bucket * Ways, Ways);
        var oldest = 0;
        for (var i = 0; i < Ways; i++)
        {
            ref var entry = ref entries[i];
            if (entry.First == first && entry.Second == second
                && Math.Abs(meta.TimestampNs - entry.TimeNs) <= plan.DedupWindowNs)
            {
                return true;
            }

            oldest = entry.TimeNs < entries[oldest].TimeNs ? i : oldest;
        }

        ref var place = ref entries[oldest];
        Forgotten += place.First != 0 && meta.TimestampNs - place.TimeNs <= plan.DedupWindowNs ? 1 : 0;
        place = new Entry { First = first, Second = second, TimeNs = meta.TimestampNs };
        return false;
    }

    public void Dispose() => _entries.Dispose();

    // Three equal acknowledgements in a row tell a sender of a loss; over IPv6 nothing tells them from copies.
    private static bool HasNoIdentity(in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (layout.IpProtocol != IpProtocols.Tcp || layout.PayloadLength != 0 || layout.IpVersion == 0
            || (layout.Flags & LayoutFlags.Tunnelled) != 0)
        {
            return false;
        }

        return layout.IpVersion == 6 || (layout.FragmentId == 0 && (frame[layout.NetworkOffset + 6] & 0x40) != 0);
    }

    private (ulong First, ulong Second) Hash(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        var start = SkipTags(frame, out var type);
        var end = End(meta, layout, frame.Length);
        var headEnd = Math.Min(end, start + HeadBytes);
        head = head[..(headEnd - start)];
        frame[start..headEnd].CopyTo(head);
        Blank(head, start, type, layout);
        var hash = new FrameHash(plan.Seed);
        hash.Add(((ulong)type << 48) | ((ulong)(uint)(end - start) << 16) | layout.VlanCount);
        hash.Add(Vlans(layout));
        if (plan.DedupComparesMac)
        {
            hash.Add(frame[..12]);
        }

        hash.Add(head);
        hash.Add(frame[headEnd..end]);
        return (hash.First, hash.Second);
    }

    // Priorities may change on the way, ids may not.
    private static ulong Vlans(in FrameLayout layout) => ((ulong)(layout.Vlan0 & 0xFFF) << 48)
        | ((ulong)(layout.Vlan1 & 0xFFF) << 32) | ((ulong)(layout.Vlan2 & 0xFFF) << 16) | (uint)(layout.Vlan3 & 0xFFF);

    private static int SkipTags(ReadOnlySpan<byte> frame, out ushort type)
    {
        var offset = 12;
        type = BinaryPrimitives.ReadUInt16BigEndian(frame[offset..]);
        for (var tags = 0; tags < Limits.HeaderChainMax && EtherTypes.IsVlan(type) && offset + 6 <= frame.Length; tags++)
        {
            offset += 4;
            type = BinaryPrimitives.ReadUInt16BigEndian(frame[offset..]);
        }

        return offset + 2;
    }

    // What stands behind the packet is padding, which differs by the way that the copy has taken.
    private static int End(in FrameMeta meta, in FrameLayout layout, int length)
    {
        var isPlain = layout.IpVersion != 0 && layout.NetworkLength != 0 && (layout.Flags & LayoutFlags.Tunnelled) == 0;
        var end = isPlain ? layout.NetworkOffset + layout.NetworkLength : meta.OriginalLength;
        return Math.Clamp(end, Math.Min(length, 14), length);
    }

    // Bytes that may differ between copies count as zero. The IPv4 header's checksum follows from the others.
    private void Blank(Span<byte> head, int start, ushort type, in FrameLayout layout)
    {
        if (type == EtherTypes.Ipv4 && head.Length >= 20)
        {
            head[10..12].Clear();
            head[8] = plan.DedupIgnoresTtl ? (byte)0 : head[8];
        }
        else if (type == EtherTypes.Ipv6 && head.Length >= 8 && plan.DedupIgnoresTtl)
        {
            head[7] = 0;
        }

        if (!plan.DedupIgnoresChecksum || (layout.Flags & LayoutFlags.HasTransport) == 0)
        {
            return;
        }

        var (field, bytes) = layout.IpProtocol switch
        {
            IpProtocols.Tcp => (16, 2),
            IpProtocols.Udp or IpProtocols.UdpLite or IpProtocols.Dccp => (6, 2),
            IpProtocols.Icmp or IpProtocols.Icmpv6 or IpProtocols.Igmp => (2, 2),
            IpProtocols.Sctp => (8, 4),
            _ => (0, 0),
        };
        var at = layout.TransportOffset + field - start;
        if (bytes != 0 && at >= 0 && at + bytes <= head.Length)
        {
            head.Slice(at, bytes).Clear();
        }
    }

    private struct Entry
    {
        public ulong First;
        public ulong Second;
        public long TimeNs;
    }
}

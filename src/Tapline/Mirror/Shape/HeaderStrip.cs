// Takes headers off: tunnels and label stacks from the outside in, as long as each next one is to go; then VLAN tags.
// An inside without an Ethernet header of its own gets the carrier's addresses and its EtherType in front. In: the
// frame in the session's memory with room in front, its map. Out: where the frame begins now, its facts corrected. The
// bytes behind are not moved. Pure.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>Strips headers.</summary>
internal static class HeaderStrip
{
    private const int EthernetBytes = 14;
    private const int MacBytes = 12;
    private const int TagBytes = 4;
    private const int Ipv4Bytes = 20;
    private const int Ipv6Bytes = 40;

    /// <summary>
    /// Strips the frame; <paramref name="frame"/> becomes what is left, <paramref name="stripped"/> bytes further on.
    /// False when a super-frame is segmented in the header that would go, so that its inside cannot be told apart.
    /// </summary>
    public static bool TryApply(
        StripHeaders strip, FrameMap map, ref FrameMeta meta, ref Span<byte> frame, out int stripped)
    {
        stripped = 0;
        var tunnels = strip & (StripHeaders.Tunnels | StripHeaders.Mpls);
        if (tunnels != 0 && !TryTunnels(tunnels, map, ref meta, ref frame, ref stripped))
        {
            return false;
        }

        return (strip & (StripHeaders.Vlan | StripHeaders.OuterVlan)) == 0
            || TryTags((strip & StripHeaders.Vlan) != 0, ref meta, ref frame, ref stripped);
    }

    private static bool TryTunnels(
        StripHeaders strip, FrameMap map, ref FrameMeta meta, ref Span<byte> frame, ref int stripped)
    {
        var last = -1;
        var tunnels = map.Tunnels;
        for (var i = 0; i < tunnels.Length && (tunnels[i].Kind & strip) != 0 && IsWhole(tunnels[i], frame); i++)
        {
            last = i;
        }

        if (last < 0)
        {
            return true;
        }

        var spot = tunnels[last];
        var start = spot.Inside;
        if (spot.InsideType != EtherTypes.TransparentEthernet)
        {
            start -= spot.Header;
            frame.Slice(spot.Carrier, spot.Header - 2).CopyTo(frame[start..]);
            BinaryPrimitives.WriteUInt16BigEndian(frame[(spot.Inside - 2)..], spot.InsideType);
        }

        var end = Math.Min(spot.End, meta.OriginalLength);
        frame = frame[start..Math.Min(end, frame.Length)];
        meta.OriginalLength = end - start;
        meta.CapturedLength = frame.Length;
        stripped += start;
        return TryShift(start, ref meta);
    }

    // What follows in other fragments cannot be shown as a frame of its own; PPP has no place in an Ethernet frame; what
    // is announced as IP and is none stays in its carrier, where a tool sees what it was.
    private static bool IsWhole(in TunnelSpot spot, ReadOnlySpan<byte> frame)
    {
        if (spot.IsFragment || spot.InsideType is 0 or EtherTypes.Ppp || spot.Carrier < 0
            || spot.Inside - spot.Header < spot.Carrier)
        {
            return false;
        }

        var bytes = Math.Min(spot.End, frame.Length) - spot.Inside;
        return spot.InsideType switch
        {
            EtherTypes.TransparentEthernet => bytes >= EthernetBytes,
            EtherTypes.Ipv4 => bytes >= Ipv4Bytes && frame[spot.Inside] is >= 0x45 and < 0x50,
            EtherTypes.Ipv6 => bytes >= Ipv6Bytes && frame[spot.Inside] >> 4 == 6,
            _ => bytes > 0,
        };
    }

    private static bool TryTags(bool all, ref FrameMeta meta, ref Span<byte> frame, ref int stripped)
    {
        var tags = 0;
        while (tags < (all ? Limits.HeaderChainMax : 1) && frame.Length >= EthernetBytes + ((tags + 1) * TagBytes)
            && EtherTypes.IsVlan(BinaryPrimitives.ReadUInt16BigEndian(frame[(MacBytes + (tags * TagBytes))..])))
        {
            tags++;
        }

        var bytes = tags * TagBytes;
        if (bytes == 0)
        {
            return true;
        }

        frame[..MacBytes].CopyTo(frame[bytes..]);
        frame = frame[bytes..];
        meta.OriginalLength -= bytes;
        meta.CapturedLength = frame.Length;
        stripped += bytes;
        return TryShift(bytes, ref meta);
    }

    private static bool TryShift(int bytes, ref FrameMeta meta)
    {
        meta.GsoHeaderLength = (ushort)Math.Max(0, meta.GsoHeaderLength - bytes);
        if ((meta.Flags & FrameFlags.ChecksumPartial) == 0)
        {
            return true;
        }

        if (meta.ChecksumStart >= bytes + EthernetBytes)
        {
            meta.ChecksumStart -= (ushort)bytes;
            return true;
        }

        // The checksum that was left open is gone with its header.
        meta.Flags &= ~FrameFlags.ChecksumPartial;
        meta.ChecksumStart = 0;
        meta.ChecksumOffset = 0;
        return meta.GsoSize == 0;
    }
}

// IPv6 (RFC 8200): the fixed header, the chain of extension headers, the jumbo payload option (RFC 2675).
// Pure; see Walk for the rules of length.
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>IPv6 steps of the walk.</summary>
internal static class Ipv6Walk
{
    private const int Header = 40;
    private const byte JumboOption = 0xC2;

    /// <summary>An IPv6 packet at <paramref name="offset"/>.</summary>
    public static DecodeVerdict Packet(ref Walk walk, int offset)
    {
        if (offset > Limits.HeaderOffsetMax)
        {
            return DecodeVerdict.TooDeep;
        }

        if (walk.Has(offset, 1) && walk.U8(offset) >> 4 != 6)
        {
            return DecodeVerdict.BadVersion;
        }

        if (!walk.Has(offset, Header))
        {
            return walk.Short(offset, Header);
        }

        var first = walk.U32(offset);
        int payload = walk.U16(offset + 4);
        var next = walk.U8(offset + 6);

        // Payload length 0: jumbo, a super-frame, or truly nothing, which only "no next header" can mean.
        var untilEnd = payload == 0 && next != IpProtocols.NoNext;
        walk.SetPacketEnd(untilEnd ? walk.End : offset + Header + payload);
        ref var layout = ref walk.Layout;
        layout.IpVersion = 6;
        layout.NetworkOffset = (ushort)offset;
        layout.NetworkLength = untilEnd ? 0 : Header + payload;
        layout.TrafficClass = (byte)(first >> 20);
        layout.Ttl = walk.U8(offset + 7);
        layout.IpProtocol = next;
        layout.TransportOffset = (ushort)(offset + Header);
        walk.SetPayload(offset + Header);
        return Chain(ref walk, next, offset, untilEnd);
    }

    private static DecodeVerdict Chain(ref Walk walk, byte next, int packet, bool mayBeJumbo)
    {
        var offset = packet + Header;
        for (var count = 0; count < Limits.HeaderChainMax; count++)
        {
            walk.Layout.IpProtocol = next;
            if (offset > Limits.HeaderOffsetMax)
            {
                return DecodeVerdict.TooDeep;
            }

            walk.SetPayload(offset);
            switch (next)
            {
                case IpProtocols.HopByHop or IpProtocols.Routing or IpProtocols.DestinationOptions or IpProtocols.Shim6:
                    var length = walk.Has(offset, 2) ? (walk.U8(offset + 1) + 1) * 8 : 8;
                    if (!walk.Has(offset, length))
                    {
                        return walk.Short(offset, length);
                    }

                    if (mayBeJumbo && next == IpProtocols.HopByHop)
                    {
                        Jumbo(ref walk, packet, offset + 2, offset + length);
                    }

                    next = walk.U8(offset);
                    offset += length;
                    break;

                case IpProtocols.Fragment:
                    if (!walk.Has(offset, 8))
                    {
                        return walk.Short(offset, 8);
                    }

                    var field = walk.U16(offset + 2);
                    walk.Layout.FragmentId = walk.U32(offset + 4);
                    next = walk.U8(offset);
                    offset += 8;
                    walk.Layout.IpProtocol = next;
                    if (NetworkWalk.Fragmented(ref walk, field & 0xFFF8, (field & 1) != 0, offset))
                    {
                        return NetworkWalk.LaterFragment(ref walk, offset);
                    }

                    break;

                default:
                    return NetworkWalk.Protocol(ref walk, next, offset);
            }
        }

        return DecodeVerdict.TooDeep;
    }

    /// <summary>Looks for the jumbo payload length among hop-by-hop options and believes it.</summary>
    private static void Jumbo(ref Walk walk, int packet, int offset, int end)
    {
        while (offset + 2 <= end)
        {
            var option = walk.U8(offset);
            if (option == 0)
            {
                offset++;
                continue;
            }

            var length = walk.U8(offset + 1);
            if (option == JumboOption && length == 4 && offset + 6 <= end)
            {
                var payload = walk.U32(offset + 2);
                if (payload is > 0xFFFF and <= Limits.FrameBytesMax)
                {
                    walk.SetPacketEnd(packet + Header + (int)payload);
                }

                return;
            }

            offset += 2 + length;
        }
    }
}

// MPLS label stacks (RFC 3032) and what lies under them. The stack does not say what it carries: the receiver knows it
// by the bottom label. Without that table the first nibble decides (RFC 4928, RFC 4385): 4 and 6 are IP if the lengths
// agree, 0 may be a pseudowire's control word, 1 an associated channel; otherwise an Ethernet frame, if its type is
// one that is known. What fits nothing stays a layer-2 frame of type MPLS.
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>MPLS steps of the walk.</summary>
internal static class MplsWalk
{
    private const int LabelBytes = 4;
    private const int ControlWord = 4;
    private const uint ExplicitNullIpv4 = 0;
    private const uint ExplicitNullIpv6 = 2;

    /// <summary>
    /// Follows the stack from the label at <paramref name="offset"/> to its bottom, and enters what is below.
    /// </summary>
    public static DecodeVerdict Labels(ref Walk walk, int offset)
    {
        var verdict = Bottom(ref walk, ref offset, out var label);
        if (verdict != DecodeVerdict.Link)
        {
            return verdict;
        }

        if (!walk.MayEnter)
        {
            return DecodeVerdict.TooDeep;
        }

        var carrier = walk.Layout;
        walk.Enter(TunnelKind.Mpls, label);
        verdict = Inside(ref walk, offset, label);
        if (verdict != DecodeVerdict.Link || walk.Layout.LinkOffset != carrier.LinkOffset)
        {
            return verdict;
        }

        // Nothing that could be read: the labelled frame itself is the layer-2 flow.
        walk.Layout = carrier;
        return LinkWalk.Opaque(ref walk, offset);
    }

    /// <summary>
    /// The same for a stack that its carrier (UDP, IP) has announced as a tunnel and entered already.
    /// </summary>
    public static DecodeVerdict LabelsInside(ref Walk walk, int offset)
    {
        var verdict = Bottom(ref walk, ref offset, out var label);
        if (verdict != DecodeVerdict.Link)
        {
            return verdict;
        }

        walk.Layout.Vni = label;
        return Inside(ref walk, offset, label);
    }

    /// <summary>Steps over the labels; Link when there is a byte below the bottom one.</summary>
    private static DecodeVerdict Bottom(ref Walk walk, ref int offset, out uint label)
    {
        uint entry;
        var count = 0;
        label = 0;
        do
        {
            if (count++ == Limits.HeaderChainMax)
            {
                return DecodeVerdict.TooDeep;
            }

            if (!walk.Has(offset, LabelBytes))
            {
                return walk.Short(offset, LabelBytes);
            }

            entry = walk.U32(offset);
            offset += LabelBytes;
        }
        while ((entry & 0x100) == 0);

        label = entry >> 12;
        return walk.Has(offset, 1) ? DecodeVerdict.Link : walk.Short(offset, 1);
    }

    private static DecodeVerdict Inside(ref Walk walk, int offset, uint bottomLabel)
    {
        var nibble = walk.U8(offset) >> 4;
        if (bottomLabel == ExplicitNullIpv4
            || (nibble == 4 && (IsIpv4(in walk, offset) || !IsEthernet(in walk, offset))))
        {
            return LinkWalk.ByEtherType(ref walk, EtherTypes.Ipv4, offset);
        }

        if (bottomLabel == ExplicitNullIpv6
            || (nibble == 6 && (IsIpv6(in walk, offset) || !IsEthernet(in walk, offset))))
        {
            return LinkWalk.ByEtherType(ref walk, EtherTypes.Ipv6, offset);
        }

        // A control word begins with nibble 0, but so does a MAC address of many vendors: the type field tells them
        // apart, and the control word wins where both fit (its first byte is 0 unless flags are set).
        if (nibble == 0 && IsEthernet(in walk, offset + ControlWord)
            && (walk.U8(offset) == 0 || !IsEthernet(in walk, offset)))
        {
            return LinkWalk.Ethernet(ref walk, offset + ControlWord);
        }

        return IsEthernet(in walk, offset)
            ? LinkWalk.Ethernet(ref walk, offset)
            : DecodeVerdict.Link;
    }

    private static bool IsIpv4(in Walk walk, int offset)
    {
        if (!walk.Has(offset, 4))
        {
            return true;
        }

        var headerLength = (walk.U8(offset) & 15) * 4;
        int total = walk.U16(offset + 2);
        return headerLength >= 20 && (total == 0 || (total >= headerLength && offset + total <= walk.End));
    }

    private static bool IsIpv6(in Walk walk, int offset) =>
        !walk.Has(offset, 6) || offset + 40 + walk.U16(offset + 4) <= walk.End;

    private static bool IsEthernet(in Walk walk, int offset)
    {
        if (!walk.Has(offset, 14))
        {
            return false;
        }

        var type = walk.U16(offset + 12);
        if (type is > 2 and <= 1500)
        {
            // A length must fit, and few SAP pairs are in use: STP, SNAP, IS-IS, NetBIOS, NetWare.
            return offset + 14 + type <= walk.End && walk.Has(offset, 16)
                && walk.U16(offset + 14) is 0x4242 or 0xAAAA or 0xFEFE or 0xF0F0 or 0xE0E0;
        }

        return EtherTypes.IsVlan(type) || type is EtherTypes.Ipv4 or EtherTypes.Ipv6 or EtherTypes.Arp
            or EtherTypes.Mpls or EtherTypes.PppoeSession or 0x8863 or 0x88CC or 0x8809 or 0x8902 or 0x9000 or 0x6002;
    }
}

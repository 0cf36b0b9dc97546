// RTM_NEWLINK → LinkInfo (<linux/rtnetlink.h>, <linux/if_link.h>). Borrows the span. A message that is cut or lacks index
// or name gives null; attributes that are cut or of unexpected length are skipped.
using System.Buffers.Binary;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Points;

/// <summary>Parses link messages.</summary>
internal static class LinkParser
{
    private const byte TapDeviceType = 2; // IFF_TAP of linux/if_tun.h

    /// <summary>The interface, or null when the message is not a whole one.</summary>
    public static LinkInfo? Parse(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Netlink.IfInfoBytes)
        {
            return null;
        }

        var link = new LinkInfo
        {
            HardwareType = BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]),
            Index = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]),
            Flags = BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]),
            Name = "",
        };
        var attributes = new NetlinkAttributes(payload[Netlink.IfInfoBytes..]);
        while (attributes.MoveNext())
        {
            link = Apply(link, attributes);
        }

        return link.Index > 0 && link.Name.Length > 0 ? link : null;
    }

    private static LinkInfo Apply(LinkInfo link, NetlinkAttributes attribute)
    {
        _ = attribute.TryUInt32(out var number);
        var isNumber = attribute.Value.Length == 4;
        return attribute.Type switch
        {
            Netlink.IFLA_IFNAME => link with { Name = attribute.Text() },
            Netlink.IFLA_ADDRESS when attribute.Value.Length == 6 => link with { Mac = Mac(attribute.Value) },
            Netlink.IFLA_MTU when isNumber => link with { MtuBytes = (int)number },
            Netlink.IFLA_LINK when isNumber => link with { Link = (int)number },
            Netlink.IFLA_MASTER when isNumber => link with { Master = (int)number },
            Netlink.IFLA_LINK_NETNSID when isNumber => link with { PeerNamespaceId = (int)number },
            Netlink.IFLA_PROMISCUITY when isNumber => link with { Promiscuity = (int)number },
            Netlink.IFLA_GSO_MAX_SIZE or Netlink.IFLA_GRO_MAX_SIZE when isNumber =>
                link with { GsoBytesMax = Math.Max(link.GsoBytesMax, (int)Math.Min(number, int.MaxValue)) },
            Netlink.IFLA_OPERSTATE when attribute.Value.Length == 1 => link with { OperState = attribute.Value[0] },
            Netlink.IFLA_PARENT_DEV_NAME => link with { HasBusDevice = true },
            Netlink.IFLA_LINKINFO => ApplyInfo(link, attribute.Value),
            _ => link,
        };
    }

    private static LinkInfo ApplyInfo(LinkInfo link, ReadOnlySpan<byte> value)
    {
        var attributes = new NetlinkAttributes(value);
        while (attributes.MoveNext())
        {
            link = attributes.Type switch
            {
                Netlink.IFLA_INFO_KIND => link with { Kind = attributes.Text() },
                Netlink.IFLA_INFO_SLAVE_KIND => link with { SlaveKind = attributes.Text() },
                // The kind comes before its data (rtnl_link_info_fill).
                Netlink.IFLA_INFO_DATA when link.Kind == "tun" => link with { IsTapDevice = IsTap(attributes.Value) },
                Netlink.IFLA_INFO_DATA when link.Kind == "vlan" => link with { VlanId = VlanIdOf(attributes.Value) },
                _ => link,
            };
        }

        return link;
    }

    private static bool IsTap(ReadOnlySpan<byte> value)
    {
        var attributes = new NetlinkAttributes(value);
        while (attributes.MoveNext())
        {
            if (attributes.Type == Netlink.IFLA_TUN_TYPE && attributes.Value.Length == 1)
            {
                return attributes.Value[0] == TapDeviceType;
            }
        }

        return false;
    }

    private static int VlanIdOf(ReadOnlySpan<byte> value)
    {
        var attributes = new NetlinkAttributes(value);
        while (attributes.MoveNext())
        {
            if (attributes.Type == Netlink.IFLA_VLAN_ID && attributes.Value.Length == 2)
            {
                return BinaryPrimitives.ReadUInt16LittleEndian(attributes.Value);
            }
        }

        return 0;
    }

    private static ulong Mac(ReadOnlySpan<byte> value) =>
        ((ulong)BinaryPrimitives.ReadUInt16BigEndian(value) << 32) | BinaryPrimitives.ReadUInt32BigEndian(value[2..]);
}

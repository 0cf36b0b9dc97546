// RTM_NEWLINK messages: one as the kernel sends it, the same cut at each byte, and hostile lengths.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Base.Kernel;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Points;

public class LinkParserTests
{
    // A tap device: ifi_type 1, index 7, flags UP|BROADCAST|RUNNING|MULTICAST|LOWER_UP = 0x11043.
    private static readonly byte[] s_tap =
    [
        .. new byte[] { 0, 0, 1, 0, 7, 0, 0, 0, 0x43, 0x10, 1, 0, 0, 0, 0, 0 },
        .. Attribute(Netlink.IFLA_IFNAME, "vnet0\0"u8),
        .. Attribute(Netlink.IFLA_OPERSTATE, [6]),
        .. Attribute(Netlink.IFLA_MTU, [0xDC, 5, 0, 0]),
        .. Attribute(Netlink.IFLA_MASTER, [2, 0, 0, 0]),
        .. Attribute(Netlink.IFLA_PROMISCUITY, [1, 0, 0, 0]),
        .. Attribute(Netlink.IFLA_ADDRESS, [0xFE, 0x54, 0, 1, 2, 3]),
        .. Attribute((ushort)(Netlink.IFLA_LINKINFO | Netlink.NLA_F_NESTED),
        [
            .. Attribute(Netlink.IFLA_INFO_KIND, "tun\0"u8),
            .. Attribute(Netlink.IFLA_INFO_DATA, Attribute(Netlink.IFLA_TUN_TYPE, [2])),
            .. Attribute(Netlink.IFLA_INFO_SLAVE_KIND, "bridge\0"u8),
        ]),
    ];

    [Fact]
    public void AVlanDeviceTellsItsVlan()
    {
        byte[] message =
        [
            .. new byte[] { 0, 0, 1, 0, 8, 0, 0, 0, 0x43, 0x10, 1, 0, 0, 0, 0, 0 },
            .. Attribute(Netlink.IFLA_IFNAME, "eth0.10\0"u8),
            .. Attribute((ushort)(Netlink.IFLA_LINKINFO | Netlink.NLA_F_NESTED),
            [
                .. Attribute(Netlink.IFLA_INFO_KIND, "vlan\0"u8),
                .. Attribute(Netlink.IFLA_INFO_DATA, Attribute(Netlink.IFLA_VLAN_ID, [10, 0])),
            ]),
        ];
        Assert.Equal(10, LinkParser.Parse(message)?.VlanId);
    }

    [Fact]
    public void AllFactsOfATapDeviceAreRead()
    {
        var link = LinkParser.Parse(s_tap);
        Assert.NotNull(link);
        Assert.Equal((7, "vnet0", "tun", "bridge"), (link.Index, link.Name, link.Kind, link.SlaveKind));
        Assert.Equal((2, 1500, 1, 6), (link.Master, link.MtuBytes, link.Promiscuity, link.OperState));
        Assert.Equal(0xFE5400010203UL, link.Mac);
        Assert.True(link is { IsTapDevice: true, IsUp: true, IsLoopback: false, PeerNamespaceId: -1 });
        Assert.True(LinkClassifier.LeadsToWorkload(link));
    }

    [Fact]
    public void AMessageCutAnywhereGivesALinkOrNothing()
    {
        for (var length = 0; length < s_tap.Length; length++)
        {
            var link = LinkParser.Parse(s_tap.AsSpan(0, length).ToArray());
            Assert.Equal(length >= 16 + 10, link is not null);
            Assert.True(link is null || link.Name == "vnet0");
        }
    }

    [Fact]
    public void AnyBytesAreSurvived() =>
        Gen.Byte.Array[0, 200].Sample(bytes =>
        {
            var link = LinkParser.Parse(bytes);
            return link is null || (link.Index > 0 && link.Name.Length > 0);
        });

    [Fact]
    public void AnyChangeOfOneByteIsSurvived()
    {
        for (var at = 0; at < s_tap.Length; at++)
        {
            foreach (var value in (byte[])[0, 1, 0x7F, 0xFF])
            {
                var bytes = (byte[])s_tap.Clone();
                bytes[at] = value;
                _ = LinkParser.Parse(bytes);
            }
        }
    }

    internal static byte[] Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        var bytes = new byte[(4 + value.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), type);
        value.CopyTo(bytes.AsSpan(4));
        return bytes;
    }
}

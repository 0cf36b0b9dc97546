// Mirror of <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if_link.h>, <linux/neighbour.h>, <linux/net_namespace.h>: the
// numbers that interface discovery and our own VXLAN devices use. Messages are read with spans (Native/NetlinkReader.cs); no
// struct of these headers is overlaid on bytes.
namespace Tapline.Base.Kernel;

/// <summary>Netlink and rtnetlink numbers.</summary>
internal static class Netlink
{
    public const int NETLINK_ROUTE = 0;
    public const int NETLINK_ADD_MEMBERSHIP = 1;
    public const int NETLINK_EXT_ACK = 11;
    public const int NETLINK_GET_STRICT_CHK = 12;

    public const ushort NLMSG_NOOP = 1;
    public const ushort NLMSG_ERROR = 2;
    public const ushort NLMSG_DONE = 3;
    public const ushort NLMSG_OVERRUN = 4;
    public const ushort NLM_F_REQUEST = 0x01;
    public const ushort NLM_F_MULTI = 0x02;
    public const ushort NLM_F_ACK = 0x04;
    public const ushort NLM_F_DUMP_INTR = 0x10;
    public const ushort NLM_F_DUMP = 0x300;
    public const ushort NLM_F_EXCL = 0x200;
    public const ushort NLM_F_CREATE = 0x400;
    public const ushort NLM_F_APPEND = 0x800;

    /// <summary>sizeof(struct nlmsghdr): length u32, type u16, flags u16, sequence u32, port id u32.</summary>
    public const int HeaderBytes = 16;

    /// <summary>sizeof(struct nlattr): length u16, type u16.</summary>
    public const int AttributeHeaderBytes = 4;

    public const ushort NLA_TYPE_MASK = 0x3FFF;
    public const ushort NLA_F_NESTED = 0x8000;

    public const ushort RTM_NEWLINK = 16;
    public const ushort RTM_DELLINK = 17;
    public const ushort RTM_GETLINK = 18;
    public const ushort RTM_SETLINK = 19;
    public const ushort RTM_NEWROUTE = 24;
    public const ushort RTM_GETROUTE = 26;
    public const ushort RTM_NEWNEIGH = 28;
    public const ushort RTM_NEWNSID = 88;
    public const ushort RTM_GETNSID = 90;
    public const int RTNLGRP_LINK = 1;

    /// <summary>sizeof(struct ifinfomsg): family u8, pad u8, type u16, index s32, flags u32, change u32.</summary>
    public const int IfInfoBytes = 16;

    public const uint IFF_UP = 0x1;
    public const uint IFF_LOOPBACK = 0x8;
    public const uint IFF_PROMISC = 0x100;
    public const uint IFF_LOWER_UP = 0x10000;

    public const ushort IFLA_ADDRESS = 1;
    public const ushort IFLA_IFNAME = 3;
    public const ushort IFLA_MTU = 4;
    public const ushort IFLA_LINK = 5;
    public const ushort IFLA_MASTER = 10;
    public const ushort IFLA_OPERSTATE = 16;
    public const ushort IFLA_LINKINFO = 18;
    public const ushort IFLA_IFALIAS = 20;
    public const ushort IFLA_STATS64 = 23;
    public const ushort IFLA_AF_SPEC = 26;
    public const ushort IFLA_EXT_MASK = 29;
    public const ushort IFLA_PROMISCUITY = 30;
    public const ushort IFLA_LINK_NETNSID = 37;
    public const ushort IFLA_GSO_MAX_SIZE = 41;
    public const ushort IFLA_XDP = 43;
    public const ushort IFLA_GRO_MAX_SIZE = 58;
    public const ushort IFLA_TARGET_NETNSID = 46;
    public const ushort IFLA_PARENT_DEV_NAME = 56;
    public const ushort IFLA_INFO_KIND = 1;
    public const ushort IFLA_INFO_DATA = 2;
    public const ushort IFLA_INFO_SLAVE_KIND = 4;
    public const ushort IFLA_TUN_TYPE = 3;
    public const ushort IFLA_VLAN_ID = 1;

    /// <summary>Do not list SR-IOV virtual functions' statistics: they make messages of tens of kilobytes.</summary>
    public const uint RTEXT_FILTER_SKIP_STATS = 1 << 3;

    public const ushort NETNSA_NSID = 1;
    public const ushort NETNSA_FD = 3;

    public const byte IF_OPER_DOWN = 2;
    public const byte IF_OPER_LOWERLAYERDOWN = 3;
    public const byte IF_OPER_UP = 6;

    public const ushort IFLA_INET6_ADDR_GEN_MODE = 8;
    public const byte IN6_ADDR_GEN_MODE_NONE = 1;

    // enum of VXLAN's attributes; IFLA_VXLAN_DF since Linux 5.2, IFLA_VXLAN_LOCALBYPASS since 6.5.
    public const ushort IFLA_VXLAN_ID = 1;
    public const ushort IFLA_VXLAN_LINK = 3;
    public const ushort IFLA_VXLAN_LEARNING = 7;
    public const ushort IFLA_VXLAN_PORT = 15;
    public const ushort IFLA_VXLAN_LOCAL6 = 17;
    public const ushort IFLA_VXLAN_UDP_CSUM = 18;
    public const ushort IFLA_VXLAN_DF = 29;
    public const ushort IFLA_VXLAN_LOCALBYPASS = 31;
    public const byte VXLAN_DF_SET = 1;

    /// <summary>sizeof(struct ndmsg): family u8, pad u8, pad u16, index s32, state u16, flags u8, type u8.</summary>
    public const int NeighbourBytes = 12;

    public const byte AF_BRIDGE = 7;
    public const ushort NUD_NOARP = 0x40;
    public const ushort NUD_PERMANENT = 0x80;
    public const byte NTF_SELF = 0x02;
    public const ushort NDA_DST = 1;
    public const ushort NDA_LLADDR = 2;
    public const ushort NDA_PORT = 6;
    public const ushort NDA_VNI = 7;

    /// <summary>sizeof(struct rtmsg): family, destination length, six more bytes, flags u32.</summary>
    public const int RouteBytes = 12;

    public const ushort RTA_DST = 1;
    public const ushort RTA_OIF = 4;
    public const ushort RTA_MARK = 16;
}

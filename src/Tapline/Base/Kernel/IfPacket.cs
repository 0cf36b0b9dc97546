// Mirror of <linux/if_packet.h>: packet sockets and the TPACKET_V3 ring. Names and numbers are the kernel's.
// Plain data only; whoever maps a ring owns the memory. Sizes and offsets are asserted by tests.
//
//   block:  tpacket_block_desc (48) | frame | frame | …            tp_block_size bytes
//   frame:  tpacket3_hdr (48) | sockaddr_ll (20) | … | virtio_net_hdr (10) | bytes from tp_mac on
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>Constants and structs of packet sockets.</summary>
internal static class IfPacket
{
    public const int PACKET_HOST = 0;
    public const int PACKET_OTHERHOST = 3;
    public const int PACKET_OUTGOING = 4;
    public const int PACKET_LOOPBACK = 5;

    public const int PACKET_ADD_MEMBERSHIP = 1;
    public const int PACKET_DROP_MEMBERSHIP = 2;
    public const int PACKET_RX_RING = 5;
    public const int PACKET_STATISTICS = 6;
    public const int PACKET_VERSION = 10;
    public const int PACKET_TX_RING = 13;
    public const int PACKET_LOSS = 14;
    public const int PACKET_VNET_HDR = 15;
    public const int PACKET_TIMESTAMP = 17;
    public const int PACKET_FANOUT = 18;
    public const int PACKET_QDISC_BYPASS = 20;
    public const int PACKET_FANOUT_DATA = 22;
    public const int PACKET_IGNORE_OUTGOING = 23;

    public const int PACKET_FANOUT_EBPF = 7;

    /// <summary>Take a free group id; only the first socket of a group sets it.</summary>
    public const int PACKET_FANOUT_FLAG_UNIQUEID = 0x2000;

    /// <summary>
    /// The group's hook replaces the sockets' own, and with them their PACKET_IGNORE_OUTGOING: with fan-out only this
    /// flag (Linux 6.2; fanout_add in net/packet/af_packet.c) keeps outgoing frames away. Older kernels ignore it; our
    /// socket filter then drops those frames, at the cost of a clone each.
    /// </summary>
    public const int PACKET_FANOUT_FLAG_IGNORE_OUTGOING = 0x4000;

    public const ushort PACKET_MR_PROMISC = 1;

    public const int TPACKET_V3 = 2;
    public const int TPACKET_ALIGNMENT = 16;

    /// <summary>TPACKET_ALIGN(sizeof(struct tpacket3_hdr)): where sockaddr_ll stands in a frame's slot.</summary>
    public const int SockaddrOffset = 48;

    public const uint TP_STATUS_KERNEL = 0;
    public const uint TP_STATUS_USER = 1 << 0;
    public const uint TP_STATUS_LOSING = 1 << 2;
    public const uint TP_STATUS_CSUMNOTREADY = 1 << 3;
    public const uint TP_STATUS_VLAN_VALID = 1 << 4;
    public const uint TP_STATUS_BLK_TMO = 1 << 5;
    public const uint TP_STATUS_VLAN_TPID_VALID = 1 << 6;
    public const uint TP_STATUS_CSUM_VALID = 1 << 7;
    public const uint TP_STATUS_TS_RAW_HARDWARE = 1u << 31;

    /// <summary>SOF_TIMESTAMPING_RAW_HARDWARE of linux/net_tstamp.h, the value of PACKET_TIMESTAMP.</summary>
    public const int SOF_TIMESTAMPING_RAW_HARDWARE = 1 << 6;
}

/// <summary>struct tpacket_block_desc with its tpacket_hdr_v1: the head of a ring block.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct tpacket_block_desc
{
    [FieldOffset(0)] public uint version;
    [FieldOffset(4)] public uint offset_to_priv;
    [FieldOffset(8)] public uint block_status;
    [FieldOffset(12)] public uint num_pkts;
    [FieldOffset(16)] public uint offset_to_first_pkt;
    [FieldOffset(20)] public uint blk_len;
    [FieldOffset(24)] public ulong seq_num;
    [FieldOffset(32)] public uint ts_first_sec;
    [FieldOffset(36)] public uint ts_first_nsec;
    [FieldOffset(40)] public uint ts_last_sec;
    [FieldOffset(44)] public uint ts_last_nsec;
}

/// <summary>struct tpacket3_hdr: the head of a frame in a block.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct tpacket3_hdr
{
    [FieldOffset(0)] public uint tp_next_offset;
    [FieldOffset(4)] public uint tp_sec;
    [FieldOffset(8)] public uint tp_nsec;
    [FieldOffset(12)] public uint tp_snaplen;
    [FieldOffset(16)] public uint tp_len;
    [FieldOffset(20)] public uint tp_status;
    [FieldOffset(24)] public ushort tp_mac;
    [FieldOffset(26)] public ushort tp_net;
    [FieldOffset(28)] public uint tp_rxhash;
    [FieldOffset(32)] public uint tp_vlan_tci;
    [FieldOffset(36)] public ushort tp_vlan_tpid;
}

/// <summary>struct tpacket_req3: the geometry of a ring.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct tpacket_req3
{
    public uint tp_block_size;
    public uint tp_block_nr;
    public uint tp_frame_size;
    public uint tp_frame_nr;
    public uint tp_retire_blk_tov;
    public uint tp_sizeof_priv;
    public uint tp_feature_req_word;
}

/// <summary>struct tpacket_stats_v3; reading it resets it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct tpacket_stats_v3
{
    public uint tp_packets;
    public uint tp_drops;
    public uint tp_freeze_q_cnt;
}

/// <summary>struct sockaddr_ll.</summary>
[StructLayout(LayoutKind.Explicit, Size = 20)]
internal struct sockaddr_ll
{
    [FieldOffset(0)] public ushort sll_family;

    /// <summary>Network byte order.</summary>
    [FieldOffset(2)] public ushort sll_protocol;
    [FieldOffset(4)] public int sll_ifindex;
    [FieldOffset(8)] public ushort sll_hatype;
    [FieldOffset(10)] public byte sll_pkttype;
    [FieldOffset(11)] public byte sll_halen;
}

/// <summary>struct packet_mreq.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct packet_mreq
{
    [FieldOffset(0)] public int mr_ifindex;
    [FieldOffset(4)] public ushort mr_type;
    [FieldOffset(6)] public ushort mr_alen;
}

/// <summary>struct fanout_args, little-endian layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct fanout_args
{
    public ushort id;
    public ushort type_flags;
    public uint max_num_members;
}

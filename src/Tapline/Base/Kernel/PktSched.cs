// Mirror of <linux/pkt_sched.h>, <linux/pkt_cls.h> and the traffic control part of <linux/rtnetlink.h>: the numbers with
// which a cls_bpf filter is hung on the clsact qdisc of an interface. Messages are built with spans
// (Native/TrafficControl.cs); no struct of these headers is overlaid on bytes.
namespace Tapline.Base.Kernel;

/// <summary>Traffic control numbers.</summary>
internal static class PktSched
{
    public const ushort RTM_NEWQDISC = 36;
    public const ushort RTM_DELQDISC = 37;
    public const ushort RTM_GETQDISC = 38;
    public const ushort RTM_NEWTFILTER = 44;
    public const ushort RTM_DELTFILTER = 45;
    public const ushort RTM_GETTFILTER = 46;

    /// <summary>sizeof(struct tcmsg): family u8, pad 3, ifindex s32, handle u32, parent u32, info u32.</summary>
    public const int TcMsgBytes = 20;

    public const ushort TCA_KIND = 1;
    public const ushort TCA_OPTIONS = 2;
    public const ushort TCA_BPF_FD = 6;
    public const ushort TCA_BPF_NAME = 7;
    public const ushort TCA_BPF_FLAGS = 8;
    public const ushort TCA_BPF_FLAGS_GEN = 9;

    /// <summary>The program's return value is the verdict.</summary>
    public const uint TCA_BPF_FLAG_ACT_DIRECT = 1;

    /// <summary>Never offloaded into a NIC.</summary>
    public const uint TCA_CLS_FLAGS_SKIP_HW = 1;

    /// <summary>TC_H_CLSACT, the parent of the qdisc.</summary>
    public const uint TC_H_CLSACT = 0xFFFFFFF1;

    /// <summary>TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) and _EGRESS, the parents of filters.</summary>
    public const uint ClsactIngress = 0xFFFFFFF2;
    public const uint ClsactEgress = 0xFFFFFFF3;
    public const uint ClsactHandle = 0xFFFF0000;
}

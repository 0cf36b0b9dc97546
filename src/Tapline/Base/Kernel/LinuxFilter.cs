// <linux/filter.h> and <linux/bpf_common.h>: the instruction of classic BPF and the fields of its code. The names are the
// kernel's. libpcap's `struct bpf_insn` has the same layout, so a program moves between the two without conversion.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>One classic BPF instruction (`struct sock_filter`), 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct sock_filter
{
    public ushort code;
    public byte jt;
    public byte jf;
    public uint k;
}

/// <summary>Fields of <see cref="sock_filter.code"/> and the kernel's ancillary load offsets.</summary>
public static class LinuxFilter
{
    public const int BPF_LD = 0x00;
    public const int BPF_LDX = 0x01;
    public const int BPF_ST = 0x02;
    public const int BPF_STX = 0x03;
    public const int BPF_ALU = 0x04;
    public const int BPF_JMP = 0x05;
    public const int BPF_RET = 0x06;
    public const int BPF_MISC = 0x07;

    public const int BPF_W = 0x00;
    public const int BPF_H = 0x08;
    public const int BPF_B = 0x10;

    public const int BPF_IMM = 0x00;
    public const int BPF_ABS = 0x20;
    public const int BPF_IND = 0x40;
    public const int BPF_MEM = 0x60;
    public const int BPF_LEN = 0x80;
    public const int BPF_MSH = 0xa0;

    public const int BPF_ADD = 0x00;
    public const int BPF_SUB = 0x10;
    public const int BPF_MUL = 0x20;
    public const int BPF_DIV = 0x30;
    public const int BPF_OR = 0x40;
    public const int BPF_AND = 0x50;
    public const int BPF_LSH = 0x60;
    public const int BPF_RSH = 0x70;
    public const int BPF_NEG = 0x80;
    public const int BPF_MOD = 0x90;
    public const int BPF_XOR = 0xa0;

    public const int BPF_JA = 0x00;
    public const int BPF_JEQ = 0x10;
    public const int BPF_JGT = 0x20;
    public const int BPF_JGE = 0x30;
    public const int BPF_JSET = 0x40;

    public const int BPF_K = 0x00;
    public const int BPF_X = 0x08;
    public const int BPF_A = 0x10;

    public const int BPF_TAX = 0x00;
    public const int BPF_TXA = 0x80;

    public const int BPF_MEMWORDS = 16;

    /// <summary>Loads at or above this offset read facts beside the frame, not its bytes (SKF_AD_OFF = -0x1000).</summary>
    public const uint SKF_AD_OFF = 0xffff_f000;

    public const uint SKF_AD_VLAN_TAG = 44;
    public const uint SKF_AD_VLAN_TAG_PRESENT = 48;
    public const uint SKF_AD_VLAN_TPID = 60;

    /// <summary>Loads at or above this offset (SKF_LL_OFF = -0x200000) are relative to a header, not to the frame.</summary>
    public const uint SKF_LL_OFF = 0xffe0_0000;
}

// Mirror of <linux/bpf.h> and <linux/bpf_common.h>: what the emitted programs and bpf(2) calls use. The attribute union
// is passed as the struct of the command in use; trailing bytes that a kernel does not know must be zero, so each
// struct ends where our use ends.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>bpf(2) commands, types, helpers, opcodes.</summary>
internal static class Bpf
{
    public const int BPF_MAP_CREATE = 0;
    public const int BPF_MAP_LOOKUP_ELEM = 1;
    public const int BPF_MAP_UPDATE_ELEM = 2;
    public const int BPF_MAP_DELETE_ELEM = 3;
    public const int BPF_PROG_LOAD = 5;
    public const int BPF_PROG_TEST_RUN = 10;
    public const int BPF_LINK_CREATE = 28;
    public const int BPF_LINK_DETACH = 34;

    public const uint BPF_MAP_TYPE_HASH = 1;
    public const uint BPF_MAP_TYPE_ARRAY = 2;
    public const uint BPF_MAP_TYPE_PERCPU_ARRAY = 6;
    public const uint BPF_PROG_TYPE_SOCKET_FILTER = 1;
    public const uint BPF_PROG_TYPE_SCHED_CLS = 3;
    public const uint BPF_PROG_TYPE_XDP = 6;

    public const uint BPF_TCX_INGRESS = 46;
    public const uint BPF_TCX_EGRESS = 47;

    /// <summary>BPF_LINK_CREATE: before the program named beside it, before all when none is.</summary>
    public const uint BPF_F_BEFORE = 1 << 3;

    public const int BPF_FUNC_map_lookup_elem = 1;
    public const int BPF_FUNC_ktime_get_ns = 5;
    public const int BPF_FUNC_clone_redirect = 13;
    public const int BPF_FUNC_redirect = 23;
    public const int BPF_FUNC_skb_load_bytes = 26;
    public const int BPF_FUNC_check_mtu = 163;
    public const int BPF_MTU_CHK_SEGS = 1;
    public const int BPF_PSEUDO_MAP_FD = 1;
    public const int BPF_PSEUDO_MAP_VALUE = 2;

    /// <summary>The next program or filter decides; TC_ACT_UNSPEC of linux/pkt_cls.h is the same number.</summary>
    public const int TCX_NEXT = -1;

    /// <summary>The frame ends here; TC_ACT_SHOT is the same number.</summary>
    public const int TCX_DROP = 2;

    // Instruction classes, sizes, modes, operations (linux/bpf_common.h).
    public const byte BPF_LD = 0x00;
    public const byte BPF_LDX = 0x01;
    public const byte BPF_ST = 0x02;
    public const byte BPF_STX = 0x03;
    public const byte BPF_JMP = 0x05;
    public const byte BPF_JMP32 = 0x06;
    public const byte BPF_ALU64 = 0x07;
    public const byte BPF_ALU = 0x04;
    public const byte BPF_W = 0x00;
    public const byte BPF_H = 0x08;
    public const byte BPF_B = 0x10;
    public const byte BPF_DW = 0x18;
    public const byte BPF_IMM = 0x00;
    public const byte BPF_MEM = 0x60;
    public const byte BPF_K = 0x00;
    public const byte BPF_X = 0x08;
    public const byte BPF_ADD = 0x00;
    public const byte BPF_SUB = 0x10;
    public const byte BPF_MUL = 0x20;
    public const byte BPF_DIV = 0x30;
    public const byte BPF_OR = 0x40;
    public const byte BPF_AND = 0x50;
    public const byte BPF_LSH = 0x60;
    public const byte BPF_RSH = 0x70;
    public const byte BPF_NEG = 0x80;
    public const byte BPF_MOD = 0x90;
    public const byte BPF_XOR = 0xA0;
    public const byte BPF_MOV = 0xB0;
    public const byte BPF_END = 0xD0;
    public const byte BPF_TO_BE = 0x08;
    public const byte BPF_JA = 0x00;
    public const byte BPF_JEQ = 0x10;
    public const byte BPF_JNE = 0x50;
    public const byte BPF_JSET = 0x40;
    public const byte BPF_JGT = 0x20;
    public const byte BPF_JGE = 0x30;
    public const byte BPF_JLT = 0xA0;
    public const byte BPF_JSGE = 0x70;
    public const byte BPF_CALL = 0x80;
    public const byte BPF_EXIT = 0x90;

    // Offsets in struct __sk_buff.
    public const short SkbLen = 0;
    public const short SkbPktType = 4;
    public const short SkbMark = 8;
    public const short SkbProtocol = 16;
    public const short SkbVlanPresent = 20;
    public const short SkbVlanTci = 24;
    public const short SkbVlanProto = 28;
    public const short SkbIfindex = 40;
    public const short SkbGsoSegs = 164;
    public const short SkbGsoSize = 176;
}

/// <summary>struct bpf_insn: opcode, registers (destination low nibble), offset, immediate. 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_insn
{
    public byte code;
    public byte registers;
    public short off;
    public int imm;
}

/// <summary>union bpf_attr for BPF_MAP_CREATE.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal unsafe struct bpf_attr_map_create
{
    [FieldOffset(0)] public uint map_type;
    [FieldOffset(4)] public uint key_size;
    [FieldOffset(8)] public uint value_size;
    [FieldOffset(12)] public uint max_entries;
    [FieldOffset(16)] public uint map_flags;
    [FieldOffset(28)] public fixed byte map_name[16];
}

/// <summary>union bpf_attr for the element commands.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct bpf_attr_map_elem
{
    [FieldOffset(0)] public uint map_fd;
    [FieldOffset(8)] public ulong key;
    [FieldOffset(16)] public ulong value;
    [FieldOffset(24)] public ulong flags;
}

/// <summary>union bpf_attr for BPF_PROG_LOAD.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal unsafe struct bpf_attr_prog_load
{
    [FieldOffset(0)] public uint prog_type;
    [FieldOffset(4)] public uint insn_cnt;
    [FieldOffset(8)] public ulong insns;
    [FieldOffset(16)] public ulong license;
    [FieldOffset(24)] public uint log_level;
    [FieldOffset(28)] public uint log_size;
    [FieldOffset(32)] public ulong log_buf;
    [FieldOffset(40)] public uint kern_version;
    [FieldOffset(44)] public uint prog_flags;
    [FieldOffset(48)] public fixed byte prog_name[16];
    [FieldOffset(64)] public uint prog_ifindex;
    [FieldOffset(68)] public uint expected_attach_type;
}

/// <summary>union bpf_attr for BPF_PROG_TEST_RUN.</summary>
[StructLayout(LayoutKind.Explicit, Size = 80)]
internal struct bpf_attr_test_run
{
    [FieldOffset(0)] public uint prog_fd;
    [FieldOffset(4)] public uint retval;
    [FieldOffset(8)] public uint data_size_in;
    [FieldOffset(12)] public uint data_size_out;
    [FieldOffset(16)] public ulong data_in;
    [FieldOffset(24)] public ulong data_out;
    [FieldOffset(32)] public uint repeat;
    [FieldOffset(36)] public uint duration;
    [FieldOffset(40)] public uint ctx_size_in;
    [FieldOffset(44)] public uint ctx_size_out;
    [FieldOffset(48)] public ulong ctx_in;
    [FieldOffset(56)] public ulong ctx_out;
    [FieldOffset(64)] public uint flags;
    [FieldOffset(68)] public uint cpu;
}

/// <summary>union bpf_attr for BPF_LINK_CREATE with a TCX attach type.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct bpf_attr_link_create
{
    [FieldOffset(0)] public uint prog_fd;
    [FieldOffset(4)] public uint target_ifindex;
    [FieldOffset(8)] public uint attach_type;
    [FieldOffset(12)] public uint flags;
    [FieldOffset(16)] public uint relative_fd;
    [FieldOffset(24)] public ulong expected_revision;
}

/// <summary>union bpf_attr for BPF_LINK_DETACH.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct bpf_attr_link_detach
{
    public uint link_fd;
}

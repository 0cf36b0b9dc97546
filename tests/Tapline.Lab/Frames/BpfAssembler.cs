// Writes BPF instructions (linux/bpf.h, struct bpf_insn: code, dst:4 src:4, off16, imm32) with forward labels.
// In: calls in program order. Out: the array that bpf(2) loads. One use, one thread.
namespace Tapline.Lab.Frames;

/// <summary>A small assembler: 64-bit moves and arithmetic, loads, stores, jumps, calls.</summary>
internal sealed class BpfAssembler
{
    private readonly List<ulong> _code = [];
    private readonly List<(int At, string Label)> _jumps = [];
    private readonly Dictionary<string, int> _labels = [];

    /// <summary>dst = src.</summary>
    public void Move(int dst, int src) => Emit(0xbf, dst, src);

    /// <summary>dst = imm.</summary>
    public void MoveImmediate(int dst, int imm) => Emit(0xb7, dst, imm: imm);

    /// <summary>dst += imm.</summary>
    public void Add(int dst, int imm) => Emit(0x07, dst, imm: imm);

    /// <summary>dst &amp;= imm.</summary>
    public void And(int dst, int imm) => Emit(0x57, dst, imm: imm);

    /// <summary>dst ^= imm.</summary>
    public void Xor(int dst, int imm) => Emit(0xa7, dst, imm: imm);

    /// <summary>dst >>= imm.</summary>
    public void ShiftRight(int dst, int imm) => Emit(0x77, dst, imm: imm);

    /// <summary>dst &lt;&lt;= imm.</summary>
    public void ShiftLeft(int dst, int imm) => Emit(0x67, dst, imm: imm);

    /// <summary>dst %= imm, unsigned.</summary>
    public void Modulo(int dst, int imm) => Emit(0x97, dst, imm: imm);

    /// <summary>dst = its low 16 bits in network order.</summary>
    public void ToBigEndian16(int dst) => Emit(0xdc, dst, imm: 16);

    /// <summary>dst = *(u8/u16/u32/u64 *)(src + offset); <paramref name="bytes"/> 1, 2, 4 or 8.</summary>
    public void Load(int bytes, int dst, int src, int offset) => Emit((byte)(0x61 | Width(bytes)), dst, src, offset);

    /// <summary>*(u8/u16/u32/u64 *)(dst + offset) = src.</summary>
    public void Store(int bytes, int dst, int offset, int src) => Emit((byte)(0x63 | Width(bytes)), dst, src, offset);

    /// <summary>dst = address of entry 0 of an array map (BPF_PSEUDO_MAP_VALUE).</summary>
    public void LoadMapValue(int dst, int mapDescriptor, int byteOffset = 0)
    {
        const int PseudoMapValue = 2;
        Emit(0x18, dst, PseudoMapValue, imm: mapDescriptor);
        Emit(0, 0, imm: byteOffset);
    }

    public void JumpIfGreater(int left, int right, string label) => Jump(0x2d, left, right, 0, label);

    public void JumpIfNotEqual(int left, int imm, string label) => Jump(0x55, left, 0, imm, label);

    public void JumpIfEqual(int left, int imm, string label) => Jump(0x15, left, 0, imm, label);

    public void JumpIfLessOrEqual(int left, int right, string label) => Jump(0xbd, left, right, 0, label);

    public void JumpIfAnySet(int left, int imm, string label) => Jump(0x45, left, 0, imm, label);

    public void Call(int helper) => Emit(0x85, 0, imm: helper);

    public void Exit() => Emit(0x95, 0);

    public void Label(string name) => _labels.Add(name, _code.Count);

    public ulong[] Build()
    {
        var code = _code.ToArray();
        foreach (var (at, label) in _jumps)
        {
            code[at] |= (ulong)(ushort)(short)(_labels[label] - at - 1) << 16;
        }

        return code;
    }

    // BPF_B, BPF_H, BPF_DW relative to BPF_W in the size bits of a load or store.
    private static int Width(int bytes) => bytes switch
    {
        1 => 0x10,
        2 => 0x08,
        4 => 0x00,
        8 => 0x18,
        _ => throw new ArgumentOutOfRangeException(nameof(bytes), "1, 2, 4 or 8"),
    };

    private void Jump(byte code, int left, int right, int imm, string label)
    {
        _jumps.Add((_code.Count, label));
        Emit(code, left, right, 0, imm);
    }

    private void Emit(byte code, int dst, int src = 0, int offset = 0, int imm = 0) =>
        _code.Add(code | ((ulong)(uint)dst << 8) | ((ulong)(uint)src << 12) |
            ((ulong)(ushort)(short)offset << 16) | ((ulong)(uint)imm << 32));
}

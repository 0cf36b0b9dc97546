// Builds an eBPF program instruction by instruction, with labels for forward jumps. In: calls in program order.
// Out: the instruction array that bpf(2) loads. No compiler, no ELF. Control thread only; allocates.
// Registers: R0 result, R1–R5 arguments (lost over a call), R6–R9 kept, R10 frame pointer (512 bytes of stack below).
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>An eBPF assembler for the few shapes that Tapline emits.</summary>
internal sealed class BpfAssembler
{
    private readonly List<bpf_insn> _instructions = [];
    private readonly Dictionary<int, int> _labelPositions = [];
    private readonly List<(int Instruction, int Label)> _jumps = [];
    private int _labelCount;

    /// <summary>Instructions so far.</summary>
    public int Count => _instructions.Count;

    /// <summary>A new label, to be placed once with <see cref="Place"/>.</summary>
    public int Label() => _labelCount++;

    /// <summary>The label stands for the next instruction.</summary>
    public void Place(int label) => _labelPositions.Add(label, _instructions.Count);

    public void Move(int to, int from) => Emit(Bpf.BPF_ALU64 | Bpf.BPF_MOV | Bpf.BPF_X, to, from, 0, 0);

    public void MoveImmediate(int to, int value) => Emit(Bpf.BPF_ALU64 | Bpf.BPF_MOV | Bpf.BPF_K, to, 0, 0, value);

    /// <summary>64-bit operation between registers.</summary>
    public void Alu(byte operation, int to, int from) => Emit((byte)(Bpf.BPF_ALU64 | operation | Bpf.BPF_X), to, from, 0, 0);

    /// <summary>64-bit operation with a constant.</summary>
    public void AluImmediate(byte operation, int to, int value) =>
        Emit((byte)(Bpf.BPF_ALU64 | operation | Bpf.BPF_K), to, 0, 0, value);

    /// <summary>32-bit operation with a constant; clears the upper half.</summary>
    public void Alu32Immediate(byte operation, int to, int value) =>
        Emit((byte)(Bpf.BPF_ALU | operation | Bpf.BPF_K), to, 0, 0, value);

    /// <summary>32-bit operation between registers; clears the upper half.</summary>
    public void Alu32(byte operation, int to, int from) => Emit((byte)(Bpf.BPF_ALU | operation | Bpf.BPF_X), to, from, 0, 0);

    /// <summary>Converts the low <paramref name="bits"/> between network and host order; clears the rest.</summary>
    public void ToBigEndian(int register, int bits) =>
        Emit(Bpf.BPF_ALU | Bpf.BPF_END | Bpf.BPF_TO_BE, register, 0, 0, bits);

    /// <summary><paramref name="size"/> is BPF_B, BPF_H, BPF_W or BPF_DW.</summary>
    public void Load(byte size, int to, int from, short offset) =>
        Emit((byte)(Bpf.BPF_LDX | Bpf.BPF_MEM | size), to, from, offset, 0);

    public void Store(byte size, int to, short offset, int from) =>
        Emit((byte)(Bpf.BPF_STX | Bpf.BPF_MEM | size), to, from, offset, 0);

    public void StoreImmediate(byte size, int to, short offset, int value) =>
        Emit((byte)(Bpf.BPF_ST | Bpf.BPF_MEM | size), to, 0, offset, value);

    /// <summary>Loads a reference to a map; the verifier replaces the descriptor by the map's address.</summary>
    public void LoadMap(int to, int mapDescriptor)
    {
        Emit(Bpf.BPF_LD | Bpf.BPF_DW | Bpf.BPF_IMM, to, Bpf.BPF_PSEUDO_MAP_FD, 0, mapDescriptor);
        Emit(0, 0, 0, 0, 0);
    }

    /// <summary>Loads the address of an array map's first value (Linux 5.2).</summary>
    public void LoadMapValue(int to, int mapDescriptor)
    {
        Emit(Bpf.BPF_LD | Bpf.BPF_DW | Bpf.BPF_IMM, to, Bpf.BPF_PSEUDO_MAP_VALUE, 0, mapDescriptor);
        Emit(0, 0, 0, 0, 0);
    }

    public void Call(int helper) => Emit(Bpf.BPF_JMP | Bpf.BPF_CALL, 0, 0, 0, helper);

    public void Exit() => Emit(Bpf.BPF_JMP | Bpf.BPF_EXIT, 0, 0, 0, 0);

    public void Jump(int label) => EmitJump(Bpf.BPF_JMP | Bpf.BPF_JA, 0, 0, label);

    /// <summary>Conditional jump on a register and a constant (BPF_JEQ, BPF_JNE, BPF_JSET).</summary>
    public void JumpIf(byte condition, int register, int value, int label) =>
        EmitJump((byte)(Bpf.BPF_JMP | condition | Bpf.BPF_K), register, value, label);

    /// <summary>Conditional jump on two registers.</summary>
    public void JumpIfRegister(byte condition, int left, int right, int label)
    {
        _jumps.Add((_instructions.Count, label));
        Emit((byte)(Bpf.BPF_JMP | condition | Bpf.BPF_X), left, right, 0, 0);
    }

    /// <summary>Conditional jump on the low half of a register and a constant (Linux 5.1).</summary>
    public void JumpIf32(byte condition, int register, int value, int label) =>
        EmitJump((byte)(Bpf.BPF_JMP32 | condition | Bpf.BPF_K), register, value, label);

    /// <summary>The finished program.</summary>
    public bpf_insn[] Build()
    {
        var program = _instructions.ToArray();
        foreach (var (instruction, label) in _jumps)
        {
            Invariant.Check(_labelPositions.ContainsKey(label));
            var distance = _labelPositions[label] - instruction - 1;
            Invariant.Check(distance is >= 0 and <= short.MaxValue);
            program[instruction].off = (short)distance;
        }

        return program;
    }

    private void EmitJump(byte code, int register, int value, int label)
    {
        _jumps.Add((_instructions.Count, label));
        Emit(code, register, 0, 0, value);
    }

    private void Emit(byte code, int to, int from, short offset, int immediate)
    {
        Invariant.Check(to is >= 0 and <= 10 && from is >= 0 and <= 10);
        _instructions.Add(new bpf_insn
        {
            code = code,
            registers = (byte)(to | (from << 4)),
            off = offset,
            imm = immediate,
        });
    }
}

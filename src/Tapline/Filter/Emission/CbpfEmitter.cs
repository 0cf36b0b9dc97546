// Emits an expression as classic BPF, for sockets (SO_ATTACH_FILTER) and whatever else runs it. In: a tree and a link type.
// Out: kernel instructions that return 0 for frames that are not wanted. The program judges the bytes as they are: a socket
// whose kernel carries VLAN tags beside the frames sees them without.
//
// A step whose value is in the accumulator already on every way that leads to it does not load it again. Conditional jumps
// reach 255 instructions; a step whose exits are farther gets two unconditional ones behind it.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;
using static Tapline.Base.Kernel.LinuxFilter;

namespace Tapline.Filter.Emission;

/// <summary>The classic BPF back end.</summary>
internal sealed class CbpfEmitter
{
    /// <summary>What a program returns for a frame that is wanted: more bytes than any frame has.</summary>
    public const uint Accepted = 0x40000;

    /// <summary>The kernel takes no more (BPF_MAXINSNS).</summary>
    public const int InstructionsMax = 4096;

    private const int JumpMax = 255;

    private readonly FilterProgram _program;
    private readonly bool[] _isLong;
    private readonly int[] _positions;
    private readonly CodeValue?[] _inAccumulator;
    private readonly List<sock_filter> _code = [];

    private CbpfEmitter(FilterProgram program)
    {
        _program = program;
        _isLong = new bool[program.Steps.Count];
        _positions = new int[program.Steps.Count];
        _inAccumulator = HeldValues.Find(program);
    }

    /// <summary>Emits the tree; null and one clause in <paramref name="whyNot"/> when classic BPF cannot decide it.</summary>
    public static sock_filter[]? Emit(FilterTree tree, LinkType linkType, out string? whyNot)
    {
        if (FilterProgram.Make(tree, linkType, out var mistake) is not { } program)
        {
            whyNot = mistake!.Message;
            return null;
        }

        whyNot = KernelLimits.WhyNot(program);
        return whyNot is null ? new CbpfEmitter(program).Emit(out whyNot) : null;
    }

    private sock_filter[]? Emit(out string? whyNot)
    {
        // Short jumps first; those that do not reach grow, which may put others out of reach.
        bool hasGrown;
        do
        {
            _code.Clear();
            EmitSteps();
            hasGrown = Patch();
        }
        while (hasGrown);
        whyNot = _code.Count > InstructionsMax
            ? $"it takes {_code.Count} instructions of classic BPF, and the kernel takes {InstructionsMax}" : null;
        return whyNot is null ? [.. _code] : null;
    }

    private void EmitSteps()
    {
        for (var slot = 0; slot < _program.Slots; slot++)
        {
            Add(BPF_LD | BPF_IMM, 0);
            Add(BPF_ST, (uint)slot);
        }

        if (FilterStep.IsExit(_program.Entry))
        {
            Add(BPF_RET | BPF_K, _program.Entry == FilterStep.Accept ? Accepted : 0);
            return;
        }

        Invariant.Check(_program.Entry == 0);
        for (var i = 0; i < _program.Steps.Count; i++)
        {
            _positions[i] = _code.Count;
            EmitStep(_program.Steps[i], i);
        }

        Add(BPF_RET | BPF_K, Accepted);
        Add(BPF_RET | BPF_K, 0);
    }

    private void EmitStep(FilterStep step, int index)
    {
        if (step.AssignedValue is { } assigned)
        {
            Calculate(assigned, _program.Slots);
            Add(BPF_ST, (uint)step.Slot);
            Add(BPF_JMP | BPF_JA, 0);
            return;
        }

        var comparison = step.Kind switch
        {
            TestKind.Equal => BPF_JEQ,
            TestKind.Greater => BPF_JGT,
            TestKind.GreaterOrEqual => BPF_JGE,
            _ => BPF_JSET,
        };
        var left = step.Left!;
        if (step.Right is CodeValue.Constant constant)
        {
            var held = _inAccumulator[index];
            if (!left.Equals(held))
            {
                var bare = ValueShape.Unmasked(left, out var mask);
                if (bare.Equals(held) && mask != uint.MaxValue)
                {
                    Add(BPF_ALU | BPF_AND | BPF_K, mask);
                }
                else
                {
                    Calculate(left, _program.Slots);
                }
            }

            Add(BPF_JMP | comparison | BPF_K, constant.Value);
        }
        else
        {
            Pair(left, step.Right!, _program.Slots);
            Add(BPF_JMP | comparison | BPF_X, 0);
        }

        if (_isLong[index])
        {
            Add(BPF_JMP | BPF_JA, 0);
            Add(BPF_JMP | BPF_JA, 0);
        }
    }

    // Writes the distances; true when a step must grow first.
    private bool Patch()
    {
        if (FilterStep.IsExit(_program.Entry))
        {
            return false;
        }

        var hasGrown = false;
        for (var i = 0; i < _program.Steps.Count; i++)
        {
            var step = _program.Steps[i];
            var end = (i + 1 < _positions.Length ? _positions[i + 1] : _code.Count - 2) - 1;
            if (step.AssignedValue is not null)
            {
                Set(end, Distance(step.WhenTrue, end));
            }
            else if (_isLong[i])
            {
                _code[end - 2] = _code[end - 2] with { jt = 0, jf = 1 };
                Set(end - 1, Distance(step.WhenTrue, end - 1));
                Set(end, Distance(step.WhenFalse, end));
            }
            else
            {
                var (whenTrue, whenFalse) = (Distance(step.WhenTrue, end), Distance(step.WhenFalse, end));
                _isLong[i] = whenTrue > JumpMax || whenFalse > JumpMax;
                hasGrown |= _isLong[i];
                _code[end] = _code[end] with { jt = (byte)whenTrue, jf = (byte)whenFalse };
            }
        }

        return hasGrown;
    }

    private void Set(int at, int distance) => _code[at] = _code[at] with { k = (uint)distance };

    private int Distance(int target, int from)
    {
        var position = target switch
        {
            FilterStep.Accept => _code.Count - 2,
            FilterStep.Reject => _code.Count - 1,
            _ => _positions[target],
        };
        Invariant.Check(position > from);
        return position - from - 1;
    }

    // The value in A; words of memory from `free` on may be used.
    private void Calculate(CodeValue value, int free)
    {
        switch (value)
        {
            case CodeValue.Constant constant:
                Add(BPF_LD | BPF_IMM, constant.Value);
                break;
            case CodeValue.Length:
                Add(BPF_LD | BPF_W | BPF_LEN, 0);
                break;
            case CodeValue.Variable variable:
                Add(BPF_LD | BPF_MEM, (uint)variable.Slot);
                break;
            case CodeValue.HeaderLength header:
                Add(BPF_LDX | BPF_MSH | BPF_B, header.Offset);
                Add(BPF_MISC | BPF_TXA, 0);
                break;
            case CodeValue.Load load:
                if (load.Index is { } index && !TryLoadX(index))
                {
                    Calculate(index, free);
                    Add(BPF_MISC | BPF_TAX, 0);
                }

                var size = load.Size switch
                {
                    1 => BPF_B,
                    2 => BPF_H,
                    _ => BPF_W,
                };
                Add(BPF_LD | size | (load.Index is null ? BPF_ABS : BPF_IND), load.Offset);
                break;
            case CodeValue.Negate negate:
                Calculate(negate.Operand, free);
                Add(BPF_ALU | BPF_NEG, 0);
                break;
            default:
                var binary = (CodeValue.Binary)value;
                var operation = Operation(binary.Operation);
                if (binary.Right is CodeValue.Constant right)
                {
                    Calculate(binary.Left, free);
                    Add(BPF_ALU | operation | BPF_K, right.Value);
                }
                else if (binary.Operation is Arithmetic.ShiftLeft or Arithmetic.ShiftRight)
                {
                    Shift(binary, operation, free);
                }
                else
                {
                    Pair(binary.Left, binary.Right, free);
                    Add(BPF_ALU | operation | BPF_X, 0);
                }

                break;
        }
    }

    // A distance above 31 leaves nothing, but the kernel's machine takes its low bits only: shift by these, and multiply by
    // one where the others are zero, else by zero.
    private void Shift(CodeValue.Binary binary, int operation, int free)
    {
        Calculate(binary.Left, free);
        Add(BPF_ST, (uint)free);
        Calculate(binary.Right, free + 1);
        Add(BPF_ST, (uint)free + 1);
        Add(BPF_ALU | BPF_RSH | BPF_K, 5);
        Add(BPF_ALU | BPF_SUB | BPF_K, 1);
        Add(BPF_ALU | BPF_RSH | BPF_K, 31);
        Add(BPF_ST, (uint)free + 2);
        Add(BPF_LD | BPF_MEM, (uint)free + 1);
        Add(BPF_ALU | BPF_AND | BPF_K, 31);
        Add(BPF_MISC | BPF_TAX, 0);
        Add(BPF_LD | BPF_MEM, (uint)free);
        Add(BPF_ALU | operation | BPF_X, 0);
        Add(BPF_LDX | BPF_MEM, (uint)free + 2);
        Add(BPF_ALU | BPF_MUL | BPF_X, 0);
    }

    // Left in A, right in X.
    private void Pair(CodeValue left, CodeValue right, int free)
    {
        Calculate(left, free);
        if (TryLoadX(right))
        {
            return;
        }

        Add(BPF_ST, (uint)free);
        Calculate(right, free + 1);
        Add(BPF_MISC | BPF_TAX, 0);
        Add(BPF_LD | BPF_MEM, (uint)free);
    }

    private bool TryLoadX(CodeValue value)
    {
        switch (value)
        {
            case CodeValue.HeaderLength header:
                Add(BPF_LDX | BPF_MSH | BPF_B, header.Offset);
                return true;
            case CodeValue.Variable variable:
                Add(BPF_LDX | BPF_MEM, (uint)variable.Slot);
                return true;
            case CodeValue.Constant constant:
                Add(BPF_LDX | BPF_IMM, constant.Value);
                return true;
            case CodeValue.Length:
                Add(BPF_LDX | BPF_W | BPF_LEN, 0);
                return true;
            default:
                return false;
        }
    }

    private static int Operation(Arithmetic operation) => operation switch
    {
        Arithmetic.Add => BPF_ADD,
        Arithmetic.Subtract => BPF_SUB,
        Arithmetic.Multiply => BPF_MUL,
        Arithmetic.Divide => BPF_DIV,
        Arithmetic.Modulo => BPF_MOD,
        Arithmetic.And => BPF_AND,
        Arithmetic.Or => BPF_OR,
        Arithmetic.Xor => BPF_XOR,
        Arithmetic.ShiftLeft => BPF_LSH,
        _ => BPF_RSH,
    };

    private void Add(int code, uint k) => _code.Add(new sock_filter { code = (ushort)code, k = k });
}

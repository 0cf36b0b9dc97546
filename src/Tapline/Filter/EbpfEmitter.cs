// Emits an expression as eBPF for a program on a port (TCX or cls_bpf). In: a tree. Out: instructions that fall through
// for frames that are wanted and jump to a label for others. Pure. The VLAN tag, which the kernel carries beside the
// frame there, is judged as if it stood in the bytes, and `len` is the length with it.
//
// Registers: R6 = struct __sk_buff, kept. R0-R5 and R7-R9 are lost. Stack: fp-256 up to fp-9 is lost, the rest untouched.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Filter.Emission;
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;

namespace Tapline.Filter;

/// <summary>The eBPF back end.</summary>
internal sealed class EbpfEmitter
{
    /// <summary>No jump may be longer than 16 bits say, and the kernel path's own instructions come on top.</summary>
    private const int InstructionsMax = 30_000;

    private const int Value = EbpfHeader.Value;
    private const int FramePointer = EbpfHeader.FramePointer;

    private readonly BpfAssembler _code;
    private readonly FilterProgram _program;
    private readonly EbpfHeader _header;
    private readonly int _reject;
    private readonly int _accept;
    private readonly int[] _labels;
    private readonly CodeValue?[] _held;

    private EbpfEmitter(BpfAssembler code, FilterProgram program, LinkType linkType, int reject)
    {
        _code = code;
        _program = program;
        _reject = reject;
        _accept = code.Label();
        _held = HeldValues.Find(program);
        _labels = new int[program.Steps.Count];
        for (var i = 0; i < _labels.Length; i++)
        {
            _labels[i] = code.Label();
        }

        _header = new EbpfHeader(
            code, reject, EbpfCost.FixedReach(program), linkType == LinkType.Ethernet, EbpfCost.HasMovingLoads(program));
    }

    /// <summary>
    /// Emits the tree; false with one clause ("…it asks for a VM, which…") in <paramref name="whyNot"/> when the kernel
    /// cannot decide a term; nothing is emitted then.
    /// </summary>
    public static bool TryEmit(BpfAssembler code, FilterTree tree, LinkType linkType, int reject, out string? whyNot)
    {
        if (linkType is not (LinkType.Ethernet or LinkType.Raw or LinkType.Ipv4 or LinkType.Ipv6))
        {
            whyNot = $"no port carries frames of link type {linkType}";
            return false;
        }

        if (FilterProgram.Make(tree, linkType, out var mistake) is not { } program)
        {
            whyNot = mistake!.Message;
            return false;
        }

        whyNot = KernelLimits.WhyNot(program);
        if (whyNot is null && EbpfCost.InstructionsAtMost(program) > InstructionsMax)
        {
            whyNot = "its expression is too long for a program of the kernel";
        }

        if (whyNot is null)
        {
            new EbpfEmitter(code, program, linkType, reject).Emit();
        }

        return whyNot is null;
    }

    private void Emit()
    {
        if (FilterStep.IsExit(_program.Entry))
        {
            // Everything is wanted. The verifier refuses code that nothing leads to, so a jump to the other label must stand
            // here, though it is never taken.
            Invariant.Check(_program.Entry == FilterStep.Accept);
            _code.MoveImmediate(0, 0);
            _code.JumpIf(Bpf.BPF_JNE, 0, 0, _reject);
            return;
        }

        _header.EmitCopy();
        for (var slot = 0; slot < _program.Slots; slot++)
        {
            _code.StoreImmediate(Bpf.BPF_W, FramePointer, Word(slot), 0);
        }

        for (var i = 0; i < _labels.Length; i++)
        {
            _code.Place(_labels[i]);
            EmitStep(_program.Steps[i], i);
        }

        _code.Place(_accept);
    }

    private void EmitStep(FilterStep step, int index)
    {
        if (step.AssignedValue is { } assigned)
        {
            Calculate(assigned, _program.Slots);
            _code.Store(Bpf.BPF_W, FramePointer, Word(step.Slot), Value);
            JumpUnlessNext(step.WhenTrue, index);
            return;
        }

        var condition = step.Kind switch
        {
            TestKind.Equal => Bpf.BPF_JEQ,
            TestKind.Greater => Bpf.BPF_JGT,
            TestKind.GreaterOrEqual => Bpf.BPF_JGE,
            _ => Bpf.BPF_JSET,
        };
        var whenTrue = Target(step.WhenTrue);
        if (step.Right is CodeValue.Constant constant)
        {
            LoadLeft(step.Left!, _held[index]);
            _code.JumpIf32(condition, Value, (int)constant.Value, whenTrue);
        }
        else
        {
            // Both fit 32 bits and have nothing above, so the registers compare as a whole.
            Pair(step.Left!, step.Right!, _program.Slots);
            _code.JumpIfRegister(condition, Value, 1, whenTrue);
        }

        JumpUnlessNext(step.WhenFalse, index);
    }

    private void LoadLeft(CodeValue left, CodeValue? held)
    {
        if (left.Equals(held))
        {
            return;
        }

        var bare = ValueShape.Unmasked(left, out var mask);
        if (mask != uint.MaxValue && bare.Equals(held))
        {
            _code.Alu32Immediate(Bpf.BPF_AND, Value, (int)mask);
            return;
        }

        Calculate(left, _program.Slots);
    }

    private int Target(int target) => target switch
    {
        FilterStep.Accept => _accept,
        FilterStep.Reject => _reject,
        _ => _labels[target],
    };

    private void JumpUnlessNext(int target, int index)
    {
        var isNext = target == index + 1 || (target == FilterStep.Accept && index == _labels.Length - 1);
        if (!isNext)
        {
            _code.Jump(Target(target));
        }
    }

    // The value in R8, upper half clear; words from `free` on may be used.
    private void Calculate(CodeValue value, int free)
    {
        switch (value)
        {
            case CodeValue.Constant constant:
                _code.MoveImmediate(Value, 0);
                _code.Alu32Immediate(Bpf.BPF_OR, Value, (int)constant.Value);
                break;
            case CodeValue.Length:
                _code.Move(Value, EbpfHeader.Length);
                break;
            case CodeValue.Variable variable:
                _code.Load(Bpf.BPF_W, Value, FramePointer, Word(variable.Slot));
                break;
            case CodeValue.HeaderLength header:
                EmitHeaderLength(header);
                break;
            case CodeValue.Load { Index: null } load:
                _header.EmitLoad(load.Offset, load.Size);
                break;
            case CodeValue.Load load:
                EmitIndexedLoad(load, free);
                break;
            case CodeValue.Negate negate:
                Calculate(negate.Operand, free);
                _code.Alu32Immediate(Bpf.BPF_NEG, Value, 0);
                break;
            default:
                EmitBinary((CodeValue.Binary)value, free);
                break;
        }
    }

    private void EmitHeaderLength(CodeValue.HeaderLength header)
    {
        _header.EmitLoad(header.Offset, 1);
        _code.Alu32Immediate(Bpf.BPF_AND, Value, 0xf);
        _code.Alu32Immediate(Bpf.BPF_LSH, Value, 2);
    }

    // Nearly all IPv4 headers are 20 bytes long: then the place is fixed and its bytes are on the stack.
    private void EmitIndexedLoad(CodeValue.Load load, int free)
    {
        const int UsualHeaderBytes = 20;
        Calculate(load.Index!, free);
        if (load.Index is not CodeValue.HeaderLength || !_header.IsOnStack((ulong)load.Offset + UsualHeaderBytes, load.Size))
        {
            _header.EmitLoadAtValue(load.Offset, load.Size);
            return;
        }

        var unusual = _code.Label();
        var done = _code.Label();
        _code.JumpIf(Bpf.BPF_JNE, Value, UsualHeaderBytes, unusual);
        _header.EmitLoad(load.Offset + UsualHeaderBytes, load.Size);
        _code.Jump(done);
        _code.Place(unusual);
        _header.EmitLoadAtValue(load.Offset, load.Size);
        _code.Place(done);
    }

    private void EmitBinary(CodeValue.Binary binary, int free)
    {
        var operation = Operation(binary.Operation);
        if (binary.Right is CodeValue.Constant constant)
        {
            Calculate(binary.Left, free);
            _code.Alu32Immediate(operation, Value, (int)constant.Value);
            return;
        }

        Pair(binary.Left, binary.Right, free);
        if (binary.Operation is Arithmetic.Divide or Arithmetic.Modulo)
        {
            _code.JumpIf(Bpf.BPF_JEQ, 1, 0, _reject);
        }

        if (binary.Operation is Arithmetic.ShiftLeft or Arithmetic.ShiftRight)
        {
            // The machine would take the low bits of the distance only.
            var fits = _code.Label();
            var done = _code.Label();
            _code.JumpIf(Bpf.BPF_JLT, 1, 32, fits);
            _code.MoveImmediate(Value, 0);
            _code.Jump(done);
            _code.Place(fits);
            _code.Alu32(operation, Value, 1);
            _code.Place(done);
            return;
        }

        _code.Alu32(operation, Value, 1);
    }

    // Left in R8, right in R1.
    private void Pair(CodeValue left, CodeValue right, int free)
    {
        Calculate(left, free);
        _code.Store(Bpf.BPF_W, FramePointer, Word(free), Value);
        Calculate(right, free + 1);
        _code.Move(1, Value);
        _code.Load(Bpf.BPF_W, Value, FramePointer, Word(free));
    }

    private static short Word(int word)
    {
        Invariant.Check(word < FilterProgram.WordsMax);
        return (short)(EbpfHeader.WordsAt + (word * sizeof(uint)));
    }

    private static byte Operation(Arithmetic operation) => operation switch
    {
        Arithmetic.Add => Bpf.BPF_ADD,
        Arithmetic.Subtract => Bpf.BPF_SUB,
        Arithmetic.Multiply => Bpf.BPF_MUL,
        Arithmetic.Divide => Bpf.BPF_DIV,
        Arithmetic.Modulo => Bpf.BPF_MOD,
        Arithmetic.And => Bpf.BPF_AND,
        Arithmetic.Or => Bpf.BPF_OR,
        Arithmetic.Xor => Bpf.BPF_XOR,
        Arithmetic.ShiftLeft => Bpf.BPF_LSH,
        _ => Bpf.BPF_RSH,
    };
}

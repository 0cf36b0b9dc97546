// A classic BPF program, checked once so that running it cannot go wrong: every jump leads forward and inside, the last
// instruction returns, memory slots exist, nothing divides by a constant zero. In: kernel instructions from anywhere,
// hostile ones too. Out: decoded instructions or one sentence. Immutable afterwards; any thread may run it.
using Tapline.Base;
using Tapline.Base.Kernel;
using static Tapline.Base.Kernel.LinuxFilter;

namespace Tapline.Tests.Filter.Witness;

/// <summary>A validated classic BPF program.</summary>
internal sealed class CbpfProgram
{
    /// <summary>The most instructions taken; libpcap emits a handful for each word of an expression.</summary>
    internal const int InstructionsMax = 65_536;

    private readonly CbpfInstruction[] _instructions;

    private CbpfProgram(CbpfInstruction[] instructions) => _instructions = instructions;

    /// <summary>Number of instructions.</summary>
    public int Length => _instructions.Length;

    internal ReadOnlySpan<CbpfInstruction> Instructions => _instructions;

    /// <summary>Decodes and checks a program. Null and one sentence when it could misbehave.</summary>
    public static CbpfProgram? TryLoad(ReadOnlySpan<sock_filter> source, out string? error)
    {
        if (source.Length is 0 or > InstructionsMax)
        {
            error = $"The filter program has {source.Length} instructions; 1 to {InstructionsMax} are possible.";
            return null;
        }

        var decoded = new CbpfInstruction[source.Length];
        for (var i = 0; i < source.Length; i++)
        {
            if (Decode(source[i], i, source.Length, ref decoded[i]) is { } mistake)
            {
                error = $"The filter program's instruction {i} is not valid: {mistake}.";
                return null;
            }
        }

        if (decoded[^1].Op is not (CbpfOp.ReturnK or CbpfOp.ReturnA))
        {
            error = "The filter program does not end with a return.";
            return null;
        }

        error = null;
        return new CbpfProgram(decoded);
    }

    private static string? Decode(in sock_filter source, int index, int count, ref CbpfInstruction target)
    {
        target.K = source.k;
        target.TargetTrue = index + 1;
        target.TargetFalse = index + 1;
        return (source.code & 0x07) switch
        {
            BPF_LD => DecodeLoad(source, ref target),
            BPF_LDX => DecodeLoadX(source, ref target),
            BPF_ST when source.code == BPF_ST => Memory(source, CbpfOp.StoreA, ref target),
            BPF_STX when source.code == BPF_STX => Memory(source, CbpfOp.StoreX, ref target),
            BPF_ALU => DecodeArithmetic(source, ref target),
            BPF_JMP => DecodeJump(source, index, count, ref target),
            BPF_RET when source.code == (BPF_RET | BPF_K) => Set(CbpfOp.ReturnK, ref target),
            BPF_RET when source.code == (BPF_RET | BPF_A) => Set(CbpfOp.ReturnA, ref target),
            BPF_MISC when source.code == (BPF_MISC | BPF_TAX) => Set(CbpfOp.TransferAToX, ref target),
            BPF_MISC when source.code == (BPF_MISC | BPF_TXA) => Set(CbpfOp.TransferXToA, ref target),
            _ => Unknown(source),
        };
    }

    private static string? DecodeLoad(in sock_filter source, ref CbpfInstruction target)
    {
        if ((source.code & 0xe0) == BPF_ABS && source.k >= SKF_LL_OFF)
        {
            return DecodeAncillary(source, ref target);
        }

        return source.code switch
        {
            BPF_LD | BPF_W | BPF_ABS => Set(CbpfOp.LoadWordAbsolute, ref target),
            BPF_LD | BPF_H | BPF_ABS => Set(CbpfOp.LoadHalfAbsolute, ref target),
            BPF_LD | BPF_B | BPF_ABS => Set(CbpfOp.LoadByteAbsolute, ref target),
            BPF_LD | BPF_W | BPF_IND => Set(CbpfOp.LoadWordIndexed, ref target),
            BPF_LD | BPF_H | BPF_IND => Set(CbpfOp.LoadHalfIndexed, ref target),
            BPF_LD | BPF_B | BPF_IND => Set(CbpfOp.LoadByteIndexed, ref target),
            BPF_LD | BPF_W | BPF_LEN => Set(CbpfOp.LoadLength, ref target),
            BPF_LD | BPF_IMM => Set(CbpfOp.LoadImmediate, ref target),
            BPF_LD | BPF_MEM => Memory(source, CbpfOp.LoadMemory, ref target),
            _ => Unknown(source),
        };
    }

    // libpcap asks first whether a VLAN tag travels beside the frame and looks into the bytes when none does. Capture
    // has put every tag back into the bytes, so the true answer is that none does.
    private static string? DecodeAncillary(in sock_filter source, ref CbpfInstruction target)
    {
        if (source.k - SKF_AD_OFF is SKF_AD_VLAN_TAG or SKF_AD_VLAN_TAG_PRESENT or SKF_AD_VLAN_TPID)
        {
            target.K = 0;
            return Set(CbpfOp.LoadImmediate, ref target);
        }

        return $"it loads kernel data at offset {source.k:x8}, which a captured frame does not have";
    }

    private static string? DecodeLoadX(in sock_filter source, ref CbpfInstruction target) => source.code switch
    {
        BPF_LDX | BPF_IMM => Set(CbpfOp.LoadXImmediate, ref target),
        BPF_LDX | BPF_MEM => Memory(source, CbpfOp.LoadXMemory, ref target),
        BPF_LDX | BPF_LEN => Set(CbpfOp.LoadXLength, ref target),
        BPF_LDX | BPF_MSH | BPF_B => Set(CbpfOp.LoadXHeaderLength, ref target),
        _ => Unknown(source),
    };

    private static string? DecodeArithmetic(in sock_filter source, ref CbpfInstruction target)
    {
        var isX = (source.code & BPF_X) != 0;
        var operation = source.code & 0xf0;
        if ((source.code & ~0xff) != 0)
        {
            return Unknown(source);
        }

        if (!isX && source.k == 0 && (operation is BPF_DIV or BPF_MOD))
        {
            return "it divides by zero";
        }

        if (!isX && source.k > 31 && (operation is BPF_LSH or BPF_RSH))
        {
            return "it shifts by more than 31 bits";
        }

        return operation switch
        {
            BPF_ADD => Set(isX ? CbpfOp.AddX : CbpfOp.AddK, ref target),
            BPF_SUB => Set(isX ? CbpfOp.SubX : CbpfOp.SubK, ref target),
            BPF_MUL => Set(isX ? CbpfOp.MulX : CbpfOp.MulK, ref target),
            BPF_DIV => Set(isX ? CbpfOp.DivX : CbpfOp.DivK, ref target),
            BPF_MOD => Set(isX ? CbpfOp.ModX : CbpfOp.ModK, ref target),
            BPF_OR => Set(isX ? CbpfOp.OrX : CbpfOp.OrK, ref target),
            BPF_AND => Set(isX ? CbpfOp.AndX : CbpfOp.AndK, ref target),
            BPF_XOR => Set(isX ? CbpfOp.XorX : CbpfOp.XorK, ref target),
            BPF_LSH => Set(isX ? CbpfOp.ShiftLeftX : CbpfOp.ShiftLeftK, ref target),
            BPF_RSH => Set(isX ? CbpfOp.ShiftRightX : CbpfOp.ShiftRightK, ref target),
            BPF_NEG when !isX => Set(CbpfOp.Negate, ref target),
            _ => Unknown(source),
        };
    }

    private static string? DecodeJump(in sock_filter source, int index, int count, ref CbpfInstruction target)
    {
        if (source.code == (BPF_JMP | BPF_JA))
        {
            // Only `protochain` does this in libpcap; a loop over hostile bytes has no bound, and the kernel refuses it
            // too.
            if (source.k > int.MaxValue)
            {
                return "it jumps backwards, as the word protochain makes it; name the protocol without protochain";
            }

            if (source.k >= (uint)(count - index - 1))
            {
                return "it jumps outside the program";
            }

            target.TargetTrue = target.TargetFalse = index + 1 + (int)source.k;
            return Set(CbpfOp.Jump, ref target);
        }

        if (index + 1 + Math.Max(source.jt, source.jf) >= count)
        {
            return "it jumps outside the program";
        }

        target.TargetTrue += source.jt;
        target.TargetFalse += source.jf;
        Invariant.Check(target.TargetTrue > index && target.TargetFalse > index);
        return source.code switch
        {
            BPF_JMP | BPF_JEQ | BPF_K => Set(CbpfOp.JumpEqualK, ref target),
            BPF_JMP | BPF_JGT | BPF_K => Set(CbpfOp.JumpGreaterK, ref target),
            BPF_JMP | BPF_JGE | BPF_K => Set(CbpfOp.JumpGreaterOrEqualK, ref target),
            BPF_JMP | BPF_JSET | BPF_K => Set(CbpfOp.JumpSetK, ref target),
            BPF_JMP | BPF_JEQ | BPF_X => Set(CbpfOp.JumpEqualX, ref target),
            BPF_JMP | BPF_JGT | BPF_X => Set(CbpfOp.JumpGreaterX, ref target),
            BPF_JMP | BPF_JGE | BPF_X => Set(CbpfOp.JumpGreaterOrEqualX, ref target),
            BPF_JMP | BPF_JSET | BPF_X => Set(CbpfOp.JumpSetX, ref target),
            _ => Unknown(source),
        };
    }

    private static string? Memory(in sock_filter source, CbpfOp op, ref CbpfInstruction target) =>
        source.k < BPF_MEMWORDS ? Set(op, ref target) : $"it uses memory word {source.k} of {BPF_MEMWORDS}";

    private static string? Set(CbpfOp op, ref CbpfInstruction target)
    {
        target.Op = op;
        return null;
    }

    private static string Unknown(in sock_filter source) => $"its code {source.code:x4} is unknown";
}

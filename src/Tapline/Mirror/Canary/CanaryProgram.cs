// Emits the programs of canaries: a filter that lets only them through, and one that turns them round at their port, from
// its sending side into its receiving side. Only a frame with a canary's mark is taken; everything else leaves the port
// as ever. Pure.
using System.Buffers.Binary;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Mirror.Canary;

/// <summary>The injector's program, for a TCX egress hook.</summary>
internal static class CanaryProgram
{
    /// <summary>BPF_F_INGRESS of bpf_redirect (linux/bpf.h).</summary>
    private const int ToIngress = 1;

    private const int HalfMask = unchecked((int)0xFFFF_0000);

    /// <summary>A socket filter that lets frames of the canaries' EtherType through, whole.</summary>
    public static bpf_insn[] EmitFilter()
    {
        var code = new BpfAssembler();
        var others = code.Label();
        code.Load(Bpf.BPF_W, 2, 1, Bpf.SkbProtocol);
        code.MoveImmediate(0, 0);
        code.JumpIf(Bpf.BPF_JNE, 2, BinaryPrimitives.ReverseEndianness(CanaryFrame.EtherType), others);
        code.MoveImmediate(0, int.MaxValue);
        code.Place(others);
        code.Exit();
        return code.Build();
    }

    /// <summary>The injector's instructions.</summary>
    public static bpf_insn[] Emit()
    {
        var code = new BpfAssembler();
        var leave = code.Label();
        code.Load(Bpf.BPF_W, 2, 1, Bpf.SkbMark);
        code.Alu32Immediate(Bpf.BPF_AND, 2, HalfMask);
        code.JumpIf(Bpf.BPF_JNE, 2, (int)CanaryFrame.MarkPrefix, leave);
        code.Load(Bpf.BPF_W, 2, 1, Bpf.SkbProtocol);
        code.JumpIf(Bpf.BPF_JNE, 2, BinaryPrimitives.ReverseEndianness(CanaryFrame.EtherType), leave);
        code.Load(Bpf.BPF_W, 1, 1, Bpf.SkbIfindex);
        code.MoveImmediate(2, ToIngress);
        code.Call(Bpf.BPF_FUNC_redirect);
        code.Exit();
        code.Place(leave);
        code.MoveImmediate(0, Bpf.TCX_NEXT);
        code.Exit();
        return code.Build();
    }
}

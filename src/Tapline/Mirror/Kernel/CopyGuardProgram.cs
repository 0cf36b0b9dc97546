// Emits what guards a tunnel device of ours. Outgoing: only copies pass, so that no daemon that greets new interfaces talks to
// the tool, and the device's counters are the session's. Incoming: nothing passes, so that nobody can put frames into this
// host by its UDP port. Pure.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Mirror.Kernel;

/// <summary>Programs for both sides of a tunnel device.</summary>
internal static class CopyGuardProgram
{
    /// <summary>The instructions.</summary>
    public static bpf_insn[] Emit(bool isEgress)
    {
        var code = new BpfAssembler();
        if (isEgress)
        {
            var drop = code.Label();
            code.Load(Bpf.BPF_W, 2, 1, Bpf.SkbMark);
            code.JumpIf(Bpf.BPF_JNE, 2, CopyMark.Value, drop);
            code.MoveImmediate(0, Bpf.TCX_NEXT);
            code.Exit();
            code.Place(drop);
        }

        code.MoveImmediate(0, Bpf.TCX_DROP);
        code.Exit();
        return code.Build();
    }
}

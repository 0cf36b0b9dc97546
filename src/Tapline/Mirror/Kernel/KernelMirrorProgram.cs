// Emits the program that mirrors one port in the kernel. In: a plan. Out: instructions for a TCX or cls_bpf hook. Pure.
//
//   own export? ──yes──► next                         (mark of a clone that comes by again: never copied twice)
//   engine alive? ──no──► error++                     (only where a program may outlive it)
//   a canary of another session? ──yes──► next; one's own goes past filter and sampler
//   filter ──no──► filtered++
//   every Nth ──no──► sampled_out++
//   tool port usable? ──no──► target_down++
//   short enough, or the kernel will cut it so? ──no──► too_long++
//   bpf_clone_redirect ──► sent++ or a reason++
//   next                                              (whatever happened: the tapped frame goes on untouched)
//
// The clone is the whole frame: a super-frame stays one and is segmented by the tool port's driver or the kernel before
// it; the VLAN tag stays beside it and is put in on transmission. The tool port may be a tunnel device of our own.
// Registers: R6 context, R7 counters, R8 length, R9 verdict of the filter, then the original's mark. Stack: fp-4 key, fp-8
// scratch of bpf_check_mtu.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Canary;

namespace Tapline.Mirror.Kernel;

/// <summary>The kernel path's program.</summary>
internal static class KernelMirrorProgram
{
    private const int Context = 6;
    private const int Counters = 7;
    private const int Length = 8;
    private const int Saved = 9;
    private const int FramePointer = 10;
    private const int Wanted = 0;
    private const int NotWanted = 1;
    private const int Canary = 2;
    private const short KeyAt = -4;
    private const short MtuAt = -8;
    private const int VlanTagBytes = 4;

    // Ethernet, IPv4 and TCP with timestamps: for the estimate where a guest's super-frame does not say its segments.
    private const int UsualHeaderBytes = 66;

    // linux/netdevice.h NET_XMIT_*, asm-generic/errno.h: what dev_queue_xmit gives back through bpf_clone_redirect.
    private const int NET_XMIT_DROP = 1;
    private const int NET_XMIT_CN = 2;

    /// <summary>The instructions.</summary>
    public static bpf_insn[] Emit(KernelProgramPlan plan)
    {
        Invariant.Check(plan.SampleOneIn >= 1 && plan.PointId < Limits.PointsMax);
        var code = new BpfAssembler();
        var next = code.Label();
        code.Move(Context, 1);
        code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbMark);
        code.JumpIf(Bpf.BPF_JEQ, 1, CopyMark.Value, next);
        EmitVerdict(code, plan, next);
        code.StoreImmediate(Bpf.BPF_W, FramePointer, KeyAt, plan.PointId);
        code.LoadMap(1, plan.CountersDescriptor);
        code.Move(2, FramePointer);
        code.AluImmediate(Bpf.BPF_ADD, 2, KeyAt);
        code.Call(Bpf.BPF_FUNC_map_lookup_elem);
        code.JumpIf(Bpf.BPF_JEQ, 0, 0, next);
        code.Move(Counters, 0);
        if (plan.LooksForEngine)
        {
            EmitEngineCheck(code, plan, next);
        }

        var copy = code.Label();
        if (plan.CanaryMark != 0)
        {
            code.JumpIf(Bpf.BPF_JEQ, Saved, Canary, copy);
        }

        if (plan.Filter is not null)
        {
            var wanted = code.Label();
            code.JumpIf(Bpf.BPF_JEQ, Saved, Wanted, wanted);
            Count(code, KernelCounter.Filtered);
            code.Jump(next);
            code.Place(wanted);
        }

        if (plan.SampleOneIn > 1)
        {
            EmitSampler(code, plan.SampleOneIn, next);
        }

        code.Place(copy);
        if (plan.IsEthernet)
        {
            EmitCopy(code, plan, next);
        }
        else
        {
            Count(code, KernelCounter.DroppedError);
        }

        code.Place(next);
        code.MoveImmediate(0, Bpf.TCX_NEXT);
        code.Exit();
        return code.Build();
    }

    // Nobody reads the count of a dead engine; a live one that was late for ten seconds must own up to it.
    private static void EmitEngineCheck(BpfAssembler code, KernelProgramPlan plan, int next)
    {
        var alive = code.Label();
        code.Call(Bpf.BPF_FUNC_ktime_get_ns);
        code.LoadMapValue(1, plan.TargetDescriptor);
        code.Load(Bpf.BPF_DW, 1, 1, KernelTargetState.AliveUntilOffset);
        code.Alu(Bpf.BPF_SUB, 1, 0);
        code.JumpIf(Bpf.BPF_JSGE, 1, 0, alive);
        Count(code, KernelCounter.DroppedError);
        code.Jump(next);
        code.Place(alive);
    }

    // R9 = the verdict. R1 holds the frame's mark.
    private static void EmitVerdict(BpfAssembler code, KernelProgramPlan plan, int next)
    {
        var judged = code.Label();
        if (plan.CanaryMark != 0)
        {
            // One's own canaries are taken whatever the filter says, other sessions' are none of one's business.
            code.MoveImmediate(Saved, Canary);
            code.JumpIf(Bpf.BPF_JEQ, 1, (int)plan.CanaryMark, judged);
            code.Alu32Immediate(Bpf.BPF_AND, 1, unchecked((int)0xFFFF_0000));
            code.JumpIf(Bpf.BPF_JEQ, 1, (int)CanaryFrame.MarkPrefix, next);
        }

        if (plan.Filter is not null)
        {
            var reject = code.Label();
            plan.Filter(code, reject);
            code.MoveImmediate(Saved, Wanted);
            code.Jump(judged);
            code.Place(reject);
            code.MoveImmediate(Saved, NotWanted);
        }
        else
        {
            code.MoveImmediate(Saved, Wanted);
        }

        code.Place(judged);
    }

    private static void EmitSampler(BpfAssembler code, int oneIn, int next)
    {
        var take = code.Label();
        code.Load(Bpf.BPF_DW, 1, Counters, KernelCounter.SampleTurn * sizeof(long));
        code.AluImmediate(Bpf.BPF_ADD, 1, 1);
        code.JumpIf(Bpf.BPF_JGE, 1, oneIn, take);
        code.Store(Bpf.BPF_DW, Counters, KernelCounter.SampleTurn * sizeof(long), 1);
        Count(code, KernelCounter.SampledOut);
        code.Jump(next);
        code.Place(take);
        code.StoreImmediate(Bpf.BPF_DW, Counters, KernelCounter.SampleTurn * sizeof(long), 0);
    }

    private static void EmitCopy(BpfAssembler code, KernelProgramPlan plan, int next)
    {
        var down = code.Label();
        var tooLong = code.Label();
        var send = code.Label();
        code.Load(Bpf.BPF_W, Length, Context, Bpf.SkbLen);
        code.LoadMapValue(2, plan.TargetDescriptor);
        code.Load(Bpf.BPF_W, Saved, 2, KernelTargetState.IndexOffset);
        code.JumpIf(Bpf.BPF_JEQ, Saved, 0, down);
        code.Load(Bpf.BPF_W, 1, 2, KernelTargetState.FrameBytesMaxOffset);
        code.Alu(Bpf.BPF_SUB, 1, Length);
        if (plan.TagCounts)
        {
            var untagged = code.Label();
            code.Load(Bpf.BPF_W, 3, Context, Bpf.SkbVlanPresent);
            code.JumpIf(Bpf.BPF_JEQ, 3, 0, untagged);
            code.AluImmediate(Bpf.BPF_SUB, 1, VlanTagBytes);
            code.Place(untagged);
        }

        code.JumpIf(Bpf.BPF_JSGE, 1, 0, send);

        // Longer than the port's MTU. A super-frame may still become short enough: the helper looks at its segments.
        code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbGsoSize);
        code.JumpIf(Bpf.BPF_JEQ, 1, 0, tooLong);
        code.StoreImmediate(Bpf.BPF_W, FramePointer, MtuAt, 0);
        code.Move(1, Context);
        code.Move(2, Saved);
        code.Move(3, FramePointer);
        code.AluImmediate(Bpf.BPF_ADD, 3, MtuAt);
        code.MoveImmediate(4, 0);
        code.MoveImmediate(5, Bpf.BPF_MTU_CHK_SEGS);
        code.Call(Bpf.BPF_FUNC_check_mtu);
        code.JumpIf(Bpf.BPF_JEQ, 0, 0, send);
        code.JumpIf(Bpf.BPF_JEQ, 0, -SystemCalls.ENODEV, down);
        code.Place(tooLong);
        Count(code, KernelCounter.DroppedTooLong);
        code.Jump(next);

        code.Place(send);
        EmitSend(code, plan, down, next);
        code.Place(down);
        Count(code, KernelCounter.DroppedTargetDown);
    }

    private static void EmitSend(BpfAssembler code, KernelProgramPlan plan, int down, int next)
    {
        var failed = code.Label();
        code.Move(2, Saved);

        // The mark stands on the frame for the moment in which it is cloned, and is taken back at once.
        code.Load(Bpf.BPF_W, Saved, Context, Bpf.SkbMark);
        code.MoveImmediate(1, CopyMark.Value);
        code.Store(Bpf.BPF_W, Context, Bpf.SkbMark, 1);
        code.Move(1, Context);
        code.MoveImmediate(3, 0);
        code.Call(Bpf.BPF_FUNC_clone_redirect);
        code.Store(Bpf.BPF_W, Context, Bpf.SkbMark, Saved);
        code.JumpIf(Bpf.BPF_JNE, 0, 0, failed);
        Count(code, KernelCounter.Sent);
        EmitBytes(code);
        EmitWireFrames(code);
        if (plan.CanaryMark != 0)
        {
            code.JumpIf(Bpf.BPF_JNE, Saved, (int)plan.CanaryMark, next);
            Count(code, KernelCounter.Canaries);
        }

        code.Jump(next);

        code.Place(failed);
        var busy = code.Label();
        code.JumpIf(Bpf.BPF_JEQ, 0, NET_XMIT_DROP, busy);
        code.JumpIf(Bpf.BPF_JEQ, 0, NET_XMIT_CN, busy);
        code.JumpIf(Bpf.BPF_JEQ, 0, -SystemCalls.ENOBUFS, busy);
        code.JumpIf(Bpf.BPF_JEQ, 0, -SystemCalls.ENETDOWN, down);
        code.JumpIf(Bpf.BPF_JEQ, 0, -SystemCalls.ENODEV, down);
        // dev_get_by_index_rcu found nothing: the port went, and the engine has not told yet.
        code.JumpIf(Bpf.BPF_JEQ, 0, -SystemCalls.EINVAL, down);
        Count(code, KernelCounter.DroppedError);
        code.Jump(next);
        code.Place(busy);
        Count(code, KernelCounter.DroppedBusy);
        code.Jump(next);
    }

    private static void EmitBytes(BpfAssembler code)
    {
        var untagged = code.Label();
        code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbVlanPresent);
        code.JumpIf(Bpf.BPF_JEQ, 1, 0, untagged);
        code.AluImmediate(Bpf.BPF_ADD, Length, VlanTagBytes);
        code.Place(untagged);
        AddRegister(code, KernelCounter.SentBytes, Length);
    }

    private static void EmitWireFrames(BpfAssembler code)
    {
        var one = code.Label();
        var known = code.Label();
        code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbGsoSize);
        code.JumpIf(Bpf.BPF_JEQ, 1, 0, one);
        code.Load(Bpf.BPF_W, 2, Context, Bpf.SkbGsoSegs);
        code.JumpIf(Bpf.BPF_JNE, 2, 0, known);
        // A guest's super-frame comes without the number of its segments (SKB_GSO_DODGY in virtio_net.h).
        code.Move(2, Length);
        code.AluImmediate(Bpf.BPF_SUB, 2, UsualHeaderBytes + 1);
        code.Alu(Bpf.BPF_DIV, 2, 1);
        code.AluImmediate(Bpf.BPF_ADD, 2, 1);
        code.Jump(known);
        code.Place(one);
        code.MoveImmediate(2, 1);
        code.Place(known);
        AddRegister(code, KernelCounter.SentWireFrames, 2);
    }

    private static void Count(BpfAssembler code, int counter)
    {
        code.MoveImmediate(2, 1);
        AddRegister(code, counter, 2);
    }

    // A plain add: the value is this processor's own, and no program interrupts another one on the same hook.
    private static void AddRegister(BpfAssembler code, int counter, int register)
    {
        code.Load(Bpf.BPF_DW, 1, Counters, (short)(counter * sizeof(long)));
        code.Alu(Bpf.BPF_ADD, 1, register);
        code.Store(Bpf.BPF_DW, Counters, (short)(counter * sizeof(long)), 1);
    }
}

// The emitted program as instructions: what must and what must not be in it. That it loads and counts right is the lab's.
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Kernel;
using Xunit;

namespace Tapline.Tests.Mirror.Kernel;

public class KernelMirrorProgramTests
{
    private const byte Call = Bpf.BPF_JMP | Bpf.BPF_CALL;
    private const byte StoreWord = Bpf.BPF_STX | Bpf.BPF_MEM | Bpf.BPF_W;
    private static readonly KernelProgramPlan s_plan = new() { CountersDescriptor = 7, TargetDescriptor = 8, PointId = 3 };

    [Fact]
    public void TheOriginalsMarkIsPutBackRightAfterTheClone()
    {
        var code = KernelMirrorProgram.Emit(s_plan);
        var clone = Array.FindIndex(code, i => i.code == Call && i.imm == Bpf.BPF_FUNC_clone_redirect);
        Assert.True(clone > 0);
        Assert.Equal((StoreWord, Bpf.SkbMark), (code[clone + 1].code, code[clone + 1].off));
        Assert.Equal(2, code.Count(i => i.code == StoreWord && i.off == Bpf.SkbMark));
        Assert.Single(code, i => i.code == Call && i.imm == Bpf.BPF_FUNC_clone_redirect);
    }

    [Theory]
    [InlineData(1, false, true)]
    [InlineData(16, true, true)]
    [InlineData(1, true, false)]
    public void ThereIsOneWayOutAndItHandsTheFrameOn(int oneIn, bool looksForEngine, bool isEthernet)
    {
        var code = KernelMirrorProgram.Emit(s_plan with
        {
            SampleOneIn = oneIn, LooksForEngine = looksForEngine, IsEthernet = isEthernet, Filter = EverySecondByte,
        });
        Assert.Single(code, i => i.code == (Bpf.BPF_JMP | Bpf.BPF_EXIT));
        var last = code[^2];
        Assert.Equal((Bpf.BPF_ALU64 | Bpf.BPF_MOV | Bpf.BPF_K, Bpf.TCX_NEXT), (last.code, last.imm));
        Assert.Equal(isEthernet, code.Any(i => i.code == Call && i.imm == Bpf.BPF_FUNC_clone_redirect));
        Assert.Equal(looksForEngine, code.Any(i => i.code == Call && i.imm == Bpf.BPF_FUNC_ktime_get_ns));
    }

    [Fact]
    public void EveryJumpLandsInsideTheProgram()
    {
        var code = KernelMirrorProgram.Emit(s_plan with { SampleOneIn = 3, LooksForEngine = true, Filter = EverySecondByte });
        for (var i = 0; i < code.Length; i++)
        {
            if ((code[i].code & 7) == Bpf.BPF_JMP && code[i].code is not Call and not (Bpf.BPF_JMP | Bpf.BPF_EXIT))
            {
                Assert.InRange(i + 1 + code[i].off, i + 1, code.Length - 1);
            }
        }
    }

    [Fact]
    public void ATagMakesTheFrameLongerOnlyWhereThereIsNoRoomForOne()
    {
        const byte Subtract = Bpf.BPF_ALU64 | Bpf.BPF_SUB | Bpf.BPF_K;
        Assert.DoesNotContain(KernelMirrorProgram.Emit(s_plan), i => i.code == Subtract && i.imm == 4);
        Assert.Single(KernelMirrorProgram.Emit(s_plan with { TagCounts = true }), i => i.code == Subtract && i.imm == 4);
    }

    [Fact]
    public void TheGuardLetsCopiesOutAndNothingIn()
    {
        var exits = CopyGuardProgram.Emit(isEgress: true).Where(i => i.code == (Bpf.BPF_ALU64 | Bpf.BPF_MOV | Bpf.BPF_K));
        Assert.Equal([Bpf.TCX_NEXT, Bpf.TCX_DROP], exits.Select(i => i.imm));
        var incoming = CopyGuardProgram.Emit(isEgress: false);
        Assert.Equal((2, Bpf.TCX_DROP), (incoming.Length, incoming[0].imm));
    }

    [Fact]
    public void TheSharedStructureIsTheProgramsOffsets()
    {
        Assert.Equal(16, System.Runtime.CompilerServices.Unsafe.SizeOf<KernelTargetState>());
        Assert.Equal(88, KernelCounter.ValueBytes);
    }

    private static void EverySecondByte(BpfAssembler code, int reject)
    {
        code.Load(Bpf.BPF_W, 1, 6, Bpf.SkbLen);
        code.JumpIf(Bpf.BPF_JSET, 1, 1, reject);
    }
}

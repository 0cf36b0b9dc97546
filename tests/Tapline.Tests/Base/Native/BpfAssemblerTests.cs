// The emitted instructions, bit by bit, and the programs as the running kernel's verifier sees them.
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Ring;
using Xunit;

namespace Tapline.Tests.Base.Native;

public class BpfAssemblerTests
{
    [Fact]
    public void InstructionsHaveTheKernelsEncoding()
    {
        var code = new BpfAssembler();
        var end = code.Label();
        code.Move(6, 1);
        code.Load(Bpf.BPF_W, 2, 6, 40);
        code.JumpIf(Bpf.BPF_JEQ, 2, 7, end);
        code.LoadMap(1, 5);
        code.Call(1);
        code.Place(end);
        code.MoveImmediate(0, -1);
        code.Exit();
        var program = code.Build();
        // As llvm-objdump prints them: bf 16, 61 62 off 40, 15 02 off +3 imm 7, 18 11 imm 5, 0, 85 imm 1, b7 imm -1, 95.
        (byte, byte, short, int)[] expected =
        [
            (0xBF, 0x16, 0, 0), (0x61, 0x62, 40, 0), (0x15, 0x02, 3, 7), (0x18, 0x11, 0, 5), (0, 0, 0, 0), (0x85, 0, 0, 1),
            (0xB7, 0x00, 0, -1), (0x95, 0, 0, 0),
        ];
        Assert.Equal(expected, program.Select(i => (i.code, i.registers, i.off, i.imm)));
    }

    [Fact]
    public void TheVerifierAcceptsTheFanoutPrograms()
    {
        SkipWithoutBpf();
        foreach (var startsAtMac in (bool[])[false, true])
        {
            var code = FanoutProgram.Build(startsAtMac);
            using var program = BpfSystem.Load(Bpf.BPF_PROG_TYPE_SOCKET_FILTER, code, "tap_test", out var error);
            Assert.True(program is not null, error);
            Assert.True(code.Length < 4096, $"{code.Length} instructions");
        }
    }

    [Fact]
    public void TheVerifierAcceptsTheFiltersAndARefusalIsExplained()
    {
        SkipWithoutBpf();
        using var maps = CaptureMaps.Create(out var error);
        Assert.True(maps is not null, error);
        using var programs = CapturePrograms.Load(maps, 65535, out error);
        Assert.True(programs is not null, error);

        var wrong = new BpfAssembler();
        wrong.Move(0, 9);
        wrong.Exit();
        Assert.Null(BpfSystem.Load(Bpf.BPF_PROG_TYPE_SOCKET_FILTER, wrong.Build(), "wrong", out error));
        Assert.Contains("R9 !read_ok", error, StringComparison.Ordinal);
    }

    private static void SkipWithoutBpf()
    {
        if (!Privileges.HasBpf)
        {
            Assert.Skip("needs CAP_BPF to load programs");
        }
    }
}

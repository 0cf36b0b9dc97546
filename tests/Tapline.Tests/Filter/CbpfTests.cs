// The classic BPF machine: what it refuses to load, what each instruction does, and that it agrees with libpcap's own
// machine on random programs over random bytes.
using Tapline.Base.Kernel;
using Tapline.Tests.Filter.Witness;
using Xunit;
using static Tapline.Base.Kernel.LinuxFilter;

namespace Tapline.Tests.Filter;

public class CbpfTests
{
    private static readonly sock_filter s_returnA = new() { code = BPF_RET | BPF_A };

    public static TheoryData<string, sock_filter[]> Refused => new()
    {
        { "1 to", [] },
        { "does not end with a return", [I(BPF_LD | BPF_IMM)] },
        { "jumps outside", [J(BPF_JEQ | BPF_K, 0, 1, 0), s_returnA] },
        { "jumps outside", [J(BPF_JEQ | BPF_K, 0, 0, 200), s_returnA] },
        { "jumps outside", [I(BPF_JMP | BPF_JA, 1), s_returnA] },
        { "jumps backwards", [I(BPF_JMP | BPF_JA, uint.MaxValue), s_returnA] },
        { "memory word 16", [I(BPF_ST, 16), s_returnA] },
        { "memory word 16", [I(BPF_STX, 16), s_returnA] },
        { "memory word 99", [I(BPF_LD | BPF_MEM, 99), s_returnA] },
        { "memory word 99", [I(BPF_LDX | BPF_MEM, 99), s_returnA] },
        { "divides by zero", [I(BPF_ALU | BPF_DIV | BPF_K, 0), s_returnA] },
        { "divides by zero", [I(BPF_ALU | BPF_MOD | BPF_K, 0), s_returnA] },
        { "more than 31", [I(BPF_ALU | BPF_LSH | BPF_K, 32), s_returnA] },
        { "unknown", [I(0xffff), s_returnA] },
        { "unknown", [I(BPF_ALU | 0xb0), s_returnA] },
        { "unknown", [I(BPF_LDX | BPF_W | BPF_ABS), s_returnA] },
        { "kernel data", [I(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 56), s_returnA] },
        { "kernel data", [I(BPF_LD | BPF_W | BPF_ABS, SKF_LL_OFF + 12), s_returnA] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void ProgramsThatCouldMisbehaveAreNotLoaded(string reason, sock_filter[] program)
    {
        Assert.Null(CbpfProgram.TryLoad(program, out var error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgramsLongerThanTheLimitAreNotLoaded()
    {
        var program = new sock_filter[CbpfProgram.InstructionsMax + 1];
        Array.Fill(program, s_returnA);
        Assert.Null(CbpfProgram.TryLoad(program, out _));
    }

    [Theory]
    [InlineData(BPF_LD | BPF_W | BPF_ABS, 0u, 0x01020304u)]
    [InlineData(BPF_LD | BPF_H | BPF_ABS, 2u, 0x0304u)]
    [InlineData(BPF_LD | BPF_B | BPF_ABS, 3u, 4u)]
    [InlineData(BPF_LD | BPF_W | BPF_ABS, 1u, 0u)]
    [InlineData(BPF_LD | BPF_H | BPF_ABS, 3u, 0u)]
    [InlineData(BPF_LD | BPF_B | BPF_ABS, 4u, 0u)]
    [InlineData(BPF_LD | BPF_W | BPF_IND, 0xffff_ffffu, 0u)]
    [InlineData(BPF_LD | BPF_W | BPF_LEN, 0u, 1500u)]
    [InlineData(BPF_LD | BPF_IMM, 77u, 77u)]
    [InlineData(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, 0u)]
    public void LoadsReadTheFrameAndNothingElse(int code, uint k, uint expected) =>
        Assert.Equal(expected, Run([I(code, k), s_returnA], [1, 2, 3, 4], 1500));

    [Fact]
    public void AnIndexedLoadThatWouldWrapAroundEndsWithZero() =>
        Assert.Equal(0u, Run([I(BPF_LDX | BPF_IMM, 0xffff_fffe), I(BPF_LD | BPF_B | BPF_IND, 2), s_returnA], [9, 9], 2));

    [Fact]
    public void DivisionByAZeroRegisterEndsWithZero() =>
        Assert.Equal(
            0u, Run([I(BPF_LD | BPF_IMM, 5), I(BPF_ALU | BPF_DIV | BPF_X), I(BPF_RET | BPF_K, 1)], [1], 1));

    [Fact]
    public void HeaderLengthIsFourTimesTheLowNibble() =>
        Assert.Equal(20u, Run([I(BPF_LDX | BPF_MSH | BPF_B, 0), I(BPF_MISC | BPF_TXA), s_returnA], [0x45], 1));

    [Fact]
    public void RandomProgramsAgreeWithLibpcapsMachine()
    {
        if (!PcapWitness.IsAvailable)
        {
            Assert.Skip("needs libpcap0.8: its own BPF machine is the witness");
        }

        var random = new Random(20240607);
        var frame = new byte[96];
        var (run, matched) = (0, 0);
        for (var round = 0; round < 200_000; round++)
        {
            var program = RandomProgram(random);
            random.NextBytes(frame);
            var bytes = frame.AsSpan(0, random.Next(frame.Length + 1));
            if (CbpfProgram.TryLoad(program, out _) is not { } loaded)
            {
                continue;
            }

            var ours = CbpfInterpreter.Run(loaded, bytes, 2000);
            if (PcapWitness.Run(program, bytes, 2000) is { } theirs)
            {
                run++;
                matched += theirs != 0 ? 1 : 0;
                Assert.True(ours == theirs, $"round {round}: {ours} against {theirs}");
            }
        }

        Assert.True(run > 50_000 && matched > 5_000, $"{run} programs ran, {matched} with a result above zero");
    }

    [Fact]
    public void RandomInstructionsNeverThrow()
    {
        var random = new Random(7);
        var frame = new byte[64];
        for (var round = 0; round < 200_000; round++)
        {
            var program = new sock_filter[random.Next(1, 12)];
            foreach (ref var instruction in program.AsSpan())
            {
                instruction = new sock_filter
                {
                    code = (ushort)random.Next(0x100),
                    jt = (byte)random.Next(4),
                    jf = (byte)random.Next(4),
                    k = random.Next(4) == 0 ? (uint)random.Next() * 2 : (uint)random.Next(70),
                };
            }

            program[^1] = s_returnA;
            if (CbpfProgram.TryLoad(program, out _) is { } loaded)
            {
                _ = CbpfInterpreter.Run(loaded, frame.AsSpan(0, random.Next(65)), 64);
            }
        }
    }

    private static readonly int[] s_codes =
    [
        BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS, BPF_LD | BPF_W | BPF_IND,
        BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND, BPF_LD | BPF_W | BPF_LEN, BPF_LD | BPF_IMM,
        BPF_LD | BPF_MEM, BPF_LDX | BPF_IMM, BPF_LDX | BPF_MEM, BPF_LDX | BPF_LEN, BPF_LDX | BPF_MSH | BPF_B, BPF_ST,
        BPF_STX, BPF_ALU | BPF_ADD, BPF_ALU | BPF_SUB, BPF_ALU | BPF_MUL, BPF_ALU | BPF_DIV, BPF_ALU | BPF_MOD,
        BPF_ALU | BPF_OR, BPF_ALU | BPF_AND, BPF_ALU | BPF_XOR, BPF_ALU | BPF_LSH, BPF_ALU | BPF_RSH,
        BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_MUL | BPF_X, BPF_ALU | BPF_DIV | BPF_X,
        BPF_ALU | BPF_MOD | BPF_X, BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_AND | BPF_X, BPF_ALU | BPF_XOR | BPF_X,
        BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_RSH | BPF_X, BPF_ALU | BPF_NEG, BPF_JMP | BPF_JA,
        BPF_JMP | BPF_JEQ, BPF_JMP | BPF_JGT, BPF_JMP | BPF_JGE, BPF_JMP | BPF_JSET, BPF_JMP | BPF_JEQ | BPF_X,
        BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_X, BPF_JMP | BPF_JSET | BPF_X, BPF_MISC | BPF_TAX,
        BPF_MISC | BPF_TXA, BPF_RET | BPF_A, BPF_RET | BPF_K,
    ];

    // Meaningful more often than random bits: small offsets, jumps that stay inside. All memory words are stored first,
    // because libpcap's machine starts with whatever was on its stack and ours with zeros.
    private static sock_filter[] RandomProgram(Random random)
    {
        var length = BPF_MEMWORDS + random.Next(2, 24);
        var program = new sock_filter[length];
        for (var i = 0; i < BPF_MEMWORDS; i++)
        {
            program[i] = I(BPF_ST, (uint)i);
        }

        for (var i = BPF_MEMWORDS; i < length - 1; i++)
        {
            var room = Math.Min(length - i - 2, 255);
            var code = s_codes[random.Next(s_codes.Length)];
            var isJump = (code & 7) == BPF_JMP;
            program[i] = new sock_filter
            {
                code = (ushort)code,
                jt = (byte)(isJump ? random.Next(room + 1) : 0),
                jf = (byte)(isJump ? random.Next(room + 1) : 0),
                k = code == (BPF_JMP | BPF_JA) ? (uint)random.Next(room + 1)
                    : (code & 0xe0) == BPF_MEM || (code & 6) == BPF_ST ? (uint)random.Next(16)
                    : random.Next(8) == 0 ? (uint)random.Next() : (uint)random.Next(90),
            };
        }

        program[^1] = s_returnA;
        return program;
    }

    private static uint Run(sock_filter[] program, byte[] frame, uint lengthBytes)
    {
        var loaded = CbpfProgram.TryLoad(program, out var error);
        Assert.True(loaded is not null, error);
        return CbpfInterpreter.Run(loaded, frame, lengthBytes);
    }

    private static sock_filter I(int code, uint k = 0) => new() { code = (ushort)code, k = k };

    private static sock_filter J(int code, uint k, byte jt, byte jf) =>
        new() { code = (ushort)(BPF_JMP | code), k = k, jt = jt, jf = jf };
}

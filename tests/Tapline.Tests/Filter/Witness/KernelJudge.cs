// Lets the running kernel judge frames by the eBPF that we emit: a program for traffic control, loaded and run over frames
// without any interface (BPF_PROG_TEST_RUN). A frame whose Ethernet header is followed by a VLAN tag may be given with the
// tag beside it, as the kernel carries it: the tag travels in the mark and a helper pushes it before the filter.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Filter;

namespace Tapline.Tests.Filter.Witness;

/// <summary>One loaded program.</summary>
internal sealed unsafe class KernelJudge : IDisposable
{
    /// <summary>The kernel's test run takes no shorter frames, and no longer ones without fragments.</summary>
    public const int FrameBytesMin = 14;
    public const int FrameBytesMax = 3000;

    private const int IpFrameBytesMin = 54;
    private const int FUNC_skb_vlan_push = 18;
    private const int SkbBytes = 192;
    private readonly FileDescriptor _program;
    private readonly byte[] _without = new byte[FrameBytesMax];

    private KernelJudge(FileDescriptor program, int instructions)
    {
        _program = program;
        Instructions = instructions;
    }

    public int Instructions { get; }

    /// <summary>Loads the tree's program; null and the reason when it cannot be emitted or the verifier refuses it.</summary>
    public static KernelJudge? Load(FilterTree tree, out string? reason)
    {
        var code = new BpfAssembler();
        var reject = code.Label();
        var untagged = code.Label();
        code.Move(6, 1);
        code.Load(Bpf.BPF_W, 3, 6, Bpf.SkbMark);
        code.JumpIf(Bpf.BPF_JEQ, 3, 0, untagged);
        code.Move(2, 3);
        code.AluImmediate(Bpf.BPF_RSH, 2, 16);
        code.ToBigEndian(2, 16);
        code.AluImmediate(Bpf.BPF_AND, 3, 0xffff);
        code.Move(1, 6);
        code.Call(FUNC_skb_vlan_push);
        code.Place(untagged);
        if (!EbpfEmitter.TryEmit(code, tree, LinkType.Ethernet, reject, out reason))
        {
            return null;
        }

        code.MoveImmediate(0, 1);
        code.Exit();
        code.Place(reject);
        code.MoveImmediate(0, 0);
        code.Exit();
        var instructions = code.Build();
        var program = BpfSystem.Load(Bpf.BPF_PROG_TYPE_SCHED_CLS, instructions, "filter_test", out var refusal);
        reason = program is null ? refusal : null;
        return program is null ? null : new KernelJudge(program, instructions.Length);
    }

    /// <summary>The verdict on a frame whose tags are all in its bytes; null when the kernel does not take so short a one.</summary>
    public bool? Judge(ReadOnlySpan<byte> frame) => Run(frame, mark: 0);

    /// <summary>The verdict on a frame with its first tag beside it; null when it has none.</summary>
    public bool? JudgeWithTagBeside(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < FrameBytesMin + 4 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) is not (0x8100 or 0x88a8))
        {
            return null;
        }

        frame[..12].CopyTo(_without);
        frame[16..].CopyTo(_without.AsSpan(12));
        return Run(_without.AsSpan(0, frame.Length - 4), BinaryPrimitives.ReadUInt32BigEndian(frame[12..]));
    }

    public void Dispose() => _program.Dispose();

    private bool? Run(ReadOnlySpan<byte> frame, uint mark)
    {
        Span<byte> context = stackalloc byte[SkbBytes];
        context.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(context[Bpf.SkbMark..], mark);
        fixed (byte* bytes = frame)
        fixed (byte* skb = context)
        {
            var attributes = new bpf_attr_test_run
            {
                prog_fd = (uint)_program.Number, data_in = (ulong)bytes, data_size_in = (uint)frame.Length, repeat = 1,
                ctx_in = (ulong)skb, ctx_size_in = SkbBytes,
            };
            if (SystemCalls.Bpf(Bpf.BPF_PROG_TEST_RUN, &attributes, (uint)Marshal.SizeOf<bpf_attr_test_run>()) != 0)
            {
                // A frame that ends before its IP header does is none for the test run.
                if (SystemCalls.LastError == SystemCalls.EINVAL && frame.Length < IpFrameBytesMin)
                {
                    return null;
                }

                throw new InvalidOperationException(
                    $"BPF_PROG_TEST_RUN of {frame.Length} bytes: {SystemError.Describe(SystemCalls.LastError)}");
            }

            return attributes.retval == 1;
        }
    }
}

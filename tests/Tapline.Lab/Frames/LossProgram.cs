// Drops one TCP data frame in N on the ingress of a namespace's interface: after every tap on the way, before the
// receiver. Only frames with payload and without SYN, FIN, RST, so that connections come and go undisturbed. Counts what
// it saw and what it dropped. Owner: the test; the program goes with the interface.
using Microsoft.Win32.SafeHandles;

namespace Tapline.Lab.Frames;

/// <summary>A lossy last metre.</summary>
internal sealed class LossProgram : IDisposable
{
    private const int HelperSkbLoadBytes = 26; // bpf_skb_load_bytes
    private const int EthernetBytes = 14;
    private const int FramePointer = 10;
    private readonly SafeFileHandle _counters;

    private LossProgram(SafeFileHandle counters) => _counters = counters;

    /// <summary>TCP data frames that passed by, dropped ones included.</summary>
    public long Seen => Bpf.ReadCounters(_counters, 2)[0];

    public long Dropped => Bpf.ReadCounters(_counters, 2)[1];

    /// <summary>Drops every <paramref name="oneIn"/>th data frame that enters <paramref name="device"/>.</summary>
    public static LossProgram Attach(string netns, string device, int oneIn)
    {
        var counters = Bpf.CreateCounters(2);
        ClsactProgram.Attach(netns, device, "ingress", Program(counters, oneIn), "tapline_loss");
        return new LossProgram(counters);
    }

    public void Dispose() => _counters.Dispose();

    // r6 context, r7 payload length, r8 counters; the IPv4 header is copied to fp-24, the TCP header to fp-48.
    private static ulong[] Program(SafeFileHandle counters, int oneIn)
    {
        var code = new BpfAssembler();
        code.Move(6, 1);
        LoadBytes(code, EthernetBytes, -24, 20);
        code.JumpIfNotEqual(0, 0, "pass");
        code.Load(1, 1, FramePointer, -24); // version and header length: IPv4 without options
        code.JumpIfNotEqual(1, 0x45, "pass");
        code.Load(1, 1, FramePointer, -24 + 9);
        code.JumpIfNotEqual(1, 6, "pass");
        LoadBytes(code, EthernetBytes + 20, -48, 20);
        code.JumpIfNotEqual(0, 0, "pass");
        code.Load(1, 1, FramePointer, -48 + 13);
        code.JumpIfAnySet(1, 0x07, "pass"); // FIN, SYN, RST
        code.Load(1, 1, FramePointer, -48 + 12);
        code.ShiftRight(1, 4);
        code.ShiftLeft(1, 2);
        code.Add(1, EthernetBytes + 20);
        code.Load(4, 7, 6, 0); // __sk_buff.len
        code.JumpIfLessOrEqual(7, 1, "pass");
        code.LoadMapValue(8, (int)counters.DangerousGetHandle());
        code.Load(8, 1, 8, 0);
        code.Add(1, 1);
        code.Store(8, 8, 0, 1);
        code.Modulo(1, oneIn);
        code.JumpIfNotEqual(1, 0, "pass");
        code.Load(8, 1, 8, 8);
        code.Add(1, 1);
        code.Store(8, 8, 8, 1);
        code.MoveImmediate(0, ClsactProgram.Shot);
        code.Exit();
        code.Label("pass");
        code.MoveImmediate(0, ClsactProgram.Ok);
        code.Exit();
        return code.Build();
    }

    private static void LoadBytes(BpfAssembler code, int offset, int stack, int length)
    {
        code.Move(1, 6);
        code.MoveImmediate(2, offset);
        code.Move(3, FramePointer);
        code.Add(3, stack);
        code.MoveImmediate(4, length);
        code.Call(HelperSkbLoadBytes);
    }
}

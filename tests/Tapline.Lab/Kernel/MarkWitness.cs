// A program of somebody else on a port, behind ours: counts the frames that come by and those that carry a mark or are
// not the length that was sent. Proof that the tapped frame goes on untouched. Owner: the test.
using Microsoft.Win32.SafeHandles;
using Tapline.Lab.Frames;

namespace Tapline.Lab.Kernel;

/// <summary>Counts on a clsact hook.</summary>
internal sealed class MarkWitness : IDisposable
{
    private readonly SafeFileHandle _counters;

    private MarkWitness(SafeFileHandle counters) => _counters = counters;

    public long Seen => Frames.Bpf.ReadCounters(_counters, 2)[0];

    /// <summary>Frames with a mark or of another length.</summary>
    public long Changed => Frames.Bpf.ReadCounters(_counters, 2)[1];

    public static MarkWitness Attach(string netns, string device, int frameBytes)
    {
        var counters = Frames.Bpf.CreateCounters(2);
        var code = new BpfAssembler();
        code.Move(6, 1);
        code.LoadMapValue(8, (int)counters.DangerousGetHandle());
        code.Load(8, 1, 8, 0);
        code.Add(1, 1);
        code.Store(8, 8, 0, 1);
        code.Load(4, 2, 6, 8); // __sk_buff.mark
        code.JumpIfNotEqual(2, 0, "changed");
        code.Load(4, 2, 6, 0); // __sk_buff.len
        code.JumpIfNotEqual(2, frameBytes, "changed");
        code.MoveImmediate(0, ClsactProgram.Ok);
        code.Exit();
        code.Label("changed");
        code.Load(8, 1, 8, 8);
        code.Add(1, 1);
        code.Store(8, 8, 8, 1);
        code.MoveImmediate(0, ClsactProgram.Ok);
        code.Exit();
        ClsactProgram.Attach(netns, device, "ingress", code.Build(), "lab_witness");
        return new MarkWitness(counters);
    }

    public void Dispose() => _counters.Dispose();
}

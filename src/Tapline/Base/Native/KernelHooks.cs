// Where programs meet frames on an interface: TCX where the kernel has it (6.6), else clsact with cls_bpf. In: loaded
// programs and interfaces. Out: attachments, each with one owner. Owner of the netlink socket that clsact needs. Control
// threads, one at a time.
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Which hook programs are hung on.</summary>
public enum KernelHookKind : byte
{
    /// <summary>TCX when the kernel knows it, else clsact.</summary>
    Auto,
    Tcx,
    Clsact,
}

/// <summary>Attaches programs to interfaces.</summary>
internal sealed class KernelHooks : IDisposable
{
    private readonly TrafficControl _control;

    private KernelHooks(TrafficControl control, KernelHookKind kind)
    {
        _control = control;
        Kind = kind;
    }

    /// <summary>Tcx or Clsact.</summary>
    public KernelHookKind Kind { get; }

    /// <summary>Finds out what the kernel can, by a program that does nothing and is attached nowhere.</summary>
    public static KernelHooks? Open(KernelHookKind wanted, out string error)
    {
        var idle = new BpfAssembler();
        idle.MoveImmediate(0, Bpf.TCX_NEXT);
        idle.Exit();
        using var program = BpfSystem.Load(Bpf.BPF_PROG_TYPE_SCHED_CLS, idle.Build(), "tap_probe", out error);
        if (program is null)
        {
            return null;
        }

        var hasTcx = TcxLink.IsKnown(program);
        if (wanted == KernelHookKind.Tcx && !hasTcx)
        {
            error = "This kernel has no TCX hooks (Linux 6.6).";
            return null;
        }

        if (TrafficControl.Open(out error) is not { } control)
        {
            return null;
        }

        return new KernelHooks(control, hasTcx && wanted != KernelHookKind.Clsact ? KernelHookKind.Tcx : KernelHookKind.Clsact);
    }

    /// <summary>
    /// Removes what killed engines left on clsact qdiscs (TCX leaves nothing), in the namespace of the calling thread.
    /// </summary>
    public static void RemoveLeftovers()
    {
        using var control = Privileges.HasNetAdmin ? TrafficControl.Open(out _) : null;
        if (control is not null)
        {
            ClsactFilter.RemoveLeftovers(control);
        }
    }

    /// <summary>Attaches; null and the errno when the kernel refuses, and then nothing has changed.</summary>
    public IDisposable? Attach(FileDescriptor program, int interfaceIndex, bool isEgress, out int errno) =>
        Kind == KernelHookKind.Tcx
            ? TcxLink.Attach(program, interfaceIndex, isEgress, out errno)
            : ClsactFilter.Attach(_control, program, interfaceIndex, isEgress, out errno);

    public void Dispose() => _control.Dispose();
}

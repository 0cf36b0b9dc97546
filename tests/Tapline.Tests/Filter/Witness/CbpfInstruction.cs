// One instruction as the interpreter reads it: jump targets are absolute, so no addition and no check at run time.
using System.Runtime.InteropServices;

namespace Tapline.Tests.Filter.Witness;

/// <summary>A decoded and validated classic BPF instruction, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CbpfInstruction
{
    public uint K;

    /// <summary>Index of the next instruction when the condition holds (or of an unconditional jump).</summary>
    public int TargetTrue;

    /// <summary>Index of the next instruction when it does not hold.</summary>
    public int TargetFalse;

    public CbpfOp Op;
}

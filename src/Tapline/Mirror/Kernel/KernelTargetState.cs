// What the programs of a session know of the tool port: a map value that the engine writes and programs read.
using System.Runtime.InteropServices;

namespace Tapline.Mirror.Kernel;

/// <summary>The tool port of the moment.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelTargetState
{
    public const short IndexOffset = 0;
    public const short FrameBytesMaxOffset = 4;
    public const short AliveUntilOffset = 8;

    /// <summary>Kernel index; 0 = it takes no frames at the moment.</summary>
    public uint InterfaceIndex;

    /// <summary>Longest frame without the VLAN tag beside it: header and MTU.</summary>
    public uint FrameBytesMax;

    /// <summary>
    /// CLOCK_MONOTONIC in nanoseconds up to which the engine is known to live; moved on every second. A program that
    /// outlives its engine (clsact) does nothing from then on.
    /// </summary>
    public long AliveUntilNs;
}

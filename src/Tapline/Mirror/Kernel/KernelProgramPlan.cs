// What one emitted program is to do. Plain data for KernelMirrorProgram.
using Tapline.Base.Native;

namespace Tapline.Mirror.Kernel;

/// <summary>Emits a filter: falls through for frames that are wanted, jumps to the label for others. R6 is the context.</summary>
internal delegate void FilterEmission(BpfAssembler code, int rejectLabel);

/// <summary>Orders for one program on one port.</summary>
internal sealed record KernelProgramPlan
{
    /// <summary>Map of <see cref="KernelCounter"/> values by point: a per-CPU array.</summary>
    public required int CountersDescriptor { get; init; }

    /// <summary>Map of one <see cref="KernelTargetState"/>: an array.</summary>
    public required int TargetDescriptor { get; init; }

    /// <summary>Where in the counters' map this port counts.</summary>
    public required ushort PointId { get; init; }

    /// <summary>False for ports without Ethernet headers: their frames cannot leave by an Ethernet port.</summary>
    public bool IsEthernet { get; init; } = true;

    /// <summary>The target has no room for a VLAN tag beside the longest frame.</summary>
    public bool TagCounts { get; init; }

    /// <summary>The program may outlive the engine, so it looks whether that is still alive.</summary>
    public bool LooksForEngine { get; init; }

    /// <summary>One frame in so many of those that the filter wants; 1 = all.</summary>
    public int SampleOneIn { get; init; } = 1;

    /// <summary>Mark of the session's canaries, which pass filter and sampler; 0 = none.</summary>
    public uint CanaryMark { get; init; }

    /// <summary>The expression; null = every frame.</summary>
    public FilterEmission? Filter { get; init; }
}

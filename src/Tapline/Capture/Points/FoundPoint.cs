// One line of `tapline points`: an interface as an observation point that is or could be captured.
using Tapline.Capture.Identity;

namespace Tapline.Capture.Points;

/// <summary>An interface that can be an observation point. Names are hostile text (already cleaned where a VM chose them).</summary>
public sealed record FoundPoint
{
    public required string Name { get; init; }

    public required int InterfaceIndex { get; init; }

    public required PointKind Kind { get; init; }

    /// <summary>The kernel's kind of device: <c>veth</c>, <c>tap</c>, <c>bridge</c>, <c>vxlan</c>, <c>physical</c>, …</summary>
    public required string Device { get; init; }

    /// <summary>The switch it is a port of, or null.</summary>
    public string? Switch { get; init; }

    public string? Vm { get; init; }

    public string? VmId { get; init; }

    /// <summary>Other names of the VM.</summary>
    public NameSet VmAliases { get; init; } = NameSet.Empty;

    /// <summary>The VM's tags.</summary>
    public NameSet VmTags { get; init; } = NameSet.Empty;

    /// <summary>Where the VM's name comes from: <c>libvirt</c>, <c>qemu</c>, <c>process</c>, <c>inventory</c>, …; or null.</summary>
    public string? VmSource { get; init; }

    /// <summary>MAC of the workload's side, else of the interface; 0 = none.</summary>
    public ulong Mac { get; init; }

    public required PointState State { get; init; }

    public int MtuBytes { get; init; }

    /// <summary>True when the patterns asked about would capture it.</summary>
    public bool IsCaptured { get; init; }

    /// <summary>Why it is not captured or what to know about it; null when there is nothing to say.</summary>
    public string? Remark { get; init; }
}
